"""polycloud: AI over AWS, Azure, Google Cloud, Oracle Cloud and one's own machines, as one place."""

__version__ = "0.1.0"
