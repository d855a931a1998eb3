"""What limn itself can train: one task, one file."""
