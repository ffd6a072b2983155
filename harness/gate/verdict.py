"""The verdict: all cells and averages of a check, the worst first, and the exit code of the command line."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from harness.gate.averaged import Averaged, average
from harness.gate.compared import Compared, judge
from harness.gate.examined import examine
from harness.gate.matched import Outcome, match
from harness.gate.notes import notes
from harness.stats.aggregates import Of
from harness.stats.aggregates import Verdict as Answer

if TYPE_CHECKING:
    from harness.gate.policy import Policy
    from harness.gate.sides import Baseline, Stored

FAILURES = (Outcome.REGRESSED, Outcome.NOT_A_NUMBER, Outcome.MISSING)
PASS, REGRESSION, INCOMPARABLE = 0, 1, 3
WORDS = {PASS: "PASSED", REGRESSION: "REGRESSION", INCOMPARABLE: "INCOMPARABLE"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of every promise of a baseline.

    Attributes:
        rows: the worst first.
        averages: likewise.
        notes: what a reader must know beside the numbers.
    """

    baseline: str
    suite: str
    policy: Policy
    rows: tuple[Compared, ...]
    averages: tuple[Averaged, ...]
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> list[Compared]:
        """The cells that must be looked at, the worst first."""
        return [row for row in self.rows if row.outcome in (*FAILURES, Outcome.INCOMPARABLE)]

    @property
    def moved(self) -> list[Compared]:
        """The cells with a number on both sides that did not simply pass."""
        return [row for row in self.rows if row.score is not None and row.outcome is not Outcome.PASSED]

    @property
    def absent(self) -> list[Compared]:
        """The cells without a number to compare, excused ones among them."""
        return [row for row in self.rows if row.score is None]

    @property
    def runs(self) -> list[list[Averaged]]:
        """The averages of each run together, in the order of ``Of``; the run with the worst of them first."""
        found: defaultdict[object, list[Averaged]] = defaultdict(list)
        for row in self.averages:
            found[row.run, row.metric, row.seeds].append(row)
        return [sorted(rows, key=lambda row: list(Of).index(row.of)) for rows in found.values()]

    @property
    def doubtful_runs(self) -> list[list[Averaged]]:
        """Those of ``runs`` of which not every average passed."""
        return [rows for rows in self.runs if any(row.verdict is not Answer.PASS for row in rows)]

    def count(self, *outcomes: Outcome) -> int:
        """How many cells came to one of these."""
        return sum(row.outcome in outcomes for row in self.rows)

    @property
    def compared(self) -> int:
        """How many cells have a number on both sides."""
        return sum(row.score is not None for row in self.rows)

    @property
    def exit_code(self) -> int:
        """0 passed, 1 a regression, 3 incomparable (or nothing at all could be compared)."""
        if not self.compared:
            return INCOMPARABLE
        answers = [row.verdict for row in self.averages]
        if (
            self.count(*FAILURES)
            or Answer.FAIL in answers
            or (self.policy.inconclusive and Answer.INCONCLUSIVE in answers)
        ):
            return REGRESSION
        return INCOMPARABLE if self.count(Outcome.INCOMPARABLE) else PASS

    @property
    def line(self) -> str:
        """The verdict in one line."""
        counts = [f"{self.count(outcome)} {outcome}" for outcome in Outcome if self.count(outcome)]
        unchanged = sum(row.unchanged for row in self.rows)
        if counts and unchanged:
            counts[-1] += f" ({unchanged} of them unchanged)"
        averages = Counter(row.verdict for row in self.averages if row.verdict is not None)
        told = [f"{averages[answer]} {_PLURAL[answer]}" for answer in reversed(Answer) if averages[answer]]
        against = f"{self.baseline} ({self.suite})" if self.suite else self.baseline
        cells = ", ".join(counts) or "the baseline promises nothing"
        averaged = f"; averages: {', '.join(told)}" if told else ""
        return f"{WORDS[self.exit_code]} against {against}: {cells}{averaged}"


_PLURAL = {Answer.PASS: "passed", Answer.FAIL: "failed", Answer.INCONCLUSIVE: "inconclusive"}


def check(baseline: Baseline, candidate: Stored, policy: Policy, today: date) -> Verdict:
    """What became of every promise of a baseline; cells with a ``limit`` are not looked at.

    Raises:
        HarnessError: a metric is unknown here.
    """
    # a lock of the first schema brings its own tolerances; what the policy says of single cells still comes after them
    policy = replace(policy, rules=(*baseline.rules, *policy.rules))
    examined = examine(list(match(baseline, candidate, policy, today)), baseline, candidate, policy)
    rows, averages = judge(examined, policy), average(examined, policy)
    outcomes = list(Outcome)
    rows.sort(key=lambda row: (outcomes.index(row.outcome), (row.change or 0.0) + row.limits.tolerance))
    averages.sort(key=_severity)
    told = tuple(notes(baseline, candidate, rows, policy))
    return Verdict(baseline.name, baseline.suite, policy, tuple(rows), tuple(averages), told)


def _severity(row: Averaged) -> tuple[int, float]:
    """Failed before inconclusive before what could not be compared before passed; then by how far beyond the margin."""
    order = (Answer.FAIL, Answer.INCONCLUSIVE, None, Answer.PASS)
    return order.index(row.verdict), 0.0 if row.aggregate is None else row.aggregate.margin - row.aggregate.drop
