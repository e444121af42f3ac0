"""What is wrong with a course that can be read: rules over its values, each with the place it is about."""
