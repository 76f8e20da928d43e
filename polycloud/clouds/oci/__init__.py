"""Oracle Cloud: Generative AI."""
