"""Microsoft Azure: Azure OpenAI and Foundry."""
