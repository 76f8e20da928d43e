"""One module a wire protocol: what it checks, how it reads a question, how it writes an answer and an error."""
