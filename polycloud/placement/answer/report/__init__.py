"""The report: one HTML file that needs nothing else, for people; also read without scripts, styles or colours."""

from polycloud.placement.answer.report.page import page as page
