"""The verdict: all cells and averages of a check, the worst first, and the exit code of the command line."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from statistics import median
from typing import TYPE_CHECKING

from harness.gate import words
from harness.gate.averaged import Averaged, average
from harness.gate.compared import Compared, judge
from harness.gate.examined import examine
from harness.gate.matched import Outcome, match
from harness.stats.aggregates import Of
from harness.stats.aggregates import Verdict as Answer
from harness.stats.regressions import Method

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
    notes = tuple(_notes(baseline, candidate, rows, policy))
    return Verdict(baseline.name, baseline.suite, policy, tuple(rows), tuple(averages), notes)


def _severity(row: Averaged) -> tuple[int, float]:
    """Failed before inconclusive before what could not be compared before passed; then by how far beyond the margin."""
    order = (Answer.FAIL, Answer.INCONCLUSIVE, None, Answer.PASS)
    return order.index(row.verdict), 0.0 if row.aggregate is None else row.aggregate.margin - row.aggregate.drop


def _notes(baseline: Baseline, candidate: Stored, rows: Sequence[Compared], policy: Policy) -> Iterator[str]:
    if baseline.note:
        yield baseline.note
    if not candidate.cells:
        limited = f"but {candidate.limited} with a limit, which do not count" if candidate.limited else "at all"
        yield f"{candidate.name} holds no cell {limited}: nothing was compared"
    alone = sum(row.score is not None and not row.tested for row in rows)
    if alone and not baseline.note:
        yield f"of {words.count(alone, 'cell')} scores alone are known: the tolerance decides alone"
    tested = [row.evidence for row in rows if row.evidence is not None and row.evidence.changed]
    retrained = sum(proof.method is Method.RETRAINED for proof in tested)
    if tested:
        anew = f"; {retrained} of models trained anew, where another seed counts as chance" if retrained else ""
        yield f"other outcomes than in the baseline, by themselves no failure: {words.count(len(tested), 'cell')}{anew}"
    recipes = {str(row.cell.run): None for row in rows if _made_otherwise(row)}
    if recipes:
        yield (
            f"made otherwise than in the baseline (training numbers, options of the model or training data): "
            f"{words.count(len(recipes), 'run')} ({words.listed(list(recipes))})"
        )
    drops = [proof.detectable for proof in tested if proof.detectable is not None]
    if drops:
        most = f" (median {words.points(median(drops))}, at most {words.points(max(drops))})" if len(drops) > 1 else ""
        yield f"in these cells a drop is caught with a chance of 80 % from {words.points(min(drops))} points on{most}"
    unresolved = sum(row.evidence is not None and not row.evidence.resolved for row in rows)
    if unresolved:
        yield f"too close to call, even with the most permutations: {words.count(unresolved, 'cell')}"
    over = words.count(len(rows), "cell")
    yield f"policy {policy.name}: alpha {policy.alpha:g}, Holm over {over}; bounds of averages are one-sided"


def _made_otherwise(row: Compared) -> bool:
    """Whether the run has another key than the baseline's of the same seed; of an older lock nobody knows."""
    keys = {cell.seed: cell.key for cell in row.pair.baseline if cell.key}
    return any(keys.get(cell.seed, cell.key) != cell.key for cell in row.pair.candidate)
