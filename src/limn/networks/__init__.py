"""Neural networks, and the safe reading of their weights."""
