"""Boards: the entries that may stand beside each other, by suite, way of transfer and kind of data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from harness.report.basis import Targets, basis
from harness.report.over import over
from harness.report.standings import standings
from harness.report.values import Board, Entry, Kind, Score, TaskBoard
from harness.runs import wanted
from harness.spec import Provenance, Suite, SuiteTask, TaskSpec

OTHER = "other"  # id of the board of tasks that no suite has


class Mode(NamedTuple):
    """A way of transfer: what differs in it does not compete."""

    strategy: str
    shots: int
    size: int | None
    balance: str | None


PLAIN = Mode("zero_shot", 0, None, None)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry that wants to stand on boards.

    Attributes:
        scores: of a suite's task, by language; empty where its cells make no number, None where it has none.
        printed: the mean of a suite's task as a publication prints it, by the name of the suite.
        data: fingerprints of the evaluation data of a task, by language.
    """

    entry: Entry
    mode: Mode
    scores: Callable[[SuiteTask], Mapping[str, Score] | None]
    printed: Callable[[SuiteTask, str], float | None]
    data: Callable[[str], Mapping[str, str]]
    notes: tuple[str, ...]


def boards(
    suite: Suite,
    candidates: Sequence[Candidate],
    specs: Mapping[str, TaskSpec],
    across: Collection[str],
    left_out: Mapping[str, int],
    published_alone: bool,
) -> Iterator[tuple[Board, Targets]]:
    """The boards of a suite, real data before synthetic, zero-shot transfer first; each with what its scores are of.

    Args:
        specs: of the suite's tasks.
        across: tasks in which the source is no target.
        left_out: why cells of the suite are on no board, and how many.
        published_alone: whether there is a board where nothing was run here.
    """
    kinds = {name: specs[name].provenance is Provenance.SYNTHETIC for name in suite.tasks}
    for synthetic in sorted(set(kinds.values())):
        part = [task for name, task in suite.tasks.items() if kinds[name] is synthetic]
        tabled = {
            (one.entry.id, task.name): found or {}
            for one in candidates
            for task in part
            if (found := one.scores(task)) is not None or one.printed(task, suite.name) is not None
        }
        there = [one for one in candidates if any((one.entry.id, task.name) in tabled for task in part)]
        modes = {one.mode for one in there if one.entry.kind is not Kind.PUBLISHED}
        modes |= {PLAIN} if published_alone and there else set()
        for mode in sorted(modes, key=_order):
            mine = list(_of_mode(there, mode))
            own = [one for one in mine if one.entry.kind is not Kind.PUBLISHED] or mine
            # where no cell of a task makes a number there is nothing to compare
            shown = [task for task in part if any(_has(one, task, tabled, suite) for one in own)]
            mine = [one for one in mine if any((one.entry.id, task.name) in tabled for task in shown)]
            if not shown:
                continue
            tasks = {
                task.name: _task_board(suite, task, mine, tabled, candidates, specs[task.name], across)
                for task in shown
            }
            entries = [one.entry for one in mine]
            by = basis(suite, entries, tasks, across)
            board = Board(
                id=_id(suite, mode, synthetic, len(set(kinds.values())) > 1),
                title=_title(suite, mode, synthetic),
                suite=suite.name,
                synthetic=synthetic,
                ranked_by=by.words + _unranked(entries),
                groups=tuple(dict.fromkeys(group for task in suite.tasks.values() for group in task.groups)),
                tasks=tasks,
                standings=standings(suite, entries, tasks, by, across, {one.entry.id: one.notes for one in mine}),
                left_out=left_out,
            )
            yield board, by.targets


def _has(one: Candidate, task: SuiteTask, tabled: Mapping[tuple[str, str], Mapping[str, Score]], suite: Suite) -> bool:
    """Whether an entry has a number on a task."""
    return bool(tabled.get((one.entry.id, task.name))) or one.printed(task, suite.name) is not None


def _of_mode(candidates: Sequence[Candidate], mode: Mode) -> Iterator[Candidate]:
    """The entries of a board, with the floors of plain zero-shot transfer where it has none of its own."""
    floors = any(one.mode == mode and one.entry.kind is Kind.FLOOR for one in candidates)
    for one in candidates:
        if one.mode == mode or (one.entry.kind is Kind.FLOOR and one.mode == PLAIN and not floors):
            yield one


def _task_board(
    suite: Suite,
    task: SuiteTask,
    mine: Sequence[Candidate],
    tabled: Mapping[tuple[str, str], Mapping[str, Score]],
    everyone: Sequence[Candidate],
    spec: TaskSpec,
    across: Collection[str],
) -> TaskBoard:
    scores = {one.entry.id: tabled.get((one.entry.id, task.name), {}) for one in mine}
    data: dict[str, list[str]] = {}
    for one in mine:
        for language, fingerprint in one.data(task.name).items():
            known = data.setdefault(language, [])
            if fingerprint not in known:
                known.append(fingerprint)
    floors: dict[str, float] = {}
    for one in everyone:
        if one.entry.kind is Kind.FLOOR:
            for language, score in tabled.get((one.entry.id, task.name), {}).items():
                floors[language] = max(floors.get(language, score.value), score.value)
    return TaskBoard(
        task=task.name,
        type=spec.type,
        metric=" + ".join(task.metrics),
        provenance=spec.provenance,
        languages=tuple(task.languages),
        data={language: " ".join(data[language]) for language in task.languages if language in data},
        floor={language: floors[language] for language in task.languages if language in floors},
        scores=scores,
        level={},
        over={
            one.entry.id: over(
                wanted(suite, one.entry.sources, across).tasks[task.name],
                one.entry,
                scores[one.entry.id],
                one.printed(task, suite.name),
            )
            for one in mine
        },
    )


def _order(mode: Mode) -> tuple[bool, str, int, int, str]:
    return mode != PLAIN, mode.strategy, mode.shots, mode.size or 0, mode.balance or ""


def _unranked(entries: Sequence[Entry]) -> str:
    kinds = {entry.kind for entry in entries}
    words = []
    if Kind.FLOOR in kinds:
        words.append("floors")
    if Kind.PUBLISHED in kinds:
        words.append("published figures (not run here, so that their evaluation data may be other)")
    return f". {' and '.join(words).capitalize()} stand where their score puts them, without a rank" if words else ""


def _id(suite: Suite, mode: Mode, synthetic: bool, mixed: bool) -> str:
    parts = [suite.name or OTHER, *_mode_words(mode, "k{}", "n{}"), *(["synthetic"] if synthetic and mixed else [])]
    return ".".join(part.casefold() for part in parts)


def _title(suite: Suite, mode: Mode, synthetic: bool) -> str:
    strategy, *others = _mode_words(mode, "k = {}", "{} training examples")
    words = [suite.name or "tasks of no suite", strategy.replace("_", "-"), *others]
    return ", ".join([*words, *(["synthetic data"] if synthetic else [])])


def _mode_words(mode: Mode, shots: str, size: str) -> list[str]:
    return [
        mode.strategy,
        *([shots.format(mode.shots)] if mode.shots else []),
        *([size.format(mode.size)] if mode.size else []),
        *([mode.balance] if mode.balance == "each" else []),
    ]
