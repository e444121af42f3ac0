"""What is not yet as expected, in words: a module for each family of expectations. See `check.check`."""
