"""Recipes of prompts, one a file."""
