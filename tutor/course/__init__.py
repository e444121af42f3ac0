"""What is taught: typed chapters, their loader and their lint."""
