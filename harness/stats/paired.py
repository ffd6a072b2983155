"""Two models on the same examples: their scores, the influence of each group on the difference, and swaps of answers.

If nothing distinguishes candidate and baseline, their answers to a group of examples may as well be swapped. How often
a swap of random groups makes the candidate as much worse as it is, is the p-value of "it is worse": for 0/1 outcomes
of single examples the sign test of McNemar, in closed form; otherwise by enumeration where few groups changed, and by
random swaps where many did. The score of each swap comes from sums of counts by the metric's own formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc

from harness.errors import HarnessError
from harness.metrics.base import AnyMetric, Counts, Metric, share
from harness.stats.bootstrap import AT_ONCE, Groups
from harness.stats.influence import Influence, group_sums, influence
from harness.stats.seeds import assumed_sd

BLOCK = 1000
"""Swaps that share a stream of random numbers."""

FEW = 12
"""Changed groups up to which all swaps are looked at: 4,096."""

SAME = 1e-12  # what rounding may make of equal scores


@dataclass(frozen=True, eq=False)
class Cell:
    """What two models answered to the same examples, in the same order, of one task in one language.

    Attributes:
        measure: whose counts they are; more is better.
        groups: of each example, (examples,).
        baseline: counts per example, (examples, columns), of each seed.
        candidate: the same; unless it was retrained, there is exactly one of each.
        retrained: the candidate was trained anew, so that another seed would have changed it as well.
        seed_sd: standard deviation over seeds, for a baseline of fewer than three; None for the metric's own
            (``seeds.SEED_SD``).

    Raises:
        HarnessError: the counts are not of the same examples, or a side has no seed, or several without a training.
    """

    measure: AnyMetric
    groups: Groups
    baseline: Sequence[Counts]
    candidate: Sequence[Counts]
    retrained: bool = False
    seed_sd: float | None = None

    def __post_init__(self) -> None:
        several = max(len(self.baseline), len(self.candidate)) > 1
        if not (self.baseline and self.candidate) or (several and not self.retrained):
            raise HarnessError("each side needs one seed, and may have several only where the candidate was retrained")
        shapes = {counts.shape for counts in (*self.baseline, *self.candidate)}
        if shapes != {(len(self.groups), len(self.measure.columns))}:
            raise HarnessError(
                f"{self.measure.signature}: counts of {len(self.groups)} examples in {len(self.measure.columns)} "
                f"columns were expected, got {sorted(shapes)}: both models must have answered the same examples"
            )

    @cached_property
    def same(self) -> bool:
        """Whether the two answered alike, example by example and seed by seed."""
        return len(self.baseline) == len(self.candidate) and all(map(np.array_equal, self.baseline, self.candidate))

    @cached_property
    def seeds(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """The score of each seed, of the baseline and of the candidate."""
        before = tuple(self.measure.total(counts) for counts in self.baseline)
        return before, before if self.same else tuple(self.measure.total(counts) for counts in self.candidate)

    @cached_property
    def scores(self) -> tuple[float, float]:
        """Baseline and candidate, each the mean over its seeds."""
        before, after = self.seeds
        return sum(before) / len(before), sum(after) / len(after)

    @cached_property
    def drop(self) -> float:
        """How much worse the candidate is."""
        return self.scores[0] - self.scores[1]

    @property
    def assumed_sd(self) -> float:
        """Over seeds, where the baseline has too few to tell."""
        return assumed_sd(self.measure.name) if self.seed_sd is None else self.seed_sd

    @cached_property
    def grouping(self) -> tuple[NDArray[np.str_], NDArray[np.intp]]:
        """The groups in sorted order, and the number of each example's."""
        ids, member = np.unique(np.asarray(self.groups), return_inverse=True)
        return ids, member

    @cached_property
    def influences(self) -> tuple[Influence, Influence] | None:
        """Of each group on the baseline's and the candidate's score, means over seeds; None with fewer than two."""
        ids, member = self.grouping
        if len(ids) < 2:
            return None
        before = self._influence(self.baseline, member)
        return before, before if self.same else self._influence(self.candidate, member)

    def _influence(self, seeds: Sequence[Counts], member: NDArray[np.intp]) -> Influence:
        each = [values for counts in seeds if (values := influence(counts, member, self.measure)) is not None]
        mean: Influence = np.mean(each, axis=0)
        return mean

    @cached_property
    def changed(self) -> NDArray[np.bool_]:
        """Which groups have other counts in the candidate than in the baseline, in any seed; all, with other seeds."""
        ids, member = self.grouping
        if len(self.baseline) != len(self.candidate):
            return np.ones(len(ids), dtype=np.bool_)
        differ = [(a != b).any(axis=1) for a, b in zip(self.baseline, self.candidate, strict=True)]
        return np.bincount(member, np.any(differ, axis=0), len(ids)) > 0

    @cached_property
    def is_right_or_wrong(self) -> bool:
        """Whether each group is one example that is either right or wrong, and the score the share of right ones."""
        return (
            self.measure.score is share
            and len(self.grouping[0]) == len(self.groups)
            and all(
                (counts[:, 1] == 1).all() and np.isin(counts[:, 0], (0, 1)).all()
                for counts in (*self.baseline, *self.candidate)
            )
        )


