"""Adapters: one folder a cloud, one file a port, the same file names in each."""
