"""The proof of a course: every attempt tried on a real engine."""
