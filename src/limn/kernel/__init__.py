"""The nouns everything else is made of, and the runner that asks a model."""
