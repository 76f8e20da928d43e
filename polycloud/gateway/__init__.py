"""Live model traffic: one endpoint in, many clouds out, every step of a request in plain order."""
