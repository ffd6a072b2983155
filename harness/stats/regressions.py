"""Where is the candidate worse? Every cell of a check against its baseline, with Holm's correction over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, stdtr, stdtrit

from harness.stats.detectable import smallest_detectable, swap_variance
from harness.stats.holm import holm
from harness.stats.paired import BLOCK, FEW, Cell, as_bad, enumerated, mcnemar
from harness.stats.seeds import freedom, seed_variance

MOST = 100_000
"""Random swaps of a cell; more where there are so many cells that no fewer could be significant."""

CONFIDENCE = 0.999
"""Of the Monte Carlo interval of a p-value that decides whether more swaps are needed."""

LEVEL = 0.95
"""Of the two-sided interval of a difference."""

POWER = 0.8
"""With which a drop of the smallest detectable size is caught."""


class Method(StrEnum):
    """Where a p-value comes from."""

    UNCHANGED = "unchanged"
    MCNEMAR = "mcnemar"
    ALL_SWAPS = "all swaps"
    RANDOM_SWAPS = "random swaps"
    RETRAINED = "retrained"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A candidate against a baseline in one cell; native units.

    Attributes:
        baseline: its score, the mean over its seeds.
        candidate: the same.
        se: standard error of their difference, from influence values and, where retrained, the spread over seeds; None
            with fewer than two groups.
        low: lower end of the two-sided 95 % interval of candidate minus baseline: plus and minus ``se`` times Student's
            t with groups - 1 degrees of freedom (Satterthwaite's where retrained), cut where no two scores of the
            metric can lie further apart; None as ``se``.
        high: upper end.
        p: one-sided, that the candidate is worse.
        adjusted: by Holm over all cells of the check.
        method: where p comes from.
        swaps: random ones that were drawn.
        resolved: more swaps would not turn the verdict, as far as its Monte Carlo interval can tell.
        groups: of the examples.
        changed: groups with other counts.
        detectable: the smallest drop that would be caught in four of five cases (see ``_detectable``); None where
            nothing changed, so that nothing says how much chance changes, and with too few groups for any drop.
    """

    baseline: float
    candidate: float
    se: float | None
    low: float | None
    high: float | None
    p: float
    adjusted: float
    method: Method
    swaps: int
    resolved: bool
    groups: int
    changed: int
    detectable: float | None

    @property
    def difference(self) -> float:
        """Candidate minus baseline."""
        return self.candidate - self.baseline


@dataclass(frozen=True, slots=True)
class _Spread:
    """The standard error of a difference, None with fewer than two groups, and its degrees of freedom."""

    se: float | None
    freedom: float


@dataclass(slots=True)
class _Tally:
    """The p-value of a cell: exact, or as far as random swaps have told."""

    method: Method
    exact: float = 1.0
    swaps: int = 0
    found: int = 0

    @property
    def p(self) -> float:
        return (1 + self.found) / (1 + self.swaps) if self.method is Method.RANDOM_SWAPS else self.exact

    @property
    def bounds(self) -> tuple[float, float]:
        """Clopper and Pearson's interval of p; p itself where it is exact."""
        if self.method is not Method.RANDOM_SWAPS:
            return self.exact, self.exact
        found, others, tail = self.found, self.swaps - self.found, (1 - CONFIDENCE) / 2
        low = float(betaincinv(found, others + 1, tail)) if found else 0.0
        return low, float(betaincinv(found + 1, others, 1 - tail)) if others else 1.0


def compare(
    cells: Sequence[Cell], *, tolerances: Sequence[float], alpha: float = 0.05, seed: int = 0
) -> list[Comparison]:
    """Each cell's comparison, in order.

    Random swaps start at 1,000 a cell. Holm's procedure is run on the lower and on the upper ends of the Monte Carlo
    intervals of all p-values; cells on which the two agree keep their verdict whatever the p-values are in between
    (Holm is monotone), the others get twice as many swaps, up to 100,000. The same cells and seed give the same result.

    Args:
        cells: all of the check.
        tolerances: the drop that each may have; part of its smallest detectable one.
        alpha: chance of any false alarm, over all cells together.
        seed: of the random swaps.
    """
    spreads = [_spread(cell) for cell in cells]
    tallies = [_start(cell, spread) for cell, spread in zip(cells, spreads, strict=True)]
    # with p = 1 / (1 + swaps) at the least, two times more than the strictest threshold asks
    most = max(MOST, BLOCK * int(np.ceil(2 * len(cells) / alpha / BLOCK)))
    while True:
        unresolved = _unresolved(tallies, alpha)
        needed = [i for i in np.flatnonzero(unresolved).tolist() if tallies[i].swaps < most]
        if not needed:
            break
        for i in needed:
            _draw(tallies[i], cells[i], max(BLOCK, min(2 * tallies[i].swaps, most)), seed)
    adjusted = holm([tally.p for tally in tallies])
    return [
        _comparison(cell, spread, tally, p, not still, tolerance, alpha / len(cells))
        for cell, spread, tally, p, still, tolerance in zip(
            cells, spreads, tallies, adjusted.tolist(), unresolved, tolerances, strict=True
        )
    ]


