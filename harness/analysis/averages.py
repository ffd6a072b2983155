"""Summaries of scores over languages: means that no family dominates, and how the worst off fare."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.analysis.grid import Array


def gini(values: Array) -> float:
    """The Gini coefficient: 0 where all are equal."""
    ordered = np.sort(values)
    n = len(ordered)
    total = ordered.sum()
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * total)) if total > 0 else float("nan")


def worst_decile(values: Array) -> float:
    """The mean of the lowest tenth, rounded up."""
    return float(np.sort(values)[: -(-len(values) // 10)].mean())


def family_mean(values: Array, families: Sequence[str]) -> float:
    """The mean over families of the mean in each."""
    names, code = np.unique(np.asarray(families), return_inverse=True)
    return float((np.bincount(code, values, len(names)) / np.bincount(code, minlength=len(names))).mean())
