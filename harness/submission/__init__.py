"""Submissions in the layouts of the official scorers: read, scored as there, and written from the store."""
