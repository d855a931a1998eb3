"""Captioned pictures that are looked up for a prompt."""
