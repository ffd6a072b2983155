"""Readers, splits and checks: from files and the hub to corpora of examples."""
