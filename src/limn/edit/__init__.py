"""One file for each way of editing a picture."""
