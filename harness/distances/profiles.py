"""Bags of items (words, tokens, n-grams) by language, and how alike they are, all pairs at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.distances.base import Floats


@dataclass(frozen=True, slots=True)
class Profile:
    """The items of one language.

    Attributes:
        items: ascending numbers that mean the same in every profile of one call.
        counts: how often each occurs.
    """

    items: NDArray[np.int64]
    counts: Floats

    @property
    def shares(self) -> Floats:
        """The counts as shares of all."""
        total: float = self.counts.sum()
        return self.counts / total


def profiles(counted: Mapping[str, Mapping[str, int] | Mapping[int, int]]) -> dict[str, Profile]:
    """A profile for each language that has any item."""
    number: dict[object, int] = {}
    found = {}
    for name, counts in counted.items():
        if counts:
            items = np.array([number.setdefault(item, len(number)) for item in counts], dtype=np.int64)
            order = np.argsort(items)
            found[name] = Profile(items[order], np.array(list(counts.values()), dtype=np.float64)[order])
    return found


def shared(languages: Sequence[str], known: Mapping[str, Profile]) -> Floats:
    """How many different items two languages have in common."""
    return _gathered(languages, known, lambda x, _: float(np.count_nonzero(x)))


def overlap(languages: Sequence[str], known: Mapping[str, Profile]) -> Floats:
    """LangRank's overlap of types, in [0, 0.5]: ``|a and b| / (|a| + |b|)`` (Lin et al. 2019)."""
    share: Floats = shared(languages, known) / _together(languages, known)
    return share


def jaccard(languages: Sequence[str], known: Mapping[str, Profile]) -> Floats:
    """Jaccard's similarity of types, in [0, 1]: ``|a and b| / |a or b|``."""
    common = shared(languages, known)
    share: Floats = common / (_together(languages, known) - common)
    return share


def jensen_shannon(languages: Sequence[str], known: Mapping[str, Profile]) -> Floats:
    """Jensen and Shannon's distance of the frequencies, in [0, 1]: the root of the divergence in bits."""

    def value(x: Floats, y: Floats) -> float:
        x, y = x[x > 0], y[x > 0]
        # an item of one side alone adds half of its share
        alone = (1 - x.sum() + 1 - y.sum()) / 2
        mean = (x + y) / 2
        return float(np.sqrt(max(0.0, alone + (x @ np.log2(x / mean) + y @ np.log2(y / mean)) / 2)))

    return _gathered(languages, known, value)


def cosine(languages: Sequence[str], known: Mapping[str, Profile]) -> Floats:
    """Cosine of the frequencies, in [0, 1]."""
    norms = {name: float(np.linalg.norm(profile.shares)) for name, profile in known.items()}
    scale = np.array([norms.get(name, np.nan) for name in languages])
    cosines: Floats = _gathered(languages, known, lambda x, y: float(x @ y)) / np.outer(scale, scale)
    return cosines


def _together(languages: Sequence[str], known: Mapping[str, Profile]) -> Floats:
    sizes = np.array([float(len(known[name].items)) if name in known else np.nan for name in languages])
    together: Floats = np.add.outer(sizes, sizes)
    return together


def _gathered(
    languages: Sequence[str], known: Mapping[str, Profile], value: Callable[[Floats, Floats], float]
) -> Floats:
    """The symmetric matrix of ``value(a's shares of b's items, b's shares)``; NaN where one of them has no profile.

    One language is spread over all items, and the others look theirs up: no pair of sets is ever intersected.
    """
    size = 1 + max((int(profile.items[-1]) for profile in known.values()), default=0)
    shares = {name: profile.shares for name, profile in known.items()}
    found = np.full((len(languages), len(languages)), np.nan)
    for i, a in enumerate(languages):
        if a not in known:
            continue
        spread = np.zeros(size)
        spread[known[a].items] = shares[a]
        for j, b in enumerate(languages[:i]):
            if b in known:
                found[i, j] = found[j, i] = value(spread[known[b].items], shares[b])
    return found
