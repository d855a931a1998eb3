"""From pixels to the state a predictor works on, and back."""
