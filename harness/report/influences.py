"""How far each group of examples moves the scores of a task in a language: what marks and intervals are made of."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.metrics.base import AnyMetric, metric
from harness.report.values import TaskBoard
from harness.stats.influence import influence
from harness.storage.contents import contents
from harness.storage.examples_table import read_columns
from harness.storage.records import CellRecord, DamageError, JobRecord, from_json

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Influences:
    """Entries on a task in a language, those whose tables are there and have the same groups.

    Attributes:
        groups: their ids, sorted.
        values: (entries, groups), the mean over the seeds; squares sum to the variance of the score.
        seeds: of each entry, its score by seed.
        silent: entries with a score, but without influence, and why.
        range: the lowest and the highest score that there can be.
    """

    language: str
    entries: tuple[str, ...]
    groups: NDArray[np.str_]
    values: Array
    seeds: tuple[tuple[float, ...], ...]
    silent: Mapping[str, str]
    range: tuple[float, float] = (0.0, 1.0)

    @property
    def seed_variance(self) -> Array:
        """The variance of each entry's mean that is due to its seeds; 0 where fewer than two say nothing of it."""
        return np.array([np.var(one, ddof=1) / len(one) if len(one) > 1 else 0.0 for one in self.seeds])


def influences(board: TaskBoard, of: Collection[str]) -> Iterator[Influences]:
    """Those of every language in which an entry was run, in the board's order.

    Args:
        of: the entries.
    """
    for language in board.languages:
        scores = {entry: found[language] for entry, found in board.scores.items() if entry in of and language in found}
        records = {entry: score.records for entry, score in scores.items() if score.records}
        if records:
            yield _in(board, language, records)


def _in(board: TaskBoard, language: str, records: Mapping[str, Sequence[str]]) -> Influences:
    of = measures(board, language, Path(next(iter(records.values()))[0]))
    known: _Groups | None = None
    entries, values, seeds, silent = [], [], [], {}
    read = contents([path for paths in records.values() for path in paths])
    for entry, paths in records.items():
        mine = list(zip(paths, islice(read, len(paths)), strict=True))
        try:
            found = [_read(Path(path), content, of, known) for path, content in mine]
        except DamageError as damage:
            silent[entry] = f"{damage}: run it again"
            continue
        groups = found[0][0]
        known = known or groups
        if len(groups.ids) < 2:
            silent[entry] = "all examples are one group"
        elif any(other is not known and not np.array_equal(other.ids, known.ids) for other, _, _ in found):
            silent[entry] = "its groups of examples are not those of the others"
        else:
            entries.append(entry)
            values.append(np.mean([moved for _, moved, _ in found], axis=0))
            seeds.append(tuple(score for _, _, score in found))
    ids = known.ids if known else np.array([], dtype=str)
    stacked = np.array(values).reshape(len(entries), len(ids))
    low, high = (fmean(one.range[end] for one in of) for end in (0, 1))
    return Influences(language, tuple(entries), ids, stacked, tuple(seeds), silent, (low, high))


@dataclass(frozen=True, slots=True, eq=False)
class _Groups:
    """The groups of a corpus: the column as stored, the ids in sorted order, and whose each example is."""

    column: Any
    ids: NDArray[np.str_]
    member: NDArray[np.intp]


def _read(
    path: Path, content: bytes | None, of: Sequence[AnyMetric], known: _Groups | None
) -> tuple[_Groups, Array, float]:
    """The groups of a cell's examples, how far each moves the mean of the metrics, and that mean.

    Args:
        content: what its record holds.
        of: the metrics.
        known: groups of another cell, which are used again where they are the same.
    """
    if content is None:
        raise DamageError("a record is not there any more")
    record = from_json(CellRecord, content)
    names = [[f"{one.signature}::{column}" for column in one.columns] for one in of]
    table = read_columns(path.with_suffix(".examples.parquet"), record.table, ["group_id", *chain(*names)])
    groups = known
    if groups is None or not groups.column.equals(table["group_id"]):
        ids, member = np.unique(np.asarray(table["group_id"].to_pylist(), dtype=str), return_inverse=True)
        groups = _Groups(table["group_id"], ids, member)
    values, score = np.zeros(len(groups.ids)), 0.0
    for one, columns in zip(of, names, strict=True):
        counts = np.stack([table[name].to_numpy() for name in columns], axis=1)
        moved = influence(counts, groups.member, one)
        values += 0.0 if moved is None else moved / len(of)
        score += one.total(counts) / len(of)
    return groups, values, score


def measures(board: TaskBoard, language: str, record: Path) -> list[AnyMetric]:
    """The metrics of a task's board in a language.

    Args:
        record: of a cell, beside whose job's record the task's labels stand.
    """
    job = from_json(JobRecord, (record.parent / "job.json").read_bytes())
    labels = job.spec["predict"].get("labels") or ()
    return [metric(signature, labels=labels, language=language) for signature in board.metric.split(" + ")]
