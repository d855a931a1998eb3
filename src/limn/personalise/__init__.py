"""What a model was taught beside its weights: words, and changes to layers, each in one small file."""
