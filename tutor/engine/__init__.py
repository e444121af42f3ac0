"""The real thing: finding an engine, the private engine, images, the World and its watch."""
