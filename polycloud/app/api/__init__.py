"""The admin HTTP API of the control process."""
