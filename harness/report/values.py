"""What a report is made of, as plain values: every page and every export reads these and nothing else.

Scores are 0-1 natively and are shown x 100. A number that would be the mean of something else is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from harness.spec import Provenance


class Kind(StrEnum):
    """Where an entry's numbers come from."""

    RUN = "run"
    FLOOR = "floor"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class Cost:
    """What an entry cost, summed over its jobs; None where no record says.

    Attributes:
        seconds: by stage (train, predict, score).
        tokens: ``real`` and ``computed``.
        parameters: of the model.
    """

    seconds: Mapping[str, float]
    tokens: Mapping[str, int]
    parameters: int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a board: a model trained one way from one set of sources, over its seeds, or published figures.

    Attributes:
        id: unique, of ``a-z0-9._-`` alone; it stands in links and file names.
        options: what tells it from another entry that is called the same.
        seeds: empty where nothing is trained, and for published figures.
        protocol: of published figures, as their authors name it (zero-shot, translate-train).
        origin: where published figures were found.
        seen: languages of the model's pretraining, canonical; empty where nobody says.
    """

    id: str
    model: str
    kind: Kind
    strategy: str
    sources: tuple[str, ...]
    shots: int
    size: int | None
    options: str
    seeds: tuple[int, ...]
    protocol: str
    origin: str
    seen: frozenset[str]
    cost: Cost | None


@dataclass(frozen=True, slots=True)
class Score:
    """An entry's score on a task in a language: the mean over its seeds.

    Attributes:
        low: 95 % interval over groups; None where nobody took one, and over several seeds.
        spread: standard deviation over the seeds; None of fewer than two.
        n: examples; None where a publication does not say.
        records: of each seed, the path of the record that it was read from, the store's folder included; empty for
            published ones.
        flag: why the figure is not to be taken as a fact; empty for all others.
    """

    value: float
    low: float | None
    high: float | None
    spread: float | None
    n: int | None
    records: tuple[str, ...]
    flag: str = ""


@dataclass(frozen=True, slots=True)
class Over:
    """An entry on a task over its languages; each is None while one of the languages that it is about is missing.

    Attributes:
        mean: by the suite's rule, with its interval over groups (shared draws), None where the tables are not there.
        transfer: without the languages that were trained on.
        gap: the source's own score minus ``transfer``; None where the source is no target.
        worst_decile: the mean of the lowest tenth, of one language at least.
    """

    mean: float | None
    low: float | None
    high: float | None
    transfer: float | None
    gap: float | None
    family_macro: float | None
    worst: float | None
    worst_language: str | None
    worst_decile: float | None
    seen: float | None
    unseen: float | None
    have: int
    want: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TaskBoard:
    """A task's scores: entries x languages.

    Attributes:
        metric: signature of what is shown; the means of several joined by `` + ``.
        data: by language, the fingerprint of the evaluation data; all entries of a board share it.
        floor: by language, the best of the models that learn nothing.
        scores: by entry id and language.
        level: by language, the runs that are not significantly worse than the best run, which is among them;
            paired, Holm over the entries.
        over: by entry id.
    """

    task: str
    type: str
    metric: str
    provenance: Provenance
    languages: tuple[str, ...]
    data: Mapping[str, str]
    floor: Mapping[str, float]
    scores: Mapping[str, Mapping[str, Score]]
    level: Mapping[str, frozenset[str]]
    over: Mapping[str, Over]


@dataclass(frozen=True, slots=True)
class Standing:
    """An entry on a suite's board.

    Attributes:
        rank: by ``score``, 1 is best, ties share the lower number; None without a score.
        score: what the board ranks by (see ``Board.ranked_by``), with its interval.
        overall: the suite's own average; None while a language of a task is missing.
        groups: the suite's own group averages.
        win_rate: over all other entries and all tasks and languages that both have and none was trained on (where
            sources differ), ties count half.
        borda: points, per task as many as entries less the average rank, none for a missing task; like all ranks
            None for floors and published figures, which take no part.
        borda_rank: with ``borda_low`` and ``borda_high``, its 95 % interval under a resampling of languages.
        have: languages that it has, over the tasks of the suite.
    """

    entry: str
    rank: int | None
    score: float | None
    low: float | None
    high: float | None
    overall: float | None
    groups: Mapping[str, float | None]
    family_macro: float | None
    worst: float | None
    worst_where: str
    gap: float | None
    win_rate: float | None
    borda: float | None
    borda_rank: int | None
    borda_low: int | None
    borda_high: int | None
    have: int
    want: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """Entries that may be ranked against each other: one suite, one way of transfer, real or synthetic data.

    Attributes:
        id: as an entry's.
        title: for people, e.g. ``xtreme, few-shot, k = 10``.
        synthetic: whether the data is.
        ranked_by: in words: the suite's own average where all entries have the same sources, otherwise the mean over
            the targets that all have and none was trained on.
        tasks: in the suite's order, those that any entry has.
        standings: best first; floors and published rows are among them.
        left_out: why cells are on no board, and how many.
    """

    id: str
    title: str
    suite: str
    synthetic: bool
    ranked_by: str
    groups: tuple[str, ...]
    tasks: Mapping[str, TaskBoard]
    standings: tuple[Standing, ...]
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Pairs:
    """What differences between the entries of a task in a language are uncertain by.

    Attributes:
        entries: ids, those whose tables are stored; rows and columns of ``error``.
        error: (entries, entries) standard error of the difference on the same examples, resampled by group.
    """

    task: str
    language: str
    entries: tuple[str, ...]
    error: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Mistake:
    """An example that an entry got wrong, as people read it."""

    example: str
    text: str
    gold: str
    prediction: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything but what is read on demand (pairs, mistakes).

    Attributes:
        entries: by id.
        languages: by canonical code: English name, family, script, macro-area or region where known.
        signatures: of every metric, in words; revisions and licences by task; versions of packages.
        made: when, ISO 8601 in UTC; ``revision`` of the code where it is a git checkout.
    """

    title: str
    made: str
    revision: str
    entries: Mapping[str, Entry]
    boards: tuple[Board, ...]
    languages: Mapping[str, Mapping[str, str]]
    methods: Mapping[str, Mapping[str, str]]
    versions: Mapping[str, str]

    @property
    def runs(self) -> frozenset[str]:
        """The ids of the entries that are neither floors nor published figures."""
        return frozenset(id for id, entry in self.entries.items() if entry.kind is Kind.RUN)
