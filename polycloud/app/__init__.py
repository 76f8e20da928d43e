"""The faces of polycloud: command line, HTTP API, processes; wiring alone names clouds, stores and the sandbox."""
