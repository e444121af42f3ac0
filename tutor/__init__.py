"""An interactive terminal tutor for the Docker mental model."""

__version__ = "0.1.0"
