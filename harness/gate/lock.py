"""Locks: committed files of the scores that a suite must hold, with the outcomes of every example beside them.

``NAME.json`` has one line a cell; ``NAME.outcomes.parquet`` what its scores were made of. The lock vouches for that
file with its sha256, and is written last. ``harness/schema/lock.json`` describes it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.gate.cell import Cell, Run
from harness.gate.outcomes import Held, pack, unpack
from harness.gate.policy import Choice, Rule
from harness.storage.atomic import write_whole

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = 2
FIELDS = ("data", "key", "main", "n", "provenance", "scores", "seed", "table", "target")


@dataclass(frozen=True, slots=True)
class Lock:
    """What is committed.

    Attributes:
        outcomes: by sha256 of the table and metric; empty where only scores are kept.
        note: what a reader must know of it.
        rules: the tolerances that the first schema held.
    """

    suite: str
    cells: tuple[Cell, ...]
    outcomes: Held = field(default_factory=dict)
    note: str = ""
    rules: tuple[Rule, ...] = ()


def outcomes_path(path: Path) -> Path:
    """Where the outcomes of a lock lie."""
    return path.with_suffix(".outcomes.parquet")


def read_lock(path: Path, with_outcomes: bool = True) -> Lock:
    """A lock, checked, with its outcomes.

    Args:
        with_outcomes: False leaves them unread, for who replaces them.

    Raises:
        HarnessError: it is missing, malformed, of a newer schema, holds what is no number or one cell twice, or the
            outcomes are not those that it was written with.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        schema = content["schema"]
        if schema == 1:
            lock = _first_schema(path, content)
        elif schema == SCHEMA:
            lock = Lock(content["suite"], tuple(_cell(entry) for entry in content["cells"]))
        else:
            raise HarnessError(f"{path}: schema {schema!r}; this harness knows {SCHEMA}: upgrade it")
    except OSError as error:
        raise HarnessError(
            f"{path}: no baseline can be read ({error.strerror}). A baseline is a lock file, as --update writes it, a "
            f"results folder, or mlflow:RUN_ID"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HarnessError(f"{path} is no baseline: {type(error).__name__}: {error}") from error
    _check(path, lock.cells)
    if schema == 1 or not with_outcomes:
        return lock
    return Lock(lock.suite, lock.cells, _read_outcomes(path, content["outcomes"]))


def write_lock(path: Path, lock: Lock) -> None:
    """Writes the outcomes, then the lock that vouches for them; equal locks are equal bytes.

    Raises:
        HarnessError: it holds nothing, what is no number, or one cell twice; or a file cannot be written.
    """
    _check(path, lock.cells)
    packed = pack(lock.outcomes)
    head = {"outcomes": hashlib.sha256(packed).hexdigest(), "schema": SCHEMA, "suite": lock.suite}
    lines = ",\n".join("  " + json.dumps(_entry(cell), sort_keys=True, ensure_ascii=False) for cell in lock.cells)
    text = json.dumps(head, indent=1)[:-2] + f',\n "cells": [\n{lines}\n ]\n}}\n'
    write_whole(outcomes_path(path), packed)
    write_whole(path, text.encode())


def _read_outcomes(path: Path, digest: str) -> Held:
    beside = outcomes_path(path)
    mend = f"restore it, or write both anew: harness check --baseline {path} --update"
    try:
        packed = beside.read_bytes()
    except OSError as error:
        raise HarnessError(f"{beside}: the lock's outcomes cannot be read ({error.strerror}); {mend}") from error
    if hashlib.sha256(packed).hexdigest() != digest:
        raise HarnessError(f"{beside} is not the file that {path.name} was written with; {mend}")
    try:
        return unpack(packed)
    except ValueError as error:
        raise HarnessError(f"{beside}: no outcomes can be read ({error}); {mend}") from error


def _check(path: Path, cells: Iterable[Cell]) -> None:
    seen = set()
    for cell in cells:
        where = f"{path}: {cell}"
        if cell.identity in seen:
            raise HarnessError(f"{where} stands there twice; one run must be chosen")
        seen.add(cell.identity)
        for metric, score in cell.scores.items():
            if isinstance(score, bool) or not isinstance(score, float | int) or not math.isfinite(score):
                raise HarnessError(f"{where}: the {metric} {score!r} is no number")


def _entry(cell: Cell) -> dict[str, Any]:
    return {**cell.run._asdict(), **{name: getattr(cell, name) for name in FIELDS}}


def _cell(entry: Mapping[str, Any]) -> Cell:
    run = Run(**{name: entry[name] for name in Run._fields})
    return Cell(run._replace(sources=tuple(run.sources)), **{name: entry[name] for name in FIELDS})


def _first_schema(path: Path, content: Mapping[str, Any]) -> Lock:
    """The first schema had one entry a number, tolerances of its own, and no outcomes."""
    cells: dict[object, Cell] = {}
    for entry in content["cells"]:
        scores = {entry["metric"]: entry["score"]}
        unknown = {"key": "", "main": entry["metric"], "provenance": "", "table": ""}
        cell = _cell({**entry, **unknown, "scores": scores})
        held = cells.setdefault(cell.identity, cell)
        if held is not cell:
            if not held.scores.keys().isdisjoint(scores):
                raise HarnessError(f"{path}: {cell}, {entry['metric']}: promised twice")
            cells[cell.identity] = _cell({**_entry(held), "scores": {**held.scores, **scores}})
    suite = str(content["suite"])
    note = (
        f"{path.name} is of schema 1 and holds scores alone, so tolerances decide alone; with the outcomes of examples:"
        f" harness check --baseline {path} --update --suite {suite}"
    )
    rules = tuple(Rule(Choice(metric=frozenset([name])), float(value)) for name, value in content["tolerance"].items())
    return Lock(suite, tuple(cells.values()), note=note, rules=rules)
