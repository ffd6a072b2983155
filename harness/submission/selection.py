"""The stored cells that make one submission: of each task the languages of one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.errors import HarnessError, nearest
from harness.spec import Suite
from harness.storage.store import CellRecord, Store
from harness.submission.score import refuse_formless, taken

FIELDS = ("model", "strategy", "sources", "seed", "shots", "size", "limit", "train_key")  # what tells runs apart
PER_TARGET = "train_key"  # of a few-shot run, whose every target is trained for


@dataclass(frozen=True, slots=True)
class Selection:
    """The cells of a submission by task and target, and what there is none of."""

    cells: Mapping[str, Mapping[str, CellRecord]]
    missing: Mapping[str, tuple[str, ...]]


def select(store: Store, suite: Suite, conditions: Sequence[str]) -> Selection:
    """The cells that fit all conditions, each ``column=value`` (of ``FIELDS``; sources joined by ``+``).

    Raises:
        HarnessError: a suite that takes no submissions, an unknown column, nothing that fits, or a task of which
            several runs do.
    """
    wanted = dict(_condition(condition) for condition in conditions)
    refuse_formless(suite)
    tasks = taken(suite)
    fitting = [cell for cell in store.cells() if cell.task in tasks and _fits(cell, wanted)]
    if not fitting:
        asked = " and ".join(conditions)
        raise HarnessError(f"{store.root}: no cell of a task of {suite.name} with {asked}; `harness scores` shows all")
    cells = {}
    for name, task in tasks.items():
        found = [cell for cell in fitting if cell.task == name and cell.target in task.languages]
        _refuse_several(name, found)
        cells[name] = {cell.target: cell for cell in found}
    missing = {name: tuple(code for code in task.languages if code not in cells[name]) for name, task in tasks.items()}
    return Selection(cells, missing)


def _condition(condition: str) -> tuple[str, str]:
    column, equals, value = condition.partition("=")
    if not equals:
        raise HarnessError(f"{condition}: write COLUMN=VALUE")
    if column not in FIELDS:
        raise HarnessError(f"{condition}: {nearest(column, FIELDS)}")
    return column, value


def _value(cell: CellRecord, field: str) -> str:
    value = getattr(cell, field)
    return "+".join(value) if isinstance(value, tuple) else str(value)


def _fits(cell: CellRecord, wanted: Mapping[str, str]) -> bool:
    # a limited run has answers to a part of each file only; it is taken where it is asked for
    if cell.limit is not None and "limit" not in wanted:
        return False
    return all(_value(cell, field) == value for field, value in wanted.items())


def _refuse_several(task: str, cells: Sequence[CellRecord]) -> None:
    differ = {
        field: sorted({_value(cell, field) for cell in cells})
        for field in FIELDS
        if len({_value(cell, field) for cell in cells}) > 1
    }
    # where nothing else differs, keys that are one a target belong to one run
    if set(differ) <= {PER_TARGET} and len({cell.target for cell in cells}) == len(cells):
        return
    shown = [
        f"{field} ({', '.join(values)})" for field, values in differ.items() if len(differ) == 1 or field != PER_TARGET
    ]
    raise HarnessError(
        f"{task}: several runs fit, which differ in {'; '.join(shown)}: choose one with --where COLUMN=VALUE"
    )
