"""Intervals from resampled languages: sources and targets are drawn independently, and every pair of drawn ones counts.

Pairs that share a language are not independent: an interval from resampled pairs is several times too narrow. Drawing
the two sides apart errs on the other side, a little (Owen 2007, the pigeonhole bootstrap): it is conservative.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from harness.analysis.grid import Array

CHUNK = 700_000  # numbers in one array of weights: it stays in the cache of a processor
LEVEL = 0.95
LOST = 0.05  # share of replicates without a value above which there is no interval


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """How often each replicate drew each source, (replicates, sources), and each target."""

    sources: Array
    targets: Array

    @classmethod
    def of(cls, shape: tuple[int, ...], replicates: int, seed: int) -> Draws:
        """Of so many sources and targets; the same for the same shape, so that distances share their resamples."""
        sources, targets = shape
        rng = np.random.default_rng([seed, sources, targets])
        return cls(_counts(rng, sources, replicates), _counts(rng, targets, replicates))

    @classmethod
    def once(cls, shape: tuple[int, ...]) -> Draws:
        """One replicate that is the data itself."""
        sources, targets = shape
        return cls(np.ones((1, sources)), np.ones((1, targets)))

    def chunks(self, size: int) -> Iterator[Draws]:
        """The replicates in turn, so few that arrays of (replicates, size) stay small."""
        step = max(1, CHUNK // max(1, size))
        for start in range(0, len(self.sources), step):
            yield Draws(self.sources[start : start + step], self.targets[start : start + step])

    def pairs(self, rows: Array, columns: Array) -> Array:
        """The weights of pairs, given by the indices of their source and target: (replicates, pairs)."""
        return self.sources[:, rows] * self.targets[:, columns]


def _counts(rng: np.random.Generator, n: int, replicates: int) -> Array:
    drawn = rng.integers(n, size=(replicates, n)) + n * np.arange(replicates)[:, None]
    return np.bincount(drawn.ravel(), minlength=replicates * n).reshape(replicates, n).astype(float)


def naive(n: int, replicates: int, seed: int) -> Array:
    """Weights of pairs drawn as if they were independent, which they are not: for comparison only."""
    return _counts(np.random.default_rng([seed, n]), n, replicates)


def interval(values: Array) -> tuple[float, float]:
    """The percentile interval; NaN twice where too many replicates have no value."""
    known = values[np.isfinite(values)]
    if len(known) < (1 - LOST) * len(values) or not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def over(draws: Draws, size: int, statistic: Callable[[Draws], Array]) -> Array:
    """A statistic of every replicate, chunk by chunk."""
    return np.concatenate([statistic(chunk) for chunk in draws.chunks(size)])
