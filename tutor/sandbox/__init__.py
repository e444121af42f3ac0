"""The safety net: a Docker API proxy that labels, filters, refuses and records."""
