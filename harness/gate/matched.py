"""Every promised number beside the cells that should keep it, or beside the reason why none can be compared with it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from statistics import fmean
from typing import TYPE_CHECKING

from harness.gate.cell import Cell

if TYPE_CHECKING:
    from harness.gate.policy import Policy
    from harness.gate.sides import Baseline, Stored

EQUAL = 1e-6
"""How far two computations of one score may lie apart: the order of a sum, and no other formula."""


class Outcome(StrEnum):
    """What became of one promised number, the worst first."""

    REGRESSED = "regressed"
    NOT_A_NUMBER = "not a number"
    MISSING = "missing"
    INCOMPARABLE = "incomparable"
    ALLOWED = "allowed"
    WORSE = "within noise"
    IMPROVED = "improved"
    PASSED = "passed"


@dataclass(frozen=True, slots=True)
class Pair:
    """One number of the baseline, and what the candidate has of it.

    Attributes:
        baseline: the promised cell; of a retrained run a cell a seed.
        candidate: likewise, for those of these seeds that the candidate has; empty where nothing can be compared.
        fault: what the number comes to, where nothing can be compared.
        reason: why.
    """

    metric: str
    baseline: tuple[Cell, ...]
    candidate: tuple[Cell, ...] = ()
    fault: Outcome | None = None
    reason: str = ""

    @property
    def promise(self) -> Cell:
        """The first of the baseline's cells, for all that its seeds share."""
        return self.baseline[0]

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of the baseline."""
        return tuple(cell.seed for cell in self.baseline)

    @property
    def promised(self) -> float:
        """The baseline's score as it is recorded, the mean over its seeds."""
        return fmean(cell.scores[self.metric] for cell in self.baseline)

    @property
    def scores(self) -> tuple[float, float]:
        """Baseline and candidate as they are recorded, means over their seeds."""
        return self.promised, fmean(cell.scores[self.metric] for cell in self.candidate)

    @property
    def unchanged(self) -> bool:
        """Whether the very tables are those of the baseline, so that nobody need read them."""
        tables = [[cell.table for cell in side] for side in (self.baseline, self.candidate)]
        return tables[0] == tables[1] and all(tables[0])


def match(baseline: Baseline, candidate: Stored, policy: Policy, today: date) -> Iterator[Pair]:
    """A pair for each cell and metric of the baseline, in the baseline's order."""
    promised, found = _by_identity(baseline.cells), _by_identity(candidate.cells)
    for identity, cells in promised.items():
        for metric in dict.fromkeys(metric for cell in cells for metric in baseline.metrics(cell, policy)):
            pair = _pair(metric, cells, found.get(identity, []))
            if pair.fault is Outcome.MISSING:
                pair = replace(pair, reason=candidate.absence(pair.promise))
            yield _allowed(pair, policy, today)


def _by_identity(cells: Sequence[Cell]) -> dict[object, list[Cell]]:
    found: defaultdict[object, list[Cell]] = defaultdict(list)
    for cell in cells:
        found[cell.identity].append(cell)
    return found


def _pair(metric: str, promised: Sequence[Cell], answers: Sequence[Cell]) -> Pair:
    """The pair, from the cells of the baseline and of the candidate that are found by the same names."""
    promised = [cell for cell in promised if metric in cell.scores]
    before = promised[0]
    if len({(cell.scores[metric], cell.data) for cell in promised}) > 1:
        return _incomparable(metric, before, f"the baseline's runs disagree ({_keys(promised)}): keep one of them")
    if not answers:
        return Pair(metric, (before,), (), Outcome.MISSING)
    fitting = [cell for cell in answers if (cell.data, cell.n) == (before.data, before.n)]
    if not fitting:
        return _incomparable(metric, before, _other_data(before, answers[0]))
    scored = [cell for cell in fitting if metric in cell.scores]
    if not scored:
        return _incomparable(metric, before, f"the metric is another: {', '.join(sorted(fitting[0].scores))}")
    if len({cell.scores[metric] for cell in scored}) > 1:
        return _incomparable(metric, before, f"several runs disagree ({_keys(scored)}): remove all but one")
    pair = Pair(metric, (before,), (scored[0],))
    old, new = pair.scores
    if not math.isfinite(new):
        return Pair(metric, (before,), (), Outcome.NOT_A_NUMBER, "the score is no number")
    if pair.unchanged and abs(old - new) > EQUAL:
        return _incomparable(metric, before, "the same predictions, and another score: the metric counts differently")
    return pair


def _allowed(pair: Pair, policy: Policy, today: date) -> Pair:
    """The pair, excused or told that its excuse has run out."""
    if pair.fault not in (Outcome.MISSING, Outcome.NOT_A_NUMBER):
        return pair
    allowance = policy.allowance(pair.promise, pair.metric)
    if allowance is None:
        return pair
    if allowance.until < today:
        return replace(pair, reason=f"{pair.reason}; it was allowed until {allowance.until} ({allowance.why}): expired")
    return replace(pair, fault=Outcome.ALLOWED, reason=f"{pair.fault} until {allowance.until}: {allowance.why}")


def _incomparable(metric: str, promise: Cell, reason: str) -> Pair:
    return Pair(metric, (promise,), (), Outcome.INCOMPARABLE, reason)


def _other_data(before: Cell, after: Cell) -> str:
    if before.n != after.n:
        return f"the evaluation data is another: {after.n} examples, {before.n} in the baseline"
    return f"the evaluation data is another: {after.data[:12]}, {before.data[:12]} in the baseline"


def _keys(cells: Sequence[Cell]) -> str:
    return ", ".join(sorted(cell.key for cell in cells))
