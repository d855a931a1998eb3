"""What words are: where they stand, how much they weigh, which letters only look alike."""
