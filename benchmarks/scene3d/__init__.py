"""Measurements of things in three dimensions."""
