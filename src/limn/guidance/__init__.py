"""One file for each way of steering."""
