"""From prompts to conditioning."""
