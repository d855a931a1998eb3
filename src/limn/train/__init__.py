"""Recipes, losses and the loop that trains the shipped models."""
