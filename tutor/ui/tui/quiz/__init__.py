"""Predictions and questions."""
