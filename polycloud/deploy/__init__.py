"""Desired against observed: the files of other tools, written from one estate, and what differs."""
