"""Amazon Web Services: Bedrock."""
