"""What is remembered: the journal and everything derived from it."""
