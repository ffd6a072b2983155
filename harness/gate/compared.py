"""Cell by cell: which promised numbers are kept, and how sure one can be.

A cell fails when it is worse by more than its tolerance *and* significantly so, by Holm over all cells; where scores
alone are known, tolerances decide alone. What is missing or no number fails as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.gate.matched import Outcome, Pair
from harness.metrics.base import metric
from harness.stats.paired import Cell as Answers
from harness.stats.regressions import Comparison, compare

if TYPE_CHECKING:
    from harness.gate.cell import Cell
    from harness.gate.examined import Examined
    from harness.gate.policy import Limits, Policy

EPSILON = 1e-12  # a drop of exactly the tolerance passes, whatever its last binary digit


@dataclass(frozen=True, slots=True)
class Compared:
    """A promised number and what became of it; native units.

    Attributes:
        baseline: mean over the baseline's seeds.
        score: the candidate's, likewise; None where nothing could be compared.
        evidence: None where there is a fault, or scores alone are known.
        unchanged: every example came out as it did in the baseline.
    """

    pair: Pair
    baseline: float
    score: float | None
    limits: Limits
    outcome: Outcome
    reason: str = ""
    evidence: Comparison | None = None
    unchanged: bool = False

    @property
    def cell(self) -> Cell:
        """The promised cell; the first of several seeds."""
        return self.pair.promise

    @property
    def metric(self) -> str:
        """Full signature."""
        return self.pair.metric

    @property
    def change(self) -> float | None:
        """Candidate minus baseline."""
        return None if self.score is None else self.score - self.baseline

    @property
    def tested(self) -> bool:
        """Whether more than two scores stood behind the outcome."""
        return self.unchanged or self.evidence is not None


def judge(examined: Sequence[Examined], policy: Policy) -> list[Compared]:
    """What became of each, in order."""
    limits = [policy.limits_of(one.pair.promise, one.pair.metric) for one in examined]
    tested = [i for i, one in enumerate(examined) if one.answers is not None or one.unchanged]
    comparisons = compare(
        [examined[i].answers or _unread(examined[i].pair) for i in tested],
        tolerances=[limits[i].tolerance for i in tested],
        alpha=policy.alpha,
    )
    evidence = dict(zip(tested, comparisons, strict=True))
    return [_judged(one, limits[i], evidence.get(i), policy.alpha) for i, one in enumerate(examined)]


def _judged(one: Examined, limits: Limits, evidence: Comparison | None, alpha: float) -> Compared:
    pair = one.pair
    if pair.fault is not None:
        return Compared(pair, pair.promised, None, limits, pair.fault, pair.reason)
    before, after = pair.scores
    if one.unchanged:
        return Compared(pair, before, after, limits, Outcome.PASSED, unchanged=True, evidence=evidence)
    change = after - before
    outcome, reason = Outcome.PASSED, pair.reason
    if change < -limits.tolerance - EPSILON:
        significant = evidence is None or evidence.adjusted <= alpha
        outcome = Outcome.REGRESSED if significant else Outcome.WORSE
    elif change > limits.tolerance + EPSILON and (evidence is None or (evidence.low or 0.0) > 0):
        outcome = Outcome.IMPROVED
    if evidence is None:
        reason = "scores alone are known: the tolerance decides"
    return Compared(pair, before, after, limits, outcome, reason, evidence)


def _unread(pair: Pair) -> Answers:
    """Stands for a cell whose table is the baseline's and was not read: it counts as one of those that Holm is over."""
    measure = metric(pair.metric)
    counts = np.zeros((1, len(measure.columns)))
    return Answers(measure, [""], [counts], [counts])
