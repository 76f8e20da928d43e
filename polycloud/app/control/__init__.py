"""The control process: it owns the estate, the store, journals, credentials and health, and tells workers."""
