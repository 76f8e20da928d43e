"""One's own halls: any OpenAI-compatible server."""
