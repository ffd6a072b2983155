"""What of many jobs the store does not hold; several processes read where there is much to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from harness.storage.ahead import ahead
from harness.storage.store import Store

MANY = 50_000
"""Cells from which on processes are started: they take half a second, and a million files wait for the disk."""

PART = 200  # jobs of a part


class Wanted(NamedTuple):
    """A job, and the key that the record of each target must have."""

    task: str
    predict_key: str
    cells: Mapping[str, str]


def missing(one: Wanted, store: Store) -> tuple[str, ...]:
    """Targets without a record of exactly this number."""
    found = store.cell_keys(one.task, one.predict_key, one.cells.keys())
    return tuple(target for target, key in one.cells.items() if found.get(target) != key)


def lacking(jobs: Sequence[Wanted], store: Store) -> Iterator[tuple[str, ...] | None]:
    """Of each job the targets that are missing, which may be none where its own record is; None where nothing is."""
    if sum(len(one.cells) for one in jobs) < MANY:
        yield from _of_part(jobs, store)
        return
    for found in ahead(partial(_of_part, store=store), [jobs[at : at + PART] for at in range(0, len(jobs), PART)]):
        yield from found


def _of_part(jobs: Sequence[Wanted], store: Store) -> list[tuple[str, ...] | None]:
    found: list[tuple[str, ...] | None] = []
    for one in jobs:
        targets = missing(one, store)
        done = not targets and store.read_job(one.task, one.predict_key) is not None
        found.append(None if done else targets)
    return found
