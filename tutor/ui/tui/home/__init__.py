"""The home screen: all chapters."""
