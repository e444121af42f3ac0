"""What was done, what is weak, what comes."""
