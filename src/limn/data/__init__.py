"""The two worlds of pictures, and readers for other data."""
