"""What other tools write into their pictures about how these were made; all of it is said, nothing is proven."""
