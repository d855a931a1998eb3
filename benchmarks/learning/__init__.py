"""Learning from pictures: words, subjects and single pictures, judged by a judge that had no part in it."""
