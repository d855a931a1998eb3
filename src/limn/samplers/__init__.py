"""Walks from noise to picture, and the noise levels they visit."""
