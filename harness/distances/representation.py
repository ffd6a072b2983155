"""Distances between the embeddings that one layer of one model gives to translations: pure functions of two arrays.

Arguments ``x`` and ``y`` are (sentences, width), row i of one the translation of row i of the other. Each function
gives a similarity as its authors define it; the distance of that name is one minus it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from harness.distances.base import Context, Distance, Floats, Kind, Need, by_pair, frame, register
from harness.errors import DataError, NotApplicableError


def centroid_cosine(x: Floats, y: Floats) -> float:
    """Cosine of the two means."""
    return float(_unit(x.mean(axis=0)) @ _unit(y.mean(axis=0)))


def linear_cka(x: Floats, y: Floats) -> float:
    """Linear centred kernel alignment, ``|X'Y|^2 / (|X'X| |Y'Y|)`` (Kornblith et al. 2019)."""
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    scale = np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    return float(np.linalg.norm(x.T @ y) ** 2 / scale) if scale > 0 else float("nan")


def mean_cosine(x: Floats, y: Floats) -> float:
    """Mean cosine of translations: mPLM-Sim (Lin et al. 2024)."""
    return float(np.einsum("ij,ij->i", _unit(x), _unit(y)).mean())


def parallel_margin(x: Floats, y: Floats) -> float:
    """Mean cosine of translations minus that of all other pairs, which a narrow cone of embeddings raises as well."""
    x, y = _unit(x), _unit(y)
    n = len(x)
    together = np.einsum("ij,ij->", x, y)
    return float(together / n - (x.sum(axis=0) @ y.sum(axis=0) - together) / (n * (n - 1)))


def neuron_correlation(x: Floats, y: Floats) -> float:
    """Average neuron-wise correlation, the mean over dimensions of Pearson's r (ANC, Del and Fishel 2022).

    Dimensions that are constant in one of the languages are left out.
    """
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    scale = np.linalg.norm(x, axis=0) * np.linalg.norm(y, axis=0)
    varied = scale > 1e-12
    return float((np.einsum("ij,ij->j", x, y)[varied] / scale[varied]).mean()) if varied.any() else float("nan")


def retrieval_accuracy(x: Floats, y: Floats) -> float:
    """Share of the sentences in x whose translation is nearer, by cosine, than every other sentence of y."""
    x, y = _unit(x), _unit(y)
    hits = 0
    for start in range(0, len(x), 1024):
        scores = x[start : start + 1024] @ y.T
        line = np.arange(len(scores))
        own = scores[line, line + start].copy()
        scores[line, line + start] = -np.inf
        # products of equal rows may differ in the last bit, and a tie is no win
        hits += int((own > scores.max(axis=1) + 1e-12).sum())
    return hits / len(x)


def _distance(similarity: Callable[[Floats, Floats], float], *, symmetric: bool = True) -> Distance:
    def compute(codes: Sequence[str], context: Context) -> pd.DataFrame:
        known = _checked(codes, context)
        rows = by_pair(codes, known, lambda x, _: float(len(x)))
        return frame(codes, 1 - by_pair(codes, known, similarity), rows)

    needs = frozenset({Need.PARALLEL, Need.EMBEDDINGS})
    return Distance(similarity.__name__, Kind.REPRESENTATION, "1", symmetric, compute, needs=needs)


def _checked(codes: Sequence[str], context: Context) -> dict[str, Floats]:
    known = {code: np.asarray(context.embeddings[code], np.float64) for code in codes if code in context.embeddings}
    if not known:
        raise NotApplicableError("representation distances need a model's embeddings of parallel sentences")
    first = next(iter(known))
    for code, rows in known.items():
        if rows.ndim != 2 or rows.shape != known[first].shape:
            raise DataError(
                f"embeddings of {code} are {rows.shape}, those of {first} {known[first].shape}; "
                "rows must be translations of one another"
            )
        if not np.isfinite(rows).all():
            raise DataError(f"embeddings of {code} hold values that are not finite")
    if len(known[first]) < 2:
        raise DataError(f"representation distances need two parallel sentences or more, got {len(known[first])}")
    return known


def _unit(rows: Floats) -> Floats:
    norms: Floats = np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)
    return rows / norms


register(
    _distance(centroid_cosine),
    _distance(linear_cka),
    _distance(mean_cosine),
    _distance(parallel_margin),
    _distance(neuron_correlation),
    _distance(retrieval_accuracy, symmetric=False),
)
