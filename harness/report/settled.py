"""What an entry's numbers on a task are of: one recipe, one evaluation data, the same seeds in every language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.report.cells import Cell, Part, Stored
from harness.runs import differences, flat, recipe
from harness.storage.records import JobRecord
from harness.storage.store import Store

SAME = 1e-6
"""Scores of one key that differ by less are one: another order of additions makes as much."""

SHOWN = 8  # languages named in a note

Data = Mapping[tuple[str, str, tuple[str, ...]], str]


@dataclass(frozen=True, slots=True)
class Settled:
    """An entry on a task.

    Attributes:
        cells: by target and seed; every target has all of the seeds.
        notes: what does not count, and why.
        other_data: cells that were left out as their evaluation data is not the board's.
        held: cells that the stores have, whether they count or not.
    """

    cells: Mapping[str, Mapping[int | None, Cell]]
    notes: tuple[str, ...]
    other_data: int
    held: int


def evaluation_data(stored: Stored, across: Iterable[str]) -> dict[tuple[str, str, tuple[str, ...]], str]:
    """By task, target and sources, the fingerprint that most cells have; of as frequent ones that of the newest job.

    Args:
        across: tasks whose evaluation data is of source and target; that of all others is the same from every source.
    """
    apart = set(across)
    columns: dict[tuple[str, str, tuple[str, ...]], dict[str, tuple[int, str]]] = {}
    for (task, target, sources), found in stored.data.items():
        column = columns.setdefault((task, target, sources if task in apart else ()), {})
        for data, (count, last) in found.items():
            before = column.get(data, (0, ""))
            column[data] = before[0] + count, max(before[1], last)
    chosen = {column: max(found, key=lambda data: (*found[data], data)) for column, found in columns.items()}
    return {(task, target, sources): chosen[task, target, sources if task in apart else ()]
            for task, target, sources in stored.data}  # fmt: skip


def settle(task: str, part: Part, sources: tuple[str, ...], data: Data) -> Settled:
    """The cells of an entry on a task that its numbers are of."""
    held = sum(map(len, part.cells.values())) + len(part.twins)
    if len(part.recipes) > 1:
        return Settled({}, (f"{task}: {_several(part.recipes)}",), 0, held)
    notes: list[str] = []
    cells, other = _of_one_data(task, part, sources, data, notes)
    if notes:
        return Settled({}, tuple(notes), other, held)
    by_languages: dict[frozenset[str], list[int | None]] = {}
    for seed, found in cells.items():
        by_languages.setdefault(frozenset(found), []).append(seed)
    ranked = sorted(by_languages, key=lambda have: (len(have), len(by_languages[have]), sorted(have)))
    counted = ranked[-1] if ranked else frozenset()  # the most languages, of as many the most seeds
    for have, seeds in by_languages.items():
        if have != counted:
            lacking = sorted(counted - have)
            some = ", ".join(lacking[:SHOWN]) + (" ..." if len(lacking) > SHOWN else "")
            named = f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
            notes.append(f"{task}: {named} without {some or 'the other languages'}, and not counted")
    kept = {target: {seed: cells[seed][target] for seed in by_languages[counted]} for target in sorted(counted)}
    return Settled(kept, tuple(notes), other, held)


def _of_one_data(
    task: str, part: Part, sources: tuple[str, ...], data: Data, notes: list[str]
) -> tuple[dict[int | None, dict[str, Cell]], int]:
    """The cells of the board's evaluation data, and how many are of other data; two of one place are one or a note."""
    cells: dict[int | None, dict[str, Cell]] = {}
    other = 0
    for seed, target, cell in _all(part):
        if cell.data != data[task, target, sources]:
            other += 1
            continue
        first = cells.setdefault(seed, {}).setdefault(target, cell)
        if first is not cell and (note := _clash(first, cell)):
            notes.append(f"{task}, {target}: {note}")
    return {seed: found for seed, found in cells.items() if found}, other


def _all(part: Part) -> Iterator[tuple[int | None, str, Cell]]:
    for seed, found in sorted(part.cells.items(), key=lambda item: (item[0] is not None, item[0] or 0)):
        for target, cell in found.items():
            yield seed, target, cell
    yield from part.twins


def _clash(one: Cell, other: Cell) -> str:
    """Why two cells of one run and target cannot be one number; empty where they are the same number."""
    keys = [Path(cell.path).parent.name for cell in (one, other)]
    if keys[0] != keys[1]:
        return f"runs {keys[0]} and {keys[1]} are called the same: remove one of them, or narrow --where predict_key="
    for a, b in zip(one.numbers, other.numbers, strict=True):
        if (a is None) != (b is None) or (a and b and abs(a.value - b.value) > SAME):
            told = " and ".join(
                f"{'no score' if number is None else f'{100 * number.value:.4f}'} ({cell.path})"
                for number, cell in ((a, one), (b, other))
            )
            return f"run {keys[0]} has different scores, {told}: remove one of them, or report the stores apart"
    return ""


def _several(recipes: Mapping[str, Path]) -> str:
    """In what several recipes of one run differ, and what to do."""
    contents = []
    for folder in recipes.values():
        record = Store(folder.parents[2]).read_job(folder.parent.name, folder.name)
        if isinstance(record, JobRecord):
            content = recipe(record.spec["train"], record.sources)
            contents.append(flat({name: value for name, value in content.items() if name != "seed"}))
    fields = differences(contents)
    what = "; ".join(f"{name} ({' or '.join(values)})" for name, values in fields.items())
    keys = ", ".join(sorted(folder.name for folder in recipes.values()))
    return f"several runs, which differ in {what}: remove all but one of {keys}, or narrow --where"


def seeds_of(settled: Mapping[str, Settled]) -> tuple[tuple[int, ...], Sequence[str]]:
    """The seeds of an entry over its tasks, and a note where tasks have different ones."""
    by_task = {
        task: tuple(sorted({seed for found in one.cells.values() for seed in found if seed is not None}))
        for task, one in settled.items()
    }
    trained = {task: seeds for task, seeds in by_task.items() if seeds}
    union = tuple(sorted({seed for seeds in trained.values() for seed in seeds}))
    if len(set(trained.values())) < 2:
        return union, ()
    told = "; ".join(f"{task} {', '.join(map(str, seeds))}" for task, seeds in trained.items())
    return union, (f"seeds differ between tasks: {told}",)
