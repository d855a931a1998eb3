"""Pieces that families of checkpoints are put together from."""
