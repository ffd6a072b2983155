"""A new lock from the store: what a suite's cells score today, with the outcomes of their examples beside it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.gate.cell import Cell
from harness.gate.lock import Lock, outcomes_path, write_lock
from harness.gate.outcomes import Held, Outcomes
from harness.gate.sides import Stored

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from harness.gate.policy import Policy
    from harness.storage.store import Store
    from harness.sweep.options import Options


@dataclass(frozen=True, slots=True)
class Updated:
    """What a new lock holds, and how it differs from the one that it replaces, in numbers promised."""

    promises: int
    new: int
    changed: int
    gone: tuple[str, ...]
    size: int

    @property
    def line(self) -> str:
        """All of it in one line."""
        return (
            f"{self.promises} numbers promised ({self.new} new, {self.changed} changed, {len(self.gone)} gone); "
            f"outcomes of their examples: {self.size / 1e3:.0f} kB"
        )


def update(
    path: Path, store: Store, suite: str, policy: Policy, options: Options, before: Lock | None = None
) -> Updated:
    """Promises what the store holds of a suite's tasks: each cell's main metric and those that the policy names.

    Args:
        before: the lock that is replaced.

    Raises:
        HarnessError: there is no such suite, the store holds nothing of it, two runs give one number, a table is
            missing or damaged, or a file cannot be written. Nothing is overwritten then.
    """
    tasks = options.read("suite", suite).get("tasks") or {}
    side = Stored.of(store, str(store.root))
    cells = _chosen([cell for cell in side.cells if cell.run.task in tasks], policy)
    if not cells:
        raise HarnessError(
            f"{path}: {store.root} holds no cell of the suite {suite} (those with a limit do not count). Run it first: "
            f"harness run -m suite={suite} model=..."
        )
    held: Held = {}
    for cell in cells:
        for metric in cell.scores:
            found = side.outcomes(cell, metric)
            if found is None:
                raise HarnessError(f"{cell}: no examples are stored beside its record; run the job again")
            held[cell.table, metric] = Outcomes(found.digest, found.counts)
    lock = Lock(suite, tuple(cells), held)
    write_lock(path, lock)
    old, now = _promises(before.cells if before else ()), _promises(lock.cells)
    return Updated(
        promises=len(now),
        new=len(now.keys() - old.keys()),
        changed=sum(now[name] != old[name] for name in now.keys() & old.keys()),
        gone=tuple(sorted(old.keys() - now.keys())),
        size=outcomes_path(path).stat().st_size,
    )


def _chosen(cells: Iterable[Cell], policy: Policy) -> list[Cell]:
    """One cell of each identity, with the metrics that are compared; ordered by what their examples share.

    Raises:
        HarnessError: two runs disagree about one.
    """
    found: defaultdict[object, list[Cell]] = defaultdict(list)
    for cell in cells:
        compared = {metric: cell.scores[metric] for metric in policy.compared(cell)}
        found[cell.identity].append(replace(cell, scores=compared))
    for same in found.values():
        if any((one.scores, one.data) != (same[0].scores, same[0].data) for one in same):
            keys = ", ".join(sorted(cell.key for cell in same))
            raise HarnessError(f"{same[0]}: several runs disagree ({keys}): remove all but one")
    return sorted((same[0] for same in found.values()), key=lambda it: (it.run.task, it.target, *_plain(it)))


def _plain(cell: Cell) -> tuple[object, ...]:
    run = cell.run
    return run.model, run.strategy, run.sources, run.shots, run.size or 0, cell.seed


def _promises(cells: Iterable[Cell]) -> dict[str, float]:
    return {f"{cell}, {metric}": score for cell in cells for metric, score in cell.scores.items()}
