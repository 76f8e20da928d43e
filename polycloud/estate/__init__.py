"""The one file: schema, load, check."""
