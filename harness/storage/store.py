"""Results on disk: one folder a job, one record a cell, written whole or not at all; the files are the truth.

- ``checkpoints/<train_key>/``: weights, while they are kept
- ``checkpoints/.<train_key>.training/``: how far a training run has come, until its weights are there
- ``runs/<task>/<predict_key>/job.json``: what was run, on what, how long it took
- ``runs/<task>/<predict_key>/<target>.json``: the cell; that it exists means that the cell is complete
- ``runs/<task>/<predict_key>/<target>.examples.parquet``: one row an example
- ``runs/<task>/<predict_key>/error.json``: instead of results, where the job failed
"""

from __future__ import annotations

import itertools
import re
import shutil
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from harness.errors import HarnessError
from harness.storage.ahead import ahead
from harness.storage.atomic import DISK_FULL, ensure_space, flush_folder, unwritable, write_whole
from harness.storage.bucket import bring
from harness.storage.examples_table import read_examples, write_examples
from harness.storage.folder import ERROR, JOB, Folder, names, read, set_aside, targets
from harness.storage.locks import held, holder, last_holder
from harness.storage.records import CellRecord, DamageError, ErrorRecord, JobRecord, Point, Score, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    import pandas as pd

__all__ = ["ERROR", "JOB", "CellRecord", "ErrorRecord", "JobRecord", "Point", "Score", "Store", "ensure_space"]

T = TypeVar("T")

