"""The one place that names clouds, stores and the sandbox, and binds them to the engines."""
