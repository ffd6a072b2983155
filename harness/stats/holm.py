"""Holm's step-down adjustment of p-values for many tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """The adjusted p-values, in the order of ``p``: a test is significant where its own is at most alpha.

    The chance of a single false rejection is at most alpha, however the tests hang together. No adjusted value falls
    when a p-value rises, so that bounds of p-values give bounds of the adjusted ones.

    Source: Holm (1979).
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)))
    return adjusted
