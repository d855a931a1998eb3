"""Interventions on pictures whose class stays, one a file."""
