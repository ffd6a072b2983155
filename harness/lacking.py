"""What of many jobs the store does not hold; several processes read where there is much to read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

from harness.store import Store

MANY = 50_000
"""Cells from which on processes are started: they take half a second, and a million files wait for the disk."""

PART = 200  # jobs of a part
PROCESSES = 4  # at most, as a store has one disk


class Wanted(NamedTuple):
    """A job, and the key that the record of each target must have."""

    task: str
    predict_key: str
    cells: Mapping[str, str]


def missing(one: Wanted, store: Store) -> tuple[str, ...]:
    """Targets without a record of exactly this number."""
    found = store.read_cells(one.task, one.predict_key, one.cells.keys())
    return tuple(target for target, key in one.cells.items() if target not in found or found[target].cell_key != key)


def lacking(jobs: Sequence[Wanted], store: Store) -> Iterator[tuple[str, ...] | None]:
    """Of each job the targets that are missing, which may be none where its own record is; None where nothing is."""
    if sum(len(one.cells) for one in jobs) < MANY:
        yield from _of_part(jobs, store)
        return
    parts = [jobs[start : start + PART] for start in range(0, len(jobs), PART)]
    # not forked: a process with threads (of a bucket, say) must not be
    with ProcessPoolExecutor(min(PROCESSES, 2 * (os.cpu_count() or 1)), mp_context=get_context("spawn")) as pool:
        for found in pool.map(_of_part, parts, [store] * len(parts)):
            yield from found


def _of_part(jobs: Sequence[Wanted], store: Store) -> list[tuple[str, ...] | None]:
    found: list[tuple[str, ...] | None] = []
    for one in jobs:
        targets = missing(one, store)
        done = not targets and store.read_job(one.task, one.predict_key) is not None
        found.append(None if done else targets)
    return found
