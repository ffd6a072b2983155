"""What the stores hold, read once and kept small: the cells of every run, and what of them must not count."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from harness.runs import Run, flat, model_content, recipe, run_of
from harness.storage.folder import Folder
from harness.storage.records import CellRecord, JobRecord
from harness.storage.store import Store
from harness.sweep.keys import digest
from harness.sweep.options import Options, suites_of
from harness.tables import conditions

TRAINED = 0
"""The seed of a run that stands for all of its seeds; they are apart within it."""

WHERE = (
    "suite", "task", "model", "strategy", "sources", "target", "seed", "shots", "size", "limit", "provenance",
    "train_key", "predict_key", "cell_key", "touches",
)  # fmt: skip

LIMIT, DEV = "run with a limit", "of runs that looked at the targets' dev"
LOST = "of jobs that did not end; run them again"
FAILED = "of jobs that failed ({}; the error.json of each says why); run them again"
DAMAGED = "that were damaged; they were moved aside, run them again"


def many(count: int) -> str:
    """``1 cell``, ``2 cells``."""
    return f"{count:,} cell{'' if count == 1 else 's'}"


class Number(NamedTuple):
    """A score with its interval, native units."""

    value: float
    low: float | None
    high: float | None


class Cell(NamedTuple):
    """A cell, no larger than it must be: there may be a million.

    Attributes:
        numbers: by the metrics that are wanted of its task, in their order; None for one that it lacks.
        data: fingerprint of the evaluation data.
        path: of its record, from the working directory.
    """

    numbers: tuple[Number | None, ...]
    n: int
    data: str
    path: str


@dataclass(slots=True)
class Part:
    """What a run has of a task.

    Attributes:
        cells: by seed and target; the seed is None where nothing was trained.
        twins: seed and target of further cells, which another store has too.
        recipes: a record of a job of each recipe, seeds apart, by digest; several mean that nobody can say which one
            the task's numbers are of.
    """

    cells: dict[int | None, dict[str, Cell]] = field(default_factory=dict)
    twins: list[tuple[int | None, str, Cell]] = field(default_factory=list)
    recipes: dict[str, Path] = field(default_factory=dict)


@dataclass(slots=True)
class Spent:
    """What a run's jobs took, summed; a job that several stores hold counts once.

    Attributes:
        parameters: of its largest model, since heads differ from task to task; None where no record says.
    """

    jobs: set[tuple[str, str]] = field(default_factory=set)
    seconds: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    parameters: int | None = None


@dataclass(slots=True)
class Stored:
    """Everything that counts, and what does not.

    Attributes:
        runs: by run (its seed ``TRAINED`` or None) and task.
        models: of each run, all that makes its model, flat.
        jobs: of each model's name, the store, task and predict key of a job.
        data: by task, target and sources, the fingerprints of the evaluation data: cells, and when the last was made.
        left_out: cells, by task and reason.
        versions: by package, all that computed a cell.
    """

    runs: dict[Run, dict[str, Part]] = field(default_factory=dict)
    models: dict[str, dict[str, str]] = field(default_factory=dict)
    jobs: dict[str, tuple[Store, str, str]] = field(default_factory=dict)
    data: dict[tuple[str, str, tuple[str, ...]], dict[str, tuple[int, str]]] = field(default_factory=dict)
    spent: dict[Run, Spent] = field(default_factory=dict)
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)
    versions: dict[str, set[str]] = field(default_factory=dict)


def read(
    stores: Sequence[Path], metrics: Mapping[str, Sequence[str]], options: Options, where: Sequence[str] = ()
) -> Stored:
    """The cells of all stores, one look at each record.

    Args:
        metrics: by task, the signatures that are wanted; other tasks are passed over.
        where: ``column=value`` conditions, all of which must hold.

    Raises:
        HarnessError: one of the folders is no store, or a condition cannot be understood.
    """
    told = conditions(where, WHERE)
    suites = suites_of(options) if any(column == "suite" for column, _ in told) else {}
    found = Stored()
    for root in stores:
        store = Store.existing(root)
        jobs = [(task, key) for task, key in store.jobs() if task in metrics and _may_fit(task, key, told)]
        for folder in store.folders(jobs):
            _read_job(found, store, folder, metrics[folder.task], told, suites.get(folder.task, ()))
    return found


def _may_fit(task: str, key: str, told: Sequence[tuple[str, frozenset[str]]]) -> bool:
    """Whether cells of a job can fit the conditions, as far as that is known without a look at them."""
    known = {"task": task, "predict_key": key}
    return all(known.get(column) in (None, *values) for column, values in told)


def _read_job(
    found: Stored,
    store: Store,
    folder: Folder,
    metrics: Sequence[str],
    told: Sequence[tuple[str, frozenset[str]]],
    suites: Sequence[str],
) -> None:
    job: JobRecord | None = None
    run: Run | None = None
    task, targets = folder.task, folder.targets
    error = None if told else folder.error()  # whether it fits conditions, nobody can say
    if error is not None and (lost := set(error.job.get("targets", ())).difference(targets)):
        found.left_out[task, FAILED.format(error.exception)] += len(lost)
    cells = folder.cells()
    if damaged := len(targets) - len(cells):
        found.left_out[task, DAMAGED] += damaged
    for target, cell in cells.items():
        if not _fits(cell, told, suites):
            continue
        if cell.limit is not None:
            found.left_out[task, LIMIT] += 1
        elif cell.touches == "dev":
            found.left_out[task, DEV] += 1
        else:
            if job is None:
                job = folder.job()
                run = _add_job(found, store, cell, job) if job else None
            if job is None or run is None:
                found.left_out[task, LOST] += 1
            else:
                _add_cell(found, run, cell, metrics, job, f"{folder.path}/{target}.json")


def _fits(cell: CellRecord, told: Sequence[tuple[str, frozenset[str]]], suites: Sequence[str]) -> bool:
    for column, wanted in told:
        if column == "suite":
            if wanted.isdisjoint(suites):
                return False
        elif column == "sources":
            if "+".join(cell.sources) not in wanted:
                return False
        elif str(getattr(cell, column)) not in wanted:
            return False
    return True


def _add_job(found: Stored, store: Store, cell: CellRecord, job: JobRecord) -> Run:
    """The run that a job belongs to, known from now on with its model, its recipe and what it took."""
    train: dict[str, Any] = job.spec["train"]
    run = run_of(
        train,
        model=cell.model,
        strategy=cell.strategy,
        sources=cell.sources,
        seed=cell.seed,
        shots=cell.shots,
        touches=cell.touches,
    )
    run = run if run.seed is None else replace(run, seed=TRAINED)
    found.models.setdefault(run.model_key, flat(model_content(train)))
    found.jobs.setdefault(cell.model, (store, cell.task, cell.predict_key))
    part = found.runs.setdefault(run, {}).setdefault(cell.task, Part())
    alike = {name: value for name, value in recipe(train, run.sources).items() if name != "seed"}
    part.recipes.setdefault(digest(alike), store.folder(cell.task, cell.predict_key))
    spent = found.spent.setdefault(run, Spent())
    if (cell.task, cell.predict_key) not in spent.jobs:
        spent.jobs.add((cell.task, cell.predict_key))
        spent.seconds.update(job.timings)
        spent.tokens.update(job.tokens)
        if (size := job.model.get("parameters")) is not None:
            spent.parameters = max(size, spent.parameters or 0)
    for package, version in job.versions.items():
        found.versions.setdefault(package, set()).add(version)
    return run


def _add_cell(found: Stored, run: Run, cell: CellRecord, metrics: Sequence[str], job: JobRecord, path: str) -> None:
    scores = [cell.scores.get(signature) for signature in metrics]
    numbers = tuple(score and Number(score["score"], score["low"], score["high"]) for score in scores)
    if None in numbers:
        lacking = metrics[numbers.index(None)]
        found.left_out[cell.task, f"without {lacking}; `harness rescore` computes it"] += 1
    data, target = sys.intern(cell.data), sys.intern(cell.target)  # as a million cells have few of them
    small = Cell(numbers, cell.n, data, path)
    part = found.runs[run][cell.task]
    seed = cell.seed if run.seed is not None else None
    if part.cells.setdefault(seed, {}).setdefault(target, small) is not small:
        part.twins.append((seed, target, small))
        return
    columns = found.data.setdefault((cell.task, target, cell.sources), {})
    count, last = columns.get(data, (0, ""))
    columns[data] = count + 1, max(last, job.created)
