"""The placement test."""
