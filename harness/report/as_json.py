"""The report as plain values for machines, native units; ``harness/schema/report.json`` describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from harness.report.values import Board, Entry, Report, Score, TaskBoard

SCHEMA = 1
DIGITS = 6
SHOWN = ("value", "low", "high", "spread", "n")


def as_json(report: Report) -> dict[str, Any]:
    """Everything but the paths of records. Scores stand in lists by language, in the order of the task's languages."""
    return {
        "schema": SCHEMA,
        "title": report.title,
        "made": report.made,
        "revision": report.revision,
        "versions": dict(report.versions),
        "languages": {code: dict(about) for code, about in report.languages.items()},
        "methods": {section: dict(terms) for section, terms in report.methods.items()},
        "entries": {name: _entry(entry) for name, entry in report.entries.items()},
        "boards": [_board(board) for board in report.boards],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {**asdict(entry), "kind": entry.kind.value, "seen": sorted(entry.seen)}


def _board(board: Board) -> dict[str, Any]:
    return {
        "id": board.id,
        "title": board.title,
        "suite": board.suite,
        "synthetic": board.synthetic,
        "ranked_by": board.ranked_by,
        "groups": list(board.groups),
        "left_out": dict(board.left_out),
        "standings": [_rounded(asdict(one)) for one in board.standings],
        "tasks": {name: _task(task) for name, task in board.tasks.items()},
    }


def _task(task: TaskBoard) -> dict[str, Any]:
    return {
        "type": task.type,
        "metric": task.metric,
        "provenance": task.provenance.value,
        "languages": list(task.languages),
        "data": dict(task.data),
        "floor": _rounded(task.floor),
        "level": {code: sorted(entries) for code, entries in task.level.items()},
        "over": {entry: _rounded(asdict(one)) for entry, one in task.over.items()},
        "scores": {entry: _scores(task, scores) for entry, scores in task.scores.items() if scores},
    }


def _scores(task: TaskBoard, scores: Mapping[str, Score]) -> dict[str, Any]:
    """Lists of values, bounds, spreads and examples; those that are null throughout are left out."""
    lists = {
        name: [_round(getattr(scores[code], name)) if code in scores else None for code in task.languages]
        for name in SHOWN
    }
    flags = {code: one.flag for code, one in scores.items() if one.flag}
    kept: dict[str, Any] = {name: found for name, found in lists.items() if any(one is not None for one in found)}
    return kept | ({"flags": flags} if flags else {})


def _rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _rounded(value) if isinstance(value, Mapping) else _round(value) for name, value in values.items()}


def _round(value: Any) -> Any:
    return round(value, DIGITS) if isinstance(value, float) else value
