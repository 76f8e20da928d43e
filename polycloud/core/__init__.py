"""The language that every other package speaks: small frozen values, no I/O."""
