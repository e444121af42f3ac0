"""Help, on every screen."""
