"""Has a task become worse over its languages? Aggregates with three answers: yes, no, and too few examples to say.

To pass, the candidate must be shown to be no worse than the margin allows (non-inferiority); that nothing significant
was found shows nothing. Groups with the same id in several languages (parallel targets) move together: their influence
is added before it is squared, so that the covariances of the languages are in the interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from harness.stats.influence import Influence
from harness.stats.paired import Cell
from harness.stats.seeds import freedom, seed_variance


class Of(StrEnum):
    """What is aggregated over the languages of a task.

    ``MACRO``: their mean. ``WORST``: the language that is lowest in the baseline, in both. ``DECILE``: the mean of the
    lowest tenth, one language at least, of each side's own.
    """

    MACRO = "macro"
    WORST = "worst language"
    DECILE = "worst decile"


class Verdict(StrEnum):
    """``PASS``: the drop is within the margin, significantly. ``FAIL``: beyond it. ``INCONCLUSIVE``: neither."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An aggregate of candidate and baseline; native units.

    Attributes:
        of: which.
        baseline: its value, the mean over its seeds.
        candidate: the same.
        se: standard error of their difference; None where the languages have fewer than two groups.
        low: lower bound of the drop, one-sided at 1 - alpha / aggregates, cut where no two scores of the metric can lie
            further apart; None as ``se``.
        high: upper bound, one-sided at 1 - alpha, likewise.
        margin: largest drop that is no regression.
        verdict: what the bounds say about the margin.
        languages: whose scores the baseline's value is the mean of.
    """

    of: Of
    baseline: float
    candidate: float
    se: float | None
    low: float | None
    high: float | None
    margin: float
    verdict: Verdict
    languages: tuple[str, ...]

    @property
    def drop(self) -> float:
        """Baseline minus candidate."""
        return self.baseline - self.candidate


def aggregate(
    of: Of, cells: Mapping[str, Cell], margin: float, *, alpha: float = 0.05, aggregates: int = 1
) -> Aggregate:
    """One aggregate over the cells of a task and metric, by language.

    Bounds are the drop plus and minus its standard error times Student's t with groups - 1 degrees of freedom; for a
    retrained candidate the variance over the baseline's seeds of the aggregate itself is added, since one seed moves
    all languages together (``seed_variance``, Satterthwaite's degrees of freedom).

    Args:
        of: which.
        cells: by language.
        margin: largest drop that is no regression.
        alpha: chance that a drop beyond the margin passes, and that one of all ``aggregates`` fails that is within it.
        aggregates: how many the check looks at; the more, the surer a failure has to be (Bonferroni).
    """
    languages = list(cells)
    scores = np.array([cells[language].scores for language in languages])
    before, after = (_weights(of, side, scores[:, 0]) for side in scores.T)
    drop = float(before @ scores[:, 0] - after @ scores[:, 1])
    bounds = _bounds(drop, list(cells.values()), before, after, (alpha / aggregates, alpha))
    most = min(cell.measure.apart(*cell.scores) for cell in cells.values())
    return Aggregate(
        of=of,
        baseline=float(before @ scores[:, 0]),
        candidate=float(after @ scores[:, 1]),
        se=None if bounds is None else bounds[0],
        low=None if bounds is None else max(-most, bounds[1]),
        high=None if bounds is None else min(most, bounds[2]),
        margin=margin,
        verdict=Verdict.INCONCLUSIVE if bounds is None else verdict(bounds[1], bounds[2], margin),
        languages=tuple(language for language, weight in zip(languages, before, strict=True) if weight),
    )


def verdict(low: float, high: float, margin: float) -> Verdict:
    """What the bounds of a drop say about a margin."""
    if high <= margin:
        return Verdict.PASS
    return Verdict.FAIL if low > margin else Verdict.INCONCLUSIVE


def _weights(of: Of, own: NDArray[np.float64], baseline: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each language counts in an aggregate of a side, from its ``own`` scores and those of the baseline."""
    if of is Of.MACRO:
        return np.full(len(own), 1 / len(own))
    ranked, number = (baseline, 1) if of is Of.WORST else (own, -(-len(own) // 10))
    weights = np.zeros(len(own))
    weights[np.argsort(ranked, kind="stable")[:number]] = 1 / number
    return weights


def _bounds(
    drop: float,
    cells: Sequence[Cell],
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    levels: tuple[float, float],
) -> tuple[float, float, float] | None:
    """Standard error, lower and upper bound of a drop; None where one of its languages has fewer than two groups."""
    counted = [(cell, b, a) for cell, b, a in zip(cells, before, after, strict=True) if b or a]
    if all(cell.same and b == a for cell, b, a in counted):
        return 0.0, drop, drop
    moved = _moved(counted)
    if moved is None:
        return None
    parts = [(float((moved**2).sum()), len(moved) - 1.0)]
    retrained = [cell for cell, _, _ in counted if cell.retrained]
    if retrained:
        seeds = min(len(cell.baseline) for cell in retrained)
        each = [sum(b * cell.seeds[0][min(i, len(cell.baseline) - 1)] for cell, b, _ in counted) for i in range(seeds)]
        candidates = min(len(cell.candidate) for cell in retrained)
        parts.append(seed_variance(each, candidates, max(cell.assumed_sd for cell in retrained)))
    error = float(np.sqrt(sum(variance for variance, _ in parts)))
    below, above = (float(stdtrit(freedom(*parts), 1 - level)) * error for level in levels)
    return error, drop - below, drop + above


def _moved(counted: Sequence[tuple[Cell, float, float]]) -> Influence | None:
    """The influence of each group on the drop, over all its languages."""
    place: dict[object, int] = {}
    index: list[int] = []
    values: list[Influence] = []
    for cell, b, a in counted:
        if cell.influences is None:
            return None
        index += [place.setdefault(id, len(place)) for id in cell.grouping[0].tolist()]
        values.append(b * cell.influences[0] - a * cell.influences[1])
    summed: Influence = np.bincount(index, np.concatenate(values), len(place)).astype(np.float64)
    return summed
