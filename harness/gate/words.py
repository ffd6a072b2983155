"""How the gate says a number: in points, in sentences, the same in the terminal, Markdown and JUnit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from harness.languages import languages

if TYPE_CHECKING:
    from harness.gate.averaged import Averaged
    from harness.gate.compared import Compared

NONE = "-"
FEW = 4  # names that are spelled out


def points(value: float | None, signed: bool = False) -> str:
    """A score or difference times 100; a dash where there is none."""
    if value is None:
        return NONE
    text = f"{100 * value:{'+' if signed else ''}.1f}"
    return text.lstrip("+-") if float(text) == 0 else text


def count(number: int, what: str) -> str:
    """``1 cell``, ``2 cells``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - FEW
    return ", ".join(names[:FEW]) + (f" and {more} more" if more > 0 else "")


def interval(low: float | None, high: float | None) -> str:
    """``-9.1 to -4.3``; a dash where there is none."""
    return NONE if low is None or high is None else f"{points(low, signed=True)} to {points(high, signed=True)}"


def probability(p: float) -> str:
    """A p-value with two digits that count."""
    return "< 0.0001" if p < 1e-4 else f"{p:.4f}" if p < 1e-3 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def language(code: str) -> str:
    """A language's name; its code where it has none."""
    known = languages().get(code)
    return known.name if known is not None else code


def seeds(numbers: tuple[int, ...]) -> str:
    """``seed 0`` or ``seeds 0, 1, 2``."""
    return f"seed{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"


def run(row: Compared) -> str:
    """Which model's cell it is."""
    return f"{row.cell.run.described} {seeds(row.pair.seeds)}, {row.metric}"


def sentence(row: Compared) -> str:
    """What became of a cell, in one sentence, without saying of which run."""
    where = f"{row.cell.run.task} in {language(row.cell.target)}"
    if row.score is None or row.change is None:
        return f"{where} is {row.outcome}, {points(row.baseline)} in the baseline: {row.reason}"
    moved = "fell" if row.change < 0 else "rose" if row.change > 0 else "stayed"
    return f"{where} {moved} {points(row.baseline)} -> {points(row.score)} ({', '.join(_facts(row))}): {row.outcome}"


def sentences(rows: Iterable[Compared]) -> Iterator[tuple[str, str]]:
    """What became of cells, and of which run; those that a run lacks for one reason are one sentence."""
    alike: dict[object, list[Compared]] = {}
    for row in rows:
        of_run = row.cell.run, row.pair.seeds, row.metric, row.outcome, row.reason
        alike.setdefault(of_run if row.score is None else id(row), []).append(row)
    for found in alike.values():
        yield (sentence(found[0]) if len(found) == 1 else _of_several(found)), run(found[0])


def _of_several(rows: Sequence[Compared]) -> str:
    names = [language(row.cell.target) for row in rows]
    where = f"in {len(names)} languages ({listed(names)})"
    return f"{rows[0].cell.run.task} is {rows[0].outcome} {where}: {rows[0].reason}"


def _facts(row: Compared) -> list[str]:
    facts = [points(row.change, signed=True)]
    if row.evidence is not None and row.evidence.low is not None:
        facts.append(f"95 % interval {interval(row.evidence.low, row.evidence.high)}")
    if row.evidence is not None:
        facts.append(f"p = {probability(row.evidence.p)}".replace("= <", "<"))
        facts.append(f"Holm {probability(row.evidence.adjusted)}")
    return [*facts, f"tolerance {points(row.limits.tolerance)}"]


def average(row: Averaged) -> str:
    """What became of an average, in a few words."""
    if row.aggregate is None:
        return row.reason
    found = row.aggregate
    drop = points(-found.drop, signed=True)
    bounds = (
        f" ({interval(-found.high, -found.low)})"
        if found.se and found.low is not None and found.high is not None
        else ""
    )
    return f"{found.verdict} {drop}{bounds}" + (f" {row.reason}" if row.reason else "")