def mcnemar(cell: Cell) -> float:
    """The exact one-sided p-value of a cell whose examples are right or wrong: of those that changed, so many worse.

    Source: McNemar (1947), with the binomial distribution in place of its approximation.
    """
    change = cell.candidate[0][:, 0] - cell.baseline[0][:, 0]
    worse = int((change < 0).sum())
    return float(bdtrc(worse - 1, np.count_nonzero(change), 0.5))


def enumerated(cell: Cell) -> float:
    """The exact one-sided p-value from all swaps of the groups that changed; ``FEW`` of them at most."""
    width = int(cell.changed.sum())
    swaps = np.arange(2**width)[:, None] >> np.arange(width) & 1
    if isinstance(cell.measure, Metric):
        drops = _drops_of_sums(cell, swaps @ _gains(cell))
    else:
        drops = _drops_of_rows(cell, swaps.astype(np.bool_))
    return _as_bad(cell, drops) / len(swaps)


def as_bad(cell: Cell, start: int, stop: int, seed: int) -> int:
    """How many of the random swaps numbered from ``start`` to ``stop`` make the candidate at least as much worse.

    A swap depends on nothing but its number, the seed and the groups that changed. ``start`` and ``stop`` are multiples
    of ``BLOCK``. The p-value is (1 + as bad) / (1 + swaps).

    Source: Noreen (1989); Phipson and Smyth (2010) for the 1 that is added.
    """
    streams = [np.random.default_rng([seed, block]) for block in range(start // BLOCK, stop // BLOCK)]
    if not isinstance(cell.measure, Metric):
        width = int(cell.changed.sum())
        return sum(_as_bad(cell, _drops_of_rows(cell, rng.random((BLOCK, width)) < 0.5)) for rng in streams)
    # groups that gained the same are as one, of which a number is swapped
    gains, times = np.unique(_gains(cell), axis=0, return_counts=True)
    return sum(_as_bad(cell, _drops_of_sums(cell, half(times, BLOCK, rng) @ gains)) for rng in streams)


def half(times: NDArray[np.intp], draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Of each number of coins, how many fall heads, (draws, numbers): Binomial(times, 1/2), by counting random bits."""
    words = -(-times // 64)
    ends = np.cumsum(words)
    used = np.full(ends[-1], 2**64 - 1, dtype=np.uint64)
    # of the last word of each number, the bits that are left
    used[ends - 1] >>= (64 * words - times).astype(np.uint64)
    heads = np.empty((draws, len(times)))
    rows = max(1, AT_ONCE // len(used))
    for i in range(0, draws, rows):
        bits = rng.integers(0, 2**64, (len(heads[i : i + rows]), len(used)), dtype=np.uint64) & used
        heads[i : i + rows] = np.add.reduceat(np.bitwise_count(bits), ends - words, axis=1, dtype=np.int64)
    return heads


def _as_bad(cell: Cell, drops: NDArray[np.float64]) -> int:
    # added up as the swaps are, so that no swap at all counts too
    summed = isinstance(cell.measure, Metric)
    observed = _drops_of_sums(cell, np.zeros(len(cell.measure.columns))) if summed else cell.drop
    return int((drops >= observed - SAME).sum())


def _gains(cell: Cell) -> Counts:
    """What each group that changed has more of in the candidate, (changed groups, columns)."""
    ids, member = cell.grouping
    return group_sums(cell.candidate[0] - cell.baseline[0], member, len(ids))[cell.changed]


def _drops_of_sums(cell: Cell, moved: Counts) -> NDArray[np.float64]:
    """The drop after swaps that move these sums to the baseline's side, ``(swaps, columns) -> (swaps,)``."""
    before, after = cell.baseline[0].sum(axis=0), cell.candidate[0].sum(axis=0)
    return cell.measure.score(before + moved) - cell.measure.score(after - moved)


def _drops_of_rows(cell: Cell, swaps: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The drop after swaps of groups, ``(swaps, changed groups) -> (swaps,)``, from all rows."""
    _, member = cell.grouping
    before, after = cell.baseline[0], cell.candidate[0]
    place = np.cumsum(cell.changed) - 1
    drops = np.empty(len(swaps))
    rows = max(1, AT_ONCE // 16 // before.size)
    for i in range(0, len(swaps), rows):
        swapped = (swaps[i : i + rows, place[member]] & cell.changed[member])[..., None]
        drops[i : i + rows] = cell.measure.score(np.where(swapped, after, before))
        drops[i : i + rows] -= cell.measure.score(np.where(swapped, before, after))
    return drops
