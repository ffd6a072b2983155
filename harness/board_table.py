"""What `harness scores --suite NAME` prints: the board of a suite, scores x 100."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from harness.board import Board, Row, board
from harness.storage.store import Store
from harness.suites import read_suite
from harness.sweep.options import Options
from harness.tables import console, misfits, narrowed, stored

SHOWN = 8  # languages named in a note
OWN = ("mean", "without_sources", "family_macro", "worst")


def show(results: Path, suite: str, where: Sequence[str], config_dir: Path | None, form: str) -> None:
    """Prints a suite's board.

    Args:
        where: as for the long table; what is narrowed away is missing.
        form: ``table``, ``csv`` (a row a run) or ``json`` (with every language too).

    Raises:
        HarnessError: there is no such suite, an unknown column, or no store.
    """
    options = Options.beside(config_dir)
    wanted = read_suite(suite, options)
    store = Store(results)
    every = stored(results, options, lambda cell: cell.task in wanted.tasks)
    frame = narrowed(every, where)
    for line in misfits(every, where) if where else ():
        click.echo(f"harness: {line}", err=True)
    found = board(store, wanted, frame, options)
    if form == "json":
        json.dump(as_json(found), sys.stdout, indent=1, ensure_ascii=False)
        sys.stdout.write("\n")
    elif form == "csv":
        rows = [dict(_flat(row)) for row in as_json(found)["rows"]]
        rows = [{name: value for name, value in row.items() if ".languages." not in name} for row in rows]
        writer = csv.DictWriter(sys.stdout, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)
    else:
        _print(found)


def as_json(found: Board) -> dict[str, Any]:
    """The board as plain values, scores x 100; null where a number would be the mean of something else."""
    return {
        "suite": found.suite.name,
        "provenance": {task: provenance.value for task, provenance in found.provenance.items()},
        "left_out": dict(found.left_out),
        "rows": [_row(row, found) for row in found.rows],
    }


def _row(row: Row, found: Board) -> dict[str, Any]:
    run = {name: value for name, value in asdict(row.run).items() if name != "model_key"}
    run["sources"] = list(row.run.sources)
    tasks = {}
    for name, task in row.scores.tasks.items():
        own = asdict(row.summaries[name])
        plain = {key: own.pop(key) for key in ("worst_language", "unknown")}
        tasks[name] = {
            "score": _percent(task.score),
            "provenance": found.provenance[name].value,
            "have": task.have,
            "want": task.want,
            "missing": list(task.missing),
            "metrics": {signature: _percent(mean) for signature, mean in task.means.items()},
            **{key: _percent(value) for key, value in own.items()},
            **plain,
            "languages": {language: _percent(score) for language, score in row.languages[name].items()},
        }
    return {
        **run,
        "options": row.options,
        "overall": _percent(row.scores.overall),
        "have": sum(task.have for task in row.scores.tasks.values()),
        "want": sum(task.want for task in row.scores.tasks.values()),
        "groups": {group: _percent(score) for group, score in row.scores.groups.items()},
        "headline": {name: _percent(getattr(row.headline, name)) for name in OWN}
        | {"left_out": {task: provenance.value for task, provenance in row.headline.left_out.items()}},
        "tasks": tasks,
        "notes": list(row.notes),
    }


def _print(found: Board) -> None:
    rows = as_json(found)["rows"]
    wide = console()
    if not rows:
        wide.print(f"no cell of {found.suite.name} fits")
    else:
        wide.print(_suites_own(rows, found), _provenance(found), _harness_own(rows, found), sep="\n")
        for text in _notes(rows, found):
            wide.print(text)
    for why, count in found.left_out.items():
        wide.print(f"left out: {count} cells {why}")


def _suites_own(rows: Sequence[Mapping[str, Any]], found: Board) -> Table:
    groups = list(rows[0]["groups"])
    table = _table(f"{found.suite.name}, by its own rule; scores x 100", rows)
    for name in ("overall", *groups, *found.suite.tasks, "languages"):
        table.add_column(name, justify="right")
    for row in rows:
        scores = [row["overall"], *row["groups"].values(), *(task["score"] for task in row["tasks"].values())]
        table.add_row(*_run(row, rows), *map(_text, scores), f"{row['have']}/{row['want']}")
    return table


def _provenance(found: Board) -> str:
    """Which tasks are of which kind, in one line."""
    kinds: dict[str, list[str]] = {}
    for task, kind in found.provenance.items():
        kinds.setdefault(kind.value, []).append(task)
    return "provenance: " + "; ".join(f"{kind}: {', '.join(tasks)}" for kind, tasks in kinds.items())


def _harness_own(rows: Sequence[Mapping[str, Any]], found: Board) -> Table:
    """By task, where there is a number, and over the tasks that may stand in one."""
    table = _table("what one mean hides", rows)
    for name in ("task", "provenance"):
        table.add_column(name)
    for name in ("mean", "without sources", "family macro", "worst", "language", "seen", "unseen", "unknown"):
        table.add_column(name, justify="left" if name == "language" else "right")
    for row in rows:
        for name, task in row["tasks"].items():
            numbers = [_text(task[key]) for key in OWN]
            if any(task[key] is not None for key in (*OWN, "seen", "unseen")):
                seen = [_text(task["seen"]), _text(task["unseen"]), str(task["unknown"])]
                kind = found.provenance[name].value
                table.add_row(*_run(row, rows), name, kind, *numbers, task["worst_language"] or "", *seen)
        out = row["headline"]["left_out"]
        kind = f"without {', '.join(f'{task} ({kind})' for task, kind in out.items())}" if out else ""
        numbers = [_text(row["headline"][key]) for key in OWN]
        table.add_row(*_run(row, rows), "all tasks", kind, *numbers, "", "", "", "")
    return table


def _notes(rows: Sequence[Mapping[str, Any]], found: Board) -> Iterator[str]:
    """What keeps the overall scores from being numbers, and what a row leaves unsaid; alike ones together."""
    told: dict[str, list[str]] = {}
    for row in rows:
        name = " ".join(filter(None, _run(row, rows)))
        for note in row["notes"]:
            told.setdefault(note, []).append(name)
        for task, own in row["tasks"].items():
            told_why = any(note.startswith(f"{task}: ") for note in row["notes"])
            if own["missing"] and not told_why:
                some = ", ".join(own["missing"][:SHOWN]) + (" ..." if len(own["missing"]) > SHOWN else "")
                if own["have"]:
                    what = f"no {' + '.join(found.suite.tasks[task].metrics)} of {some}"
                    note = f"{task} has {own['have']} of {own['want']} languages: {what}"
                elif others := _ran_from(task, row, rows):
                    note = f"no overall score without {task}, which ran from {', '.join(others)} only"
                else:
                    note = f"no overall score without {task}, which has no score from {'+'.join(row['sources'])}"
                told.setdefault(note, []).append(name)
    for note, names in told.items():
        where = f"{len(names)} rows" if len(names) > 1 else names[0]
        yield f"{where}: {note}"


def _ran_from(task: str, row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The sources of the rows that have a task, and are of the same model and strategy as a row that lacks it."""
    same = [one for one in rows if all(one[name] == row[name] for name in ("model", "strategy", "shots"))]
    found = {"+".join(one["sources"]) for one in same if one["tasks"][task]["have"]}
    return sorted(found - {"+".join(row["sources"])})


def _table(title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in ("model", "strategy", "sources", "seed", *_where_given(rows)):
        table.add_column(name, justify="right" if name in ("seed", "shots", "size") else "left")
    return table


def _run(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The cells that say whose scores a row holds."""
    seed = "-" if row["seed"] is None else str(row["seed"])
    given = ["" if row[name] is None else str(row[name]) for name in _where_given(rows)]
    return [row["model"], row["strategy"], "+".join(row["sources"]), seed, *given]


def _where_given(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Columns that tell rows apart in few stores only."""
    return [name for name in ("shots", "size", "balance", "options") if any(row[name] for row in rows)]


def _flat(content: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(content, Mapping):
        for key, value in content.items():
            yield from _flat(value, f"{prefix}{key}.")
    else:
        yield prefix.rstrip("."), "+".join(map(str, content)) if isinstance(content, list) else content


def _percent(score: float | None) -> float | None:
    return None if score is None else 100 * score


def _text(score: float | None) -> str:
    return "-" if score is None else f"{score:.1f}"
