"""Run folders, their index, and the record inside each picture."""
