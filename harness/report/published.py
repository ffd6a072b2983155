"""Figures from the literature, from CSV files with one figure a line, each with its source.

Columns: ``suite`` (of an average; may be empty otherwise), ``task``, ``metric`` (a signature, or its name alone),
``model``, ``protocol`` (as its authors name it), ``source`` (languages, joined by ``+``), ``target`` (a language, or
``all`` for the average that the publication prints), ``score`` (x 100), ``origin`` (where it was found), ``flag`` (why
it is not to be taken as a fact; empty for all others).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from harness import scoring
from harness.errors import DataError, HarnessError, nearest
from harness.languages import canonical
from harness.report.entries import slug
from harness.report.values import Entry, Kind, Score
from harness.spec import SuiteTask, TaskSpec
from harness.stats.averages import mean
from harness.sweep import build
from harness.sweep.keys import digest
from harness.sweep.options import Options

COLUMNS = ("suite", "task", "metric", "model", "protocol", "source", "target", "score", "origin", "flag")
NEEDED = tuple(name for name in COLUMNS if name not in ("suite", "flag"))
ALL = "all"


class Place(NamedTuple):
    """What a figure is of; an average has a suite and no language, and the reverse."""

    suite: str
    task: str
    metric: str
    language: str


class Figure(NamedTuple):
    """A figure in its native unit, and where it stands."""

    value: float
    flag: str
    where: str


@dataclass(frozen=True, slots=True)
class Source:
    """What one publication says of one model under one protocol."""

    model: str
    protocol: str
    sources: tuple[str, ...]
    origin: str
    figures: dict[Place, Figure] = field(default_factory=dict)

    def scores(self, task: SuiteTask) -> dict[str, Score] | None:
        """By language, the mean over the suite's metrics, without the languages that lack one; None where all do."""
        found = {}
        for language in task.languages:
            figures = [self._one("", task.name, signature, language) for signature in task.metrics]
            value = mean(figure and figure.value for figure in figures)
            if value is not None:
                flags = dict.fromkeys(figure.flag for figure in figures if figure and figure.flag)
                found[language] = Score(value, None, None, None, None, (), "; ".join(flags))
        return found or None

    def printed(self, task: SuiteTask, suite: str) -> float | None:
        """The average that is printed for a suite's task."""
        figures = [self._one(suite, task.name, signature, "") for signature in task.metrics]
        return mean(figure and figure.value for figure in figures)

    def _one(self, suite: str, task: str, signature: str, language: str) -> Figure | None:
        exact, named = (Place(suite, task, metric, language) for metric in (signature, signature.split("|", 1)[0]))
        return self.figures.get(exact) or self.figures.get(named)


def files(folder: Path) -> tuple[Path, ...]:
    """The files of published figures in a folder, sorted."""
    return tuple(sorted(folder.glob("*.csv")))


def read(paths: Iterable[Path], options: Options) -> list[Source]:
    """All figures of some files, in the order in which they stand there.

    Raises:
        DataError: a line that cannot be understood, or that says again what another one says; file and line are named.
    """
    found: dict[tuple[str, str, tuple[str, ...], str], Source] = {}
    tasks: dict[str, tuple[TaskSpec, dict[str, str]]] = {}
    for path in paths:
        for line, row in _rows(path):
            where = f"{path}, line {line}"
            try:
                place, figure, sources = _figure(row, where, tasks, options)
            except DataError:
                raise
            except HarnessError as error:
                raise DataError(f"{where}: {error}") from error
            key = row["model"], row["protocol"], sources, row["origin"]
            figures = found.setdefault(key, Source(*key)).figures
            if place in figures:
                raise DataError(f"{where}: the same figure stands in {figures[place].where}; keep one")
            figures[place] = figure
    return list(found.values())


def entries(sources: Sequence[Source]) -> list[Entry]:
    """The entries of published figures, in the same order."""
    names = [f"published.{slug(one.model)}.{slug(one.protocol)}.{'-'.join(one.sources)}" for one in sources]
    return [
        Entry(
            id=name if names.count(name) == 1 else f"{name}.{digest(one.origin)[:6]}",
            model=one.model,
            kind=Kind.PUBLISHED,
            strategy=one.protocol,
            sources=one.sources,
            shots=0,
            size=None,
            options="",
            seeds=(),
            protocol=one.protocol,
            origin=one.origin,
            seen=frozenset(),
            cost=None,
        )
        for name, one in zip(names, sources, strict=True)
    ]


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, strict=True)
            header = reader.fieldnames or ()
            for name in header:
                if name not in COLUMNS:
                    raise DataError(f"{path}, line 1: column {name!r}: {nearest(name, COLUMNS)}")
            if missing := [name for name in NEEDED if name not in header]:
                raise DataError(f"{path}, line 1: columns missing: {', '.join(missing)}")
            for row in reader:
                if None in row or None in row.values():
                    raise DataError(f"{path}, line {reader.line_num}: not as many fields as columns")
                yield reader.line_num, {name: (row.get(name) or "").strip() for name in COLUMNS}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as CSV in UTF-8: {error}") from error


def _figure(
    row: Mapping[str, str], where: str, tasks: dict[str, tuple[TaskSpec, dict[str, str]]], options: Options
) -> tuple[Place, Figure, tuple[str, ...]]:
    if empty := [name for name in NEEDED if not row[name]]:
        raise DataError(f"{where}: {empty[0]} is empty")
    if row["task"] not in tasks:
        spec = build.task(row["task"], options.read("task", row["task"]), options)
        tasks[row["task"]] = spec, {own: code for code, own in spec.languages.items()}
    spec, spelled = tasks[row["task"]]
    reported = scoring.signatures(spec)
    known = {*reported, *(signature.split("|", 1)[0] for signature in reported)}
    if row["metric"] not in known:
        raise DataError(f"{where}: {spec.name} does not report {row['metric']!r}: {nearest(row['metric'], known)}")
    sources = tuple(sorted(canonical(part.strip()) for part in row["source"].split("+")))
    if row["target"] == ALL:
        if row["suite"] not in options.names("suite"):
            told = nearest(row["suite"], options.names("suite")) if row["suite"] else "name the suite that it is of"
            raise DataError(f"{where}: the average of suite {row['suite']!r}: {told}")
        language, suite = "", row["suite"]
    else:
        language, suite = spelled.get(row["target"]) or canonical(row["target"], spec.namespace), ""
        if language not in spec.languages:
            raise DataError(f"{where}: {spec.name} has no {language}: {nearest(language, spec.languages)}")
    return Place(suite, spec.name, row["metric"], language), Figure(_score(row, where), row["flag"], where), sources


def _score(row: Mapping[str, str], where: str) -> float:
    try:
        score = float(row["score"])
    except ValueError:
        score = float("nan")
    if not -100 <= score <= 100:  # a NaN is not either
        raise DataError(f"{where}: score {row['score']!r}: a number from 0 to 100 (-100 for a correlation) is expected")
    return score / 100
