"""The fronts: what a person sees."""
