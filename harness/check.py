"""A verdict on stored results: do they hold what a baseline file promises?

A baseline is a committed JSON file with a tolerance for each metric and one entry for each number. A number that is
missing, is no number, or has dropped by more than the tolerance is a failure; data or a metric of another kind make it
incomparable; improvements are reported and fail nothing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from harness.baselines import Baseline, Promise, read_baseline, short_name, write_baseline
from harness.options import Options

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from rich.table import Table

    from harness.store import CellRecord, Store

__all__ = ["Baseline", "Promise", "Verdict", "compare", "judge", "read_baseline", "update", "write_baseline"]

# wide enough for another instruction set, on which a small model ends a little elsewhere
TOLERANCE = {"accuracy": 0.06, "span_f1": 0.08, "squad_f1": 0.08, "retrieval_accuracy": 0.03}

EPSILON = 1e-12  # a drop of exactly the tolerance passes, whatever its last binary digit


class Outcome(StrEnum):
    """What became of one promised number, the worst first."""

    MISSING = "missing"
    NOT_A_NUMBER = "not a number"
    REGRESSED = "regressed"
    INCOMPARABLE = "incomparable"
    IMPROVED = "improved"
    PASSED = "passed"


FAILURES = (Outcome.MISSING, Outcome.NOT_A_NUMBER, Outcome.REGRESSED)


@dataclass(frozen=True, slots=True)
class Compared:
    """A promise beside what the store holds; ``score`` is None where it holds nothing that can be compared."""

    promise: Promise
    score: float | None
    tolerance: float
    outcome: Outcome
    reason: str = ""

    @property
    def change(self) -> float | None:
        """Stored minus promised score."""
        return None if self.score is None else self.score - self.promise.score


@dataclass(frozen=True, slots=True)
class Verdict:
    """All comparisons, the worst first."""

    baseline: str
    suite: str
    rows: tuple[Compared, ...]

    def count(self, *outcomes: Outcome) -> int:
        """How many promises came to one of these."""
        return sum(row.outcome in outcomes for row in self.rows)

    @property
    def exit_code(self) -> int:
        """0 passed, 1 a regression, 3 incomparable (or nothing at all could be compared)."""
        if all(row.score is None for row in self.rows):
            return 3
        if self.count(*FAILURES):
            return 1
        return 3 if self.count(Outcome.INCOMPARABLE) else 0

    @property
    def line(self) -> str:
        """The verdict in one line."""
        word = {0: "PASSED", 1: "REGRESSION", 3: "INCOMPARABLE"}[self.exit_code]
        counts = ", ".join(f"{self.count(outcome)} {outcome}" for outcome in Outcome if self.count(outcome))
        return f"{word} against {self.baseline} ({self.suite}): {counts or 'the baseline promises nothing'}"

    def table(self) -> Table:
        """Everything but what simply passed, the worst first; scores times 100."""
        from rich.table import Table

        table = Table(title=f"{self.baseline} ({self.suite})")
        for name in ("", "task", "model", "strategy", "sources", "target", "seed", "metric"):
            table.add_column(name)
        for name in ("baseline", "now", "change", "tolerance"):
            table.add_column(name, justify="right")
        table.add_column("why")
        for row in self.rows:
            if row.outcome is not Outcome.PASSED:
                promise = row.promise
                names = (promise.task, promise.model, promise.strategy, "+".join(promise.sources), promise.target)
                numbers = (_percent(promise.score), _percent(row.score), _percent(row.change), _percent(row.tolerance))
                table.add_row(row.outcome, *names, str(promise.seed), promise.metric, *numbers, row.reason)
        return table

    def as_json(self) -> dict[str, Any]:
        """The verdict for a machine; what is no number is null."""
        rows = [
            {**asdict(row.promise), "now": row.score, "tolerance": row.tolerance, "outcome": row.outcome.value}
            | {"change": row.change, "reason": row.reason}
            for row in self.rows
        ]
        for row in rows:
            row |= {name: None for name in ("now", "change") if row[name] is not None and not math.isfinite(row[name])}
        return {
            "baseline": self.baseline,
            "suite": self.suite,
            "exit_code": self.exit_code,
            "line": self.line,
            "rows": rows,
        }


def update(baseline: Path, store: Store, suite: str) -> Baseline:
    """Promises what the store holds of a suite's tasks, with the tolerances of the file where there is one already.

    Raises:
        HarnessError: there is no such suite, the store holds nothing of it, or the file cannot be read or written.
    """
    tasks = Options().read("suite", suite).get("tasks") or ()
    tolerance = read_baseline(baseline).tolerance if baseline.exists() else TOLERANCE
    return write_baseline(store, baseline, suite, tolerance, lambda cell: cell.task in tasks)


def compare(baseline: Path, store: Store) -> Verdict:
    """What became of every promise of a baseline file; cells with a ``limit`` are not looked at.

    Raises:
        HarnessError: the file is missing or malformed, or a metric has no tolerance.
    """
    expected = read_baseline(baseline)
    return judge(expected, (cell for cell in store.cells() if cell.limit is None))


def judge(expected: Baseline, cells: Iterable[CellRecord]) -> Verdict:
    """As ``compare``, from values."""
    found: defaultdict[tuple[object, ...], list[CellRecord]] = defaultdict(list)
    for cell in cells:
        found[_identity(cell)].append(cell)
    order = list(Outcome)
    rows = [_judge(promise, found[promise.cell], expected.tolerance) for promise in expected.promises]
    rows.sort(key=lambda row: (order.index(row.outcome), (row.change or 0.0) + row.tolerance, row.promise.cell[:5]))
    return Verdict(expected.name, expected.suite, tuple(rows))


def _judge(promise: Promise, cells: list[CellRecord], tolerances: Mapping[str, float]) -> Compared:
    tolerance = tolerances[short_name(promise.metric)]
    if not cells:
        return Compared(promise, None, tolerance, Outcome.MISSING, "no such cell in the store")
    candidates = [cell for cell in cells if cell.data == promise.data and cell.n == promise.n]
    if not candidates:
        return Compared(promise, None, tolerance, Outcome.INCOMPARABLE, "the evaluation data is another")
    scores = {cell.scores[promise.metric]["score"] for cell in candidates if promise.metric in cell.scores}
    if not scores:
        known = ", ".join(sorted(candidates[0].scores))
        return Compared(promise, None, tolerance, Outcome.INCOMPARABLE, f"the metric is another: {known}")
    if len(scores) > 1:
        keys = ", ".join(sorted(cell.predict_key for cell in candidates))
        return Compared(
            promise, None, tolerance, Outcome.INCOMPARABLE, f"several runs disagree ({keys}): remove all but one"
        )
    score = scores.pop()
    if not math.isfinite(score):
        return Compared(promise, score, tolerance, Outcome.NOT_A_NUMBER, "the score is no number")
    if score < promise.score - tolerance - EPSILON:
        return Compared(promise, score, tolerance, Outcome.REGRESSED)
    improved = score > promise.score + tolerance + EPSILON
    return Compared(promise, score, tolerance, Outcome.IMPROVED if improved else Outcome.PASSED)


def _identity(cell: CellRecord) -> tuple[object, ...]:
    return (cell.task, cell.model, cell.strategy, cell.sources, cell.target, cell.seed, cell.shots, cell.size)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f}"
