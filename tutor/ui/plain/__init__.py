"""The course in lines of text, for screen readers, pipes and dumb terminals."""
