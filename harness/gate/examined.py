"""What the examples say: every pair with the outcomes of both sides, where somebody has to look at them.

Tables with the sha256 that the baseline names are those of the baseline: they are read only where another language of
the same run has changed, for the averages that both are part of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tqdm import tqdm

from harness.errors import HarnessError
from harness.gate.matched import EQUAL, Outcome, Pair
from harness.metrics.base import metric
from harness.stats.paired import Cell as Answers

if TYPE_CHECKING:
    from harness.gate.cell import Cell, Run
    from harness.gate.outcomes import Examples, Outcomes
    from harness.gate.policy import Policy
    from harness.gate.sides import Baseline, Stored


@dataclass(frozen=True, slots=True)
class Examined:
    """A pair and the answers of both sides, example by example.

    Attributes:
        answers: None where there is a fault, where nothing has changed, and where scores alone are known.
    """

    pair: Pair
    answers: Answers | None = None

    @property
    def unchanged(self) -> bool:
        """Whether every example came out as it did in the baseline."""
        return self.pair.unchanged if self.answers is None else self.answers.same


def examine(pairs: Sequence[Pair], baseline: Baseline, candidate: Stored, policy: Policy) -> list[Examined]:
    """Each pair with its answers; the seeds of a run that was trained anew have become one pair a language."""
    runs: defaultdict[tuple[Run, str], list[Pair]] = defaultdict(list)
    for pair in pairs:
        runs[pair.promise.run, pair.metric].append(pair)
    found: list[Examined] = []
    with tqdm(total=len(pairs), desc="compare", unit="cell", delay=2, disable=None, leave=False) as progress:
        for ones in runs.values():
            changed = [pair for pair in ones if pair.fault is None and not pair.unchanged]
            retrained = bool(changed) and policy.retrained and candidate.trained(changed[0].candidate[0])
            for pair in pooled(ones) if retrained else ones:
                read = bool(changed) and pair.fault is None
                found.append(_answered(pair, baseline, candidate, policy, retrained) if read else Examined(pair))
            progress.update(len(ones))
    return found


def pooled(pairs: Sequence[Pair]) -> Iterator[Pair]:
    """One pair a language, of all its seeds; seeds that the candidate has not are passed over, unless it has none."""
    languages: defaultdict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        languages[pair.promise.target].append(pair)
    for ones in languages.values():
        ones.sort(key=lambda pair: pair.seeds)
        there = [pair for pair in ones if pair.fault not in (Outcome.MISSING, Outcome.ALLOWED)]
        wrong = next((pair for pair in there or ones if pair.fault is not None), None)
        yield Pair(
            metric=ones[0].metric,
            baseline=tuple(cell for pair in ones for cell in pair.baseline),
            candidate=() if wrong else tuple(cell for pair in there for cell in pair.candidate),
            fault=wrong.fault if wrong else None,
            reason=wrong.reason if wrong else "" if there == ones else f"{len(there)} of {len(ones)} seeds",
        )


def _answered(pair: Pair, baseline: Baseline, candidate: Stored, policy: Policy, retrained: bool) -> Examined:
    try:
        return _answers(pair, baseline, candidate, policy, retrained)
    except _Fault as fault:
        return Examined(replace(pair, candidate=(), fault=fault.outcome, reason=str(fault)))


class _Fault(Exception):  # noqa: N818  # of the cell, not of the program
    """Why a pair cannot be compared after all."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome


def _answers(pair: Pair, baseline: Baseline, candidate: Stored, policy: Policy, retrained: bool) -> Examined:
    after = [_examples(candidate, cell, pair.metric) for cell in pair.candidate]
    # whose tables are the baseline's need no second reading, and a lock of scores alone still names them
    before = after if pair.unchanged else [_outcomes(baseline, cell, pair.metric) for cell in pair.baseline]
    first = after[0]
    if first is None or None in after or None in before:
        return Examined(pair)
    if len({examples.digest for examples in (*before, *after) if examples is not None}) > 1:
        raise _Fault(Outcome.INCOMPARABLE, "the examples are others, or in another order or other groups")
    try:
        answers = Answers(
            measure=replace(metric(pair.metric), columns=first.columns),
            groups=first.groups,
            baseline=[examples.counts for examples in before if examples is not None],
            candidate=[examples.counts for examples in after if examples is not None],
            retrained=retrained,
            seed_sd=policy.limits_of(pair.promise, pair.metric).seed_sd,
        )
    except HarnessError as error:
        raise _Fault(Outcome.INCOMPARABLE, str(error)) from error
    _check_recorded(pair, answers)
    return Examined(pair, answers)


def _examples(candidate: Stored, cell: Cell, metric: str) -> Examples | None:
    try:
        return candidate.outcomes(cell, metric)
    except HarnessError as error:
        raise _Fault(Outcome.MISSING, str(error)) from error


def _outcomes(baseline: Baseline, cell: Cell, metric: str) -> Outcomes | None:
    try:
        return baseline.outcomes(cell, metric)
    except HarnessError as error:
        raise _Fault(Outcome.INCOMPARABLE, f"in the baseline: {error}") from error


def _check_recorded(pair: Pair, answers: Answers) -> None:
    """Nothing, if the counts still give the scores that were recorded.

    Raises:
        _Fault: they give others, so that the metric counted differently when these were.
    """
    for side, recorded, computed in zip(("baseline", "candidate"), pair.scores, answers.scores, strict=True):
        if abs(recorded - computed) > EQUAL:
            raise _Fault(
                Outcome.INCOMPARABLE,
                f"the {side}'s counts give {computed:.6f} today, its record says {recorded:.6f}: `harness rescore`",
            )
