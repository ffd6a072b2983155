"""Scores as the field counts them, one file a family of metrics."""