MANY = 1000  # jobs from which on processes are started, which takes half a second
PART = 25  # jobs of a part
BATCH = 2**16  # rows of the long table that are objects at one time
COLUMNS = (
    "task", "model", "strategy", "sources", "target", "seed", "shots", "size", "limit", "metric", "score", "low",
    "high", "n", "provenance", "train_key", "predict_key", "cell_key", "main", "touches",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Store:
    """The results below ``root``; any number of processes may read and write at once."""

    root: Path

    @classmethod
    def existing(cls, root: Path) -> Store:
        """The store below ``root``.

        Raises:
            HarnessError: nothing was ever run there.
        """
        if not (root / "runs").is_dir():
            raise HarnessError(f"{root}: no store there yet; `harness run` makes one, --results points to another")
        return cls(root)

    def folder(self, task: str, predict_key: str) -> Path:
        """Where a job's records lie."""
        return self.root / "runs" / _part(task) / _part(predict_key)

    @property
    def cache(self) -> Path:
        """Where what can be computed again lies: token arrays, digests, locks."""
        return self.root / "cache"

    # -- cells

    def write_cell(self, record: CellRecord, examples: pd.DataFrame) -> None:
        """Stores a cell: the table of its examples first, then the record that vouches for this very table.

        Raises:
            HarnessError: the table does not fit the record, a number is NaN, or the disk refuses.
        """
        path = self._cell(record.task, record.predict_key, record.target)
        to_json(record)  # before anything is written: a record that is refused leaves no table behind
        digest = write_examples(path.with_suffix(".examples.parquet"), examples, record.n)
        write_whole(path, to_json(replace(record, table=digest)))

    def read_cell(self, task: str, predict_key: str, target: str) -> CellRecord | None:
        """The cell, or None where there is none that can be trusted; a damaged one is moved aside."""
        return read(self._cell(task, predict_key, target).parent, [f"{target}.json"]).cells().get(target)

    def read_cells(self, task: str, predict_key: str, targets: Collection[str] | None = None) -> dict[str, CellRecord]:
        """By target, the cells of a job that can be trusted; damaged ones are moved aside.

        Args:
            targets: no others are looked at; all that are there where none are named.
        """
        return self._cells(task, predict_key, targets).cells()

    def cell_keys(self, task: str, predict_key: str, targets: Collection[str]) -> dict[str, str]:
        """By target, the keys of the cells that ``read_cells`` would find."""
        return self._cells(task, predict_key, targets).cell_keys()

    def _cells(self, task: str, predict_key: str, targets: Collection[str] | None) -> Folder:
        there = [one for one in self.targets(task, predict_key) if targets is None or one in targets]
        return read(self.folder(task, predict_key), [f"{target}.json" for target in there])

    def examples(self, task: str, predict_key: str, target: str) -> pd.DataFrame:
        """One row an example: example_id, group_id, gold, prediction (JSON), and ``<signature>::<column>`` counts.

        Raises:
            HarnessError: there is no such cell, or its table is missing, damaged or not the one that the record was
                made with; the cell has then been moved aside and the next run computes it again.
        """
        path = self._cell(task, predict_key, target)
        table = path.with_suffix(".examples.parquet")
        record = self.read_cell(task, predict_key, target)
        if record is None:
            raise HarnessError(f"{path}: no such cell is stored. Run the job to compute it.")
        bring(self.root, table)
        try:
            return read_examples(table, record.table)
        except DamageError as damage:
            if table.exists():
                set_aside(table, str(damage))
            set_aside(path, str(damage))
            raise HarnessError(f"{table}: {damage}. Run the job again to compute this cell anew.") from damage

    def cells(self) -> Iterator[CellRecord]:
        """Every cell of every job, in the order of the paths; damaged ones are moved aside on the way."""
        for folder in self.folders(list(self.jobs())):
            yield from folder.cells().values()

    def targets(self, task: str, predict_key: str) -> list[str]:
        """The targets with a record in this job's folder, sorted."""
        return targets(names(self.folder(task, predict_key)))

    def frame(self, keep: Callable[[CellRecord], bool] = lambda _: True) -> pd.DataFrame:
        """The long table: one row a cell and metric signature, with the columns of ``COLUMNS``.

        ``sources`` are joined by ``+``; ``main`` says whether the metric is the cell's main one.
        """
        import pandas as pd

        rows = (
            (cell.task, cell.model, cell.strategy, "+".join(cell.sources), cell.target, cell.seed, cell.shots,
             cell.size, cell.limit, metric, score["score"], score["low"], score["high"], cell.n, cell.provenance,
             cell.train_key, cell.predict_key, cell.cell_key, metric == cell.main_metric, cell.touches)
            for cell in self.cells() if keep(cell)
            for metric, score in cell.scores.items()
        )  # fmt: skip
        types = {"seed": "int64", "shots": "int64", "size": "Int64", "limit": "Int64", "n": "int64", "main": "bool"}
        numbers = {"score": "float64", "low": "float64", "high": "float64"}
        texts = dict.fromkeys(COLUMNS, "str")  # an empty table has the types of a full one
        # columns take a tenth of the rows that they are made of
        parts = [pd.DataFrame(part, columns=list(COLUMNS)).astype(texts | types | numbers) for part in _batches(rows)]
        return pd.concat(parts, ignore_index=True)

    # -- jobs and failures

    def jobs(self) -> Iterator[tuple[str, str]]:
        """Task and predict key of every job folder, sorted, failed jobs included."""
        for task in names(self.root / "runs"):
            for predict_key in names(self.root / "runs" / task):
                yield task, predict_key

    def folders(self, jobs: Sequence[tuple[str, str]]) -> Iterator[Folder]:
        """All records of each job, by task and predict key, in this order; of many, other processes read ahead."""
        paths = [self.folder(*job) for job in jobs]
        if len(paths) < MANY:
            yield from map(read, paths)
            return
        for part in ahead(_read_part, [paths[start : start + PART] for start in range(0, len(paths), PART)]):
            yield from part

    def write_job(self, record: JobRecord) -> None:
        """Stores what was run."""
        write_whole(self.folder(record.task, record.predict_key) / JOB, to_json(record))

    def read_job(self, task: str, predict_key: str) -> JobRecord | None:
        """The job, or None where there is none that can be trusted."""
        return read(self.folder(task, predict_key), [JOB]).job()

    def write_error(self, task: str, predict_key: str, error: ErrorRecord) -> None:
        """Stores why a job failed, where its results would lie."""
        write_whole(self.folder(task, predict_key) / ERROR, to_json(error))

    def read_error(self, task: str, predict_key: str) -> ErrorRecord | None:
        """The failure, or None where the job did not fail."""
        return read(self.folder(task, predict_key), [ERROR]).error()

    def clear_error(self, task: str, predict_key: str) -> None:
        """Removes the failure of a job that has been run again."""
        (self.folder(task, predict_key) / ERROR).unlink(missing_ok=True)

    # -- checkpoints and locks

    def checkpoint(self, train_key: str) -> Path:
        """Where the weights of a training run lie; the folder exists only when it is complete."""
        return self.root / "checkpoints" / _part(train_key)

    def training(self, train_key: str) -> Path:
        """Where a training run keeps how far it has come; hidden, so that it never looks like weights."""
        return self.root / "checkpoints" / f".{_part(train_key)}.training"

    def drop_training(self, train_key: str) -> None:
        """Removes how far a training run has come, if it was kept."""
        shutil.rmtree(self.training(train_key), ignore_errors=True)

    @contextmanager
    def checkpoint_draft(self, train_key: str) -> Iterator[Path]:
        """An empty folder that becomes the checkpoint when the block ends, and vanishes when it raises.

        Drafts of one key are serialised; what a killed process left of one is removed by the next. With the checkpoint
        complete, what ``training`` kept is removed.
        """
        final = self.checkpoint(train_key)
        draft = final.with_name(f".{final.name}.draft")
        with self.lock(f"draft-{train_key}"):
            try:
                shutil.rmtree(draft, ignore_errors=True)
                draft.mkdir(parents=True)
            except OSError as error:
                raise unwritable(draft, error) from error
            try:
                yield draft
                flush_folder(draft)
                self.drop_checkpoint(train_key)
                draft.rename(final)
                self.drop_training(train_key)
            except OSError as error:
                if error.errno in DISK_FULL:
                    raise unwritable(draft, error) from error
                raise  # of the block: a file that it wanted to read, say
            finally:
                shutil.rmtree(draft, ignore_errors=True)

    def drop_checkpoint(self, train_key: str) -> None:
        """Removes the weights, if there are any; renamed first, so that half a checkpoint never looks like one."""
        final = self.checkpoint(train_key)
        doomed = final.with_name(f".{final.name}.dropped")
        shutil.rmtree(doomed, ignore_errors=True)
        if final.exists():
            final.rename(doomed)
            shutil.rmtree(doomed, ignore_errors=True)

    def lock(self, name: str, wait: bool = True, what: str = "") -> AbstractContextManager[bool]:
        """A lock between all processes that share this store; see ``locks.held``."""
        return held(self._lock(name), wait, what)

    def holder(self, name: str) -> str | None:
        """Who holds a lock, in words; None where nobody does."""
        return holder(self._lock(name))

    def last_holder(self, name: str) -> str:
        """Who holds a lock or held it last, and what for, in words; empty where nobody ever did."""
        return last_holder(self._lock(name))

    def _lock(self, name: str) -> Path:
        return self.cache / "locks" / f"{_part(name)}.lock"

    def _cell(self, task: str, predict_key: str, target: str) -> Path:
        if f"{target}.json" in (JOB, ERROR):  # `job` is Joba's code in ISO 639-3
            raise HarnessError(f"target {target!r}: {target}.json is not free; name the script too ({target}-Latn)")
        return self.folder(task, predict_key) / f"{_part(target)}.json"


def _batches(rows: Iterator[T]) -> Iterator[list[T]]:
    """The rows in lists, of which the last is shorter than the others, and empty where there is no row."""
    while len(part := list(itertools.islice(rows, BATCH))) == BATCH:
        yield part
    yield part


def _part(name: str) -> str:
    """``name``, if it can be one part of a path and no more."""
    if not re.fullmatch(r"[^\W_][\w.+@=-]*", name):
        raise HarnessError(f"{name!r} cannot name a file: letters, digits and ._+@=- only, the first a letter or digit")
    return name


def _read_part(folders: Sequence[Path]) -> list[Folder]:
    return list(map(read, folders))
