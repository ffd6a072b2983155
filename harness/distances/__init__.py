"""Distances between languages: one long table (a, b, value, shared, coverage), one file a family of distances.

Smaller is nearer, for every one of them: what the literature defines as a similarity stands here as one minus it, so
that "the nearest source" means the same everywhere. A distance that is not known is NaN, never 0.
"""
