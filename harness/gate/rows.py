"""Cells and averages as the rows of a table, the same in the terminal and in Markdown; scores in points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.gate import words
from harness.stats.aggregates import Of

if TYPE_CHECKING:
    from harness.gate.averaged import Averaged
    from harness.gate.compared import Compared

NUMBERS = ("change", "95 % interval", "p", "Holm", "tolerance", "detectable")
CELL = ("", "task", "target", "run", "metric", "provenance", "score", *NUMBERS, "why")
AVERAGE = ("run", "metric", "provenance", "languages", *(str(of) for of in Of), "margin")


def cell(row: Compared) -> tuple[str, ...]:
    """A cell under the heads of ``CELL``."""
    proof = row.evidence
    tested = (
        (words.interval(proof.low, proof.high), words.probability(proof.p), words.probability(proof.adjusted))
        if proof is not None
        else (words.NONE,) * 3
    )
    return (
        str(row.outcome), row.cell.run.task, row.cell.target, f"{row.cell.run.described} {words.seeds(row.pair.seeds)}",
        row.metric, row.cell.provenance, f"{words.points(row.baseline)} -> {words.points(row.score)}",
        words.points(row.change, signed=True), *tested, words.points(row.limits.tolerance),
        words.points(proof.detectable if proof is not None else None), row.reason,
    )  # fmt: skip


def averages(rows: Sequence[Averaged]) -> tuple[str, ...]:
    """The averages of one run, in the order of ``Of``, under the heads of ``AVERAGE``."""
    first = rows[0]
    return (
        f"{first.run} {words.seeds(first.seeds)}", first.metric, first.provenance, str(first.languages),
        *map(words.average, rows), words.points(first.aggregate.margin if first.aggregate is not None else None),
    )  # fmt: skip
