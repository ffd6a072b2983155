"""What the scripts read: files that hand one value to ``report.put``, since a page from disk may not fetch."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from harness.report.site.order import Known, ordered
from harness.report.site.words import percent, setting
from harness.report.values import Board, Mistake, Pairs, Report, TaskBoard

STEPS = 65535  # 0 is unknown


def write(path: Path, name: str, value: Any) -> None:
    """Writes a script that puts ``value`` under ``name``."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    # a file of its own, so nothing in it can close a tag; escaped all the same, should one paste it into a page
    path.write_text(f"report.put({json.dumps(name)},{text.replace('<', chr(92) + 'u003c')})\n", encoding="utf-8")


def board_value(board: Board, report: Report, files: Mapping[str, str], paired: Iterable[str]) -> dict[str, Any]:
    """A board for the comparison: entries, languages and scores; ``paired`` are the tasks with standard errors."""
    with_errors = set(paired)
    ids = [standing.entry for standing in board.standings]
    codes = dict.fromkeys(code for task in board.tasks.values() for code in task.languages)
    known = {code: report.languages.get(code, {}) for code in codes}
    return {
        "title": board.title,
        "entries": [
            {
                "id": id,
                "name": report.entries[id].model,
                "setting": setting(report.entries[id]),
                "kind": report.entries[id].kind.value,
            }
            for id in ids
        ],
        "languages": {
            code: [facts.get("name") or code, facts.get("family") or "", facts.get("script") or ""]
            for code, facts in known.items()
        },
        "tasks": [
            {"name": name, "file": files[name], "paired": name in with_errors} | _scores(task, ids, report)
            for name, task in board.tasks.items()
        ],
    }


def _scores(task: TaskBoard, ids: Iterable[str], report: Report) -> dict[str, Any]:
    codes = [one.code for one in ordered(task.languages, report.languages)]
    rows = [task.scores.get(id, {}) for id in ids]
    return {
        "languages": codes,
        "scores": [[_short(row[code].value) if code in row else None for code in codes] for row in rows],
    }


def _short(value: float) -> float:
    """``value`` to seven digits, unless it would then read differently."""
    short = round(value, 7)
    return short if percent(short) == percent(value) else value


def pairs_value(pairs: Iterable[Pairs], places: Mapping[str, int]) -> dict[str, Any]:
    """Standard errors by language: the places of the entries, the largest error, and the upper triangle in 16 bits.

    Args:
        places: of the entries in the board's file.
    """
    return {one.language: _packed(one, places) for one in pairs if len(one.entries) > 1}


def _packed(one: Pairs, places: Mapping[str, int]) -> list[Any]:
    above = one.error[np.triu_indices(len(one.entries), 1)]
    known = np.isfinite(above)
    most = float(above[known].max()) if known.any() else 0.0
    scale = STEPS / most if most > 0 else 0.0
    steps = np.where(known, np.clip(np.rint(np.nan_to_num(above) * scale), 1, STEPS), 0).astype("<u2")
    return [[places[id] for id in one.entries], most, base64.b64encode(steps.tobytes()).decode("ascii")]


def mistakes_value(mistakes: Iterable[Mistake], known: Known, texts: dict[str, list[str]]) -> list[list[str]]:
    """Mistakes as rows: language, example, prediction.

    Args:
        texts: takes up the text and the gold answer of each example, which other entries got wrong too.
    """
    rows = []
    for one in mistakes:
        language = known.get(one.language, {}).get("name") or one.language
        texts[f"{language} {one.example}"] = [one.text, one.gold]
        rows.append([language, one.example, one.prediction])
    return rows