def _spread(cell: Cell) -> _Spread:
    if len(cell.grouping[0]) > 1 and cell.same:
        return _Spread(0.0, np.inf)
    if cell.influences is None:
        return _Spread(None, np.inf)
    before, after = cell.influences
    parts = [(float(((after - before) ** 2).sum()), len(before) - 1.0)]
    if cell.retrained:
        parts.append(seed_variance(cell.seeds[0], len(cell.candidate), cell.assumed_sd))
    return _Spread(float(np.sqrt(sum(variance for variance, _ in parts))), freedom(*parts))


def _start(cell: Cell, spread: _Spread) -> _Tally:
    """The exact p-value, or that random swaps are needed."""
    if cell.same:
        return _Tally(Method.UNCHANGED)
    if cell.retrained:
        return _Tally(Method.RETRAINED, _student(cell.drop, spread))
    if cell.is_right_or_wrong:
        return _Tally(Method.MCNEMAR, mcnemar(cell))
    if cell.changed.sum() <= FEW:
        return _Tally(Method.ALL_SWAPS, enumerated(cell))
    return _Tally(Method.RANDOM_SWAPS)


def _draw(tally: _Tally, cell: Cell, swaps: int, seed: int) -> None:
    tally.found += as_bad(cell, tally.swaps, swaps, seed)
    tally.swaps = swaps


def _unresolved(tallies: Sequence[_Tally], alpha: float) -> NDArray[np.bool_]:
    low, high = np.array([tally.bounds for tally in tallies]).reshape(-1, 2).T
    unresolved: NDArray[np.bool_] = (holm(low) <= alpha) != (holm(high) <= alpha)
    return unresolved


def _student(drop: float, spread: _Spread) -> float:
    """The one-sided p-value of a drop by Student's t; 1 where one group is all there is."""
    if spread.se is None:
        return 1.0
    if not spread.se:
        return 0.0 if drop > 0 else 1.0
    return float(stdtr(spread.freedom, -drop / spread.se))


def _comparison(
    cell: Cell, spread: _Spread, tally: _Tally, adjusted: float, resolved: bool, tolerance: float, threshold: float
) -> Comparison:
    before, after = cell.scores
    reach = None if spread.se is None else float(stdtrit(spread.freedom, (1 + LEVEL) / 2)) * spread.se
    most = cell.measure.apart(before, after)
    return Comparison(
        baseline=before,
        candidate=after,
        se=spread.se,
        low=None if reach is None else max(-most, after - before - reach),
        high=None if reach is None else min(most, after - before + reach),
        p=tally.p,
        adjusted=adjusted,
        method=tally.method,
        swaps=tally.swaps,
        resolved=resolved,
        groups=len(cell.grouping[0]),
        changed=0 if cell.same else int(cell.changed.sum()),
        detectable=_detectable(cell, spread, tolerance, threshold),
    )


def _detectable(cell: Cell, spread: _Spread, tolerance: float, threshold: float) -> float | None:
    """The smallest detectable drop at Holm's strictest threshold, with the quantiles of the test that is made.

    Swaps have a normal distribution, near enough, and the answers that changed tell its variance; a retrained candidate
    is judged by Student's t.
    """
    if cell.same or cell.influences is None:
        return None
    if cell.retrained:
        variance, unit, degrees = (spread.se or 0.0) ** 2, 0.0, spread.freedom
    else:
        before, after = cell.influences
        variance, unit = swap_variance((after - before - cell.drop / len(before))[cell.changed])
        degrees = np.inf
        if not variance or 0.5 ** len(before) > threshold:
            return None
    return smallest_detectable(
        variance,
        unit,
        cell.drop,
        threshold=threshold,
        power=POWER,
        tolerance=tolerance,
        quantile=lambda q: float(stdtrit(degrees, q)),
    )
