"""What the pages of tasks and models show, made ready for their templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.report.compared import compared, told
from harness.report.site.cells import Bests, Cell, bests, cells, other_seeds
from harness.report.site.order import Tongue, choices, families, ordered
from harness.report.site.standing import best_means, called, reason
from harness.report.site.words import common, differing, lacks, setting
from harness.report.values import Board, Entry, Kind, Over, Report, Standing, TaskBoard

Values = dict[str, Any]
STAGES = {"train": 0, "predict": 1, "score": 2}


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a task's page; ``seen`` are codes of the task's languages that pretraining contained."""

    entry: Entry
    setting: str
    over: Over
    best_mean: bool
    seen: str
    cells: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Column:
    """A task on a model's page; ``others`` are the folders of further seeds, ``mistakes`` how many are stored."""

    name: str
    file: str
    languages: tuple[str, ...]
    over: Over
    cells: Mapping[str, Cell]
    others: tuple[str, ...]
    mistakes: int


@dataclass(frozen=True, slots=True)
class Profile:
    """An entry on a board: its languages as rows, its tasks as columns."""

    board: Board
    standing: Standing
    ranked: int
    reason: str
    tongues: list[Tongue]
    choices: Mapping[str, list[str]]
    tasks: list[Column]


def task_page(board: Board, name: str, report: Report, page: Path) -> Values:
    """A task's page: its languages as columns, its entries as rows, whole means first and best first."""
    task = board.tasks[name]
    tongues = ordered(task.languages, report.languages)
    best, means = bests(task, report.entries), best_means(task, report)
    shown = compared(board, report.runs)
    present = [report.entries[one.entry] for one in board.standings if one.entry in shown and _has(task, one.entry)]
    shared = common(present)
    rows = [
        Row(
            entry=entry,
            setting=differing(entry, shared),
            over=task.over[entry.id],
            best_mean=entry.id in means,
            seen=" ".join(one.code for one in tongues if one.code in entry.seen),
            cells=cells(task, entry, best, page),
        )
        for entry in sorted(present, key=lambda one: _rank(task.over[one.id]))
    ]
    return {
        "board": board,
        "task": task,
        "name": name,
        "tongues": tongues,
        "names": {one.code: one.name for one in tongues},
        "families": families(tongues),
        "choices": choices(tongues),
        "known_seen": any(entry.seen for entry in present),
        "rows": rows,
        "told": told(board, report.runs),
        "shared": ", ".join(filter(None, shared.values())),
        "reasons": [(called(row.entry, row.setting), lacks(row.over)) for row in rows if row.over.mean is None],
        "flags": [
            (called(row.entry, row.setting), one.name, row.cells[one.code].flag)
            for row in rows
            for one in tongues
            if one.code in row.cells and row.cells[one.code].flag
        ],
        "published": [entry for entry in present if entry.kind is Kind.PUBLISHED],
    }


def model_page(
    entry: Entry,
    report: Report,
    files: Mapping[str, Mapping[str, str]],
    best: Mapping[str, Mapping[str, Bests]],
    mistakes: Callable[[str, str], int],
    page: Path,
) -> Values:
    """An entry's page: its profile on each of its boards, and what it cost.

    Args:
        best: by board and task, the best scores of own runs.
        mistakes: how many examples are stored beside the page, by board and task.
    """
    profiles = [
        _profile(entry, board, standing, report, files[board.id], best[board.id], mistakes, page)
        for board in report.boards
        for standing in board.standings
        if standing.entry == entry.id
    ]
    return {
        "entry": entry,
        "setting": setting(entry),
        "stages": sorted(entry.cost.seconds.items(), key=lambda one: STAGES.get(one[0], 9)) if entry.cost else [],
        "views": profiles,
        "flags": [
            (task.name, one.name, task.cells[one.code].flag)
            for profile in profiles
            for task in profile.tasks
            for one in profile.tongues
            if one.code in task.cells and task.cells[one.code].flag
        ],
    }


def _profile(
    entry: Entry,
    board: Board,
    standing: Standing,
    report: Report,
    files: Mapping[str, str],
    best: Mapping[str, Bests],
    mistakes: Callable[[str, str], int],
    page: Path,
) -> Profile:
    mine = {name: task for name, task in board.tasks.items() if _has(task, entry.id)}
    shown = {name: cells(task, entry, best[name], page) for name, task in mine.items()}
    tongues = ordered(dict.fromkeys(code for task in mine.values() for code in task.languages), report.languages)
    return Profile(
        board=board,
        standing=standing,
        ranked=sum(one.rank is not None for one in board.standings),
        reason=reason(standing, board),
        tongues=tongues,
        choices=choices(tongues),
        tasks=[
            Column(
                name=name,
                file=files[name],
                languages=task.languages,
                over=task.over[entry.id],
                cells=shown[name],
                others=other_seeds(shown[name].values()),
                mistakes=mistakes(board.id, name),
            )
            for name, task in mine.items()
        ],
    )


def _has(task: TaskBoard, id: str) -> bool:
    """Whether there is anything of an entry on a task: scores, or an average that was published without any."""
    over = task.over.get(id)
    return over is not None and (over.have > 0 or over.mean is not None)


def _rank(over: Over) -> tuple[bool, float, int]:
    """Sorts whole means first, best first."""
    return over.mean is None, -(over.mean or 0.0), -over.have
