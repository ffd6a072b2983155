"""Transfer analyses: from one long table of scores, and distances between languages, to tables and figures.

One file an analysis; each takes grids (``grid.py``) and gives a ``Result`` (``result.py``): tables, flat metrics,
figures, and in words what was left out and why.
"""
