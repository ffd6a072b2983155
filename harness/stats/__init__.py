"""Intervals and tests over per-example counts."""
