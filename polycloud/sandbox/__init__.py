"""The model endpoints of five clouds on local sockets, strict as the real ones, with faults on demand."""
