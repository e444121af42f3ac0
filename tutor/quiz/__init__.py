"""Asking: the grading of every kind of question."""
