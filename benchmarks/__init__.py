"""What README and docs claim, measured."""
