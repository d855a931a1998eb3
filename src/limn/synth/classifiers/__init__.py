"""Classifiers that are trained to see what pictures teach, one a file."""
