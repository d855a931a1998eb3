"""Networks behind one convention: the clean state, or logits."""
