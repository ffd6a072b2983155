"""The two sides of a comparison: what holds cells and can say what became of their examples.

A baseline is a lock, a results folder, or one or several MLflow runs; the candidate is a results folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from harness.errors import HarnessError
from harness.gate.cell import Cell, cell_of
from harness.gate.lock import Lock, read_lock
from harness.gate.outcomes import Examples, Outcomes, of_table
from harness.runs import flat, recipe
from harness.storage import exchange
from harness.storage.store import Store

if TYPE_CHECKING:
    from harness.gate.policy import Policy, Rule

MLFLOW = "mlflow:"


class Baseline(Protocol):
    """What results are held against.

    Attributes:
        name: what reports call it.
        suite: whose cells it holds; empty where it is no suite's.
        rules: limits of its own.
        note: what a reader must know of it; mostly empty.
        cells: all of them, those with a ``limit`` left out.
    """

    # properties, since what implements them is frozen
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def suite(self) -> str: ...  # noqa: D102
    @property
    def note(self) -> str: ...  # noqa: D102
    @property
    def rules(self) -> tuple[Rule, ...]: ...  # noqa: D102
    @property
    def cells(self) -> tuple[Cell, ...]: ...  # noqa: D102

    def metrics(self, cell: Cell, policy: Policy) -> Iterable[str]:
        """The metrics of a cell that it holds a candidate to."""

    def outcomes(self, cell: Cell, metric: str) -> Outcomes | None:
        """What became of each example; None where scores alone are known.

        Raises:
            HarnessError: it should be known, and cannot be read.
        """

    def recipe(self, cell: Cell) -> Mapping[str, str]:
        """What the cell's model was made of, flat; empty where nobody says."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A results folder, or what was fetched of one.

    Attributes:
        limited: how many cells with a ``limit`` it holds; they are no answer to a whole one.
    """

    name: str
    store: Store
    cells: tuple[Cell, ...]
    limited: int = 0
    suite: str = ""
    note: str = ""
    rules: tuple[Rule, ...] = ()

    @classmethod
    def of(cls, store: Store, name: str) -> Stored:
        """What a store holds."""
        cells, limited = [], 0
        for record in store.cells():  # a million of them are no list
            limited += record.limit is not None
            # what looked at the targets' dev is no transfer, and stays off gates as it does off boards
            if record.limit is None and record.touches != "dev":
                cells.append(cell_of(record))
        return cls(name, store, tuple(cells), limited)

    def metrics(self, cell: Cell, policy: Policy) -> Iterable[str]:
        """The main metric, and those that the policy names."""
        return policy.compared(cell)

    def outcomes(self, cell: Cell, metric: str) -> Examples | None:
        """From the table beside the record.

        Raises:
            HarnessError: the table is damaged; the cell has been moved aside.
        """
        if not (self.store.folder(cell.run.task, cell.key) / f"{cell.target}.examples.parquet").exists():
            return None
        return of_table(self.store.examples(cell.run.task, cell.key, cell.target), metric)

    def recipe(self, cell: Cell) -> Mapping[str, str]:
        """As the record of its job has it, without the seed."""
        job = self.store.read_job(cell.run.task, cell.key) if cell.key else None
        if job is None:
            return {}
        predict = {name: value for name, value in job.spec.get("predict", {}).items() if name != "train_key"}
        made = flat(recipe(job.spec.get("train", {}), cell.run.sources) | predict)
        return {name: value for name, value in made.items() if name != "seed"}

    def trained(self, cell: Cell) -> bool:
        """Whether the cell's model was trained for it, and not only read or searched with; yes where nobody says."""
        job = self.store.read_job(cell.run.task, cell.key)
        return job is None or ("seed" in job.spec.get("train", {}) and job.model.get("family") != "predictions")

    def absence(self, cell: Cell) -> str:
        """Why there is no such cell here, as far as the folder tells in which it was, or would have been."""
        folder = self.store.folder(cell.run.task, cell.key) if cell.key else None
        if folder is not None and any(folder.glob(f"{cell.target}.json.damaged-*")):
            return f"its record was damaged and lies aside in {folder}: run the job again"
        error = self.store.read_error(cell.run.task, cell.key) if cell.key else None
        if error is not None:
            return f"its job failed: {error.exception}: {error.message.splitlines()[0] if error.message else ''}"
        seeds = sorted(one.seed for one in self.cells if (one.run, one.target) == (cell.run, cell.target))
        if seeds:
            return f"only other seeds are stored: {', '.join(map(str, seeds))}"
        return "no such cell in the store" + (", but some with a limit, which do not count" if self.limited else "")


@dataclass(frozen=True, slots=True)
class Locked:
    """A lock: the cells that were committed, and their outcomes where these were kept."""

    name: str
    lock: Lock

    @property
    def suite(self) -> str:
        """Whose cells were locked."""
        return self.lock.suite

    @property
    def note(self) -> str:
        """That only scores were kept, where they were."""
        return self.lock.note

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The tolerances of the first schema."""
        return self.lock.rules

    @property
    def cells(self) -> tuple[Cell, ...]:
        """What was locked."""
        return self.lock.cells

    def metrics(self, cell: Cell, policy: Policy) -> Iterable[str]:  # noqa: ARG002  # the choice was made then
        """Those that were locked."""
        return sorted(cell.scores)

    def outcomes(self, cell: Cell, metric: str) -> Outcomes | None:
        """From the file beside the lock."""
        return self.lock.outcomes.get((cell.table, metric))

    def recipe(self, cell: Cell) -> Mapping[str, str]:  # noqa: ARG002  # a lock keeps the key alone
        """Nothing."""
        return {}


@contextmanager
def opened(baseline: str, results: Path, config_dir: Path | None) -> Iterator[Baseline]:
    """The baseline that a word on the command line means: ``mlflow:RUN``, a results folder, or a lock.

    Raises:
        HarnessError: there is none, or it cannot be read.
    """
    if baseline.startswith(MLFLOW):
        from harness.gate.tracked_runs import fetched

        with fetched(baseline.removeprefix(MLFLOW), results, config_dir) as store:
            yield Stored.of(store, baseline)
        return
    path = exchange.opened(baseline, tables=True)
    if not path.is_dir():
        yield Locked(path.stem, read_lock(path))
    elif not (path / "runs").is_dir():
        raise HarnessError(f"{path}: no results folder (there is no {path / 'runs'}); a baseline is a lock file, a "
                           f"results folder, or {MLFLOW}RUN_ID")  # fmt: skip
    elif path.resolve() == results.resolve():
        raise HarnessError(f"{path} is compared with itself; --results or --baseline must be another folder")
    else:
        yield Stored.of(Store(path), str(path))
