"""The doctor screen: what is here, what is missing, and repairs."""
