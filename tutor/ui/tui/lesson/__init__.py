"""The lesson screen: text and steps, shell, live picture."""
