"""Fog for limn."""
