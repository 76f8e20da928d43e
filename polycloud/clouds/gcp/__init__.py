"""Google Cloud: Vertex AI."""
