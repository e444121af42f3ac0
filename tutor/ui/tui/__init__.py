"""The course as a terminal app (Textual)."""
