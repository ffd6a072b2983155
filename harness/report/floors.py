"""Models that learn nothing often score the same from every source: they then stand on a board once, without one."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from harness.report.entries import Line, name_of, summed
from harness.report.settled import Settled
from harness.report.values import Kind


def merged(lines: Iterable[Line]) -> list[Line]:
    """The lines, those floors as one that have the same scores and differ in their sources alone."""
    found: list[Line] = []
    for line in lines:
        place = next((i for i, other in enumerate(found) if _same(other, line)), None)
        if place is None:
            found.append(line)
        else:
            found[place] = _joined(found[place], line, {other.entry.id for other in found})
    return found


def _same(one: Line, other: Line) -> bool:
    """Whether both are floors of one kind and nowhere differ: same tasks, same scores in the languages of both."""
    return (
        one.entry.kind is other.entry.kind is Kind.FLOOR
        and replace(one.run, sources=()) == replace(other.run, sources=())
        and one.tasks.keys() == other.tasks.keys()
        and all(_alike(settled, other.tasks[task]) for task, settled in one.tasks.items())
    )


def _alike(one: Settled, other: Settled) -> bool:
    both = one.cells.keys() & other.cells.keys()
    return bool(both) and all(_values(one, target) == _values(other, target) for target in both)


def _values(settled: Settled, target: str) -> dict[int | None, list[float | None]]:
    return {seed: [number and number.value for number in cell.numbers] for seed, cell in settled.cells[target].items()}


def _joined(one: Line, other: Line, taken: Collection[str]) -> Line:
    """Both as one without sources; a language that both have keeps the record of the first."""
    run = replace(one.run, sources=())
    name = name_of(run)
    entry = replace(
        one.entry,
        id=one.entry.id if name in taken else name,
        sources=(),
        cost=summed([cost for cost in (one.entry.cost, other.entry.cost) if cost is not None]),
    )
    tasks = {
        task: Settled(
            cells={**other.tasks[task].cells, **settled.cells},
            notes=(*settled.notes, *other.tasks[task].notes),
            other_data=settled.other_data + other.tasks[task].other_data,
            held=settled.held + other.tasks[task].held,
        )
        for task, settled in one.tasks.items()
    }
    return Line(entry, run, tasks, tuple(dict.fromkeys((*one.notes, *other.notes))))
