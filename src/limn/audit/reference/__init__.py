"""What models are compared with: statistics of people, shares in training captions, and lists of prompts."""
