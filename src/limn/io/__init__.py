"""Files in and out: whole or not at all, bounded, of closed form."""
