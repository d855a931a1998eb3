"""One family, one file: how a model folder becomes a generator."""
