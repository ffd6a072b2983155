"""Baselines: committed files of promised numbers, made from the store and read back with every doubt removed."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from harness.atomic import write_whole
from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from harness.store import CellRecord, Store

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One number of a baseline: which cell it is of, and what it was made from.

    Attributes:
        metric: full signature.
        score: in the metric's native unit.
        n: examples.
        data: fingerprint of the evaluation data.
    """

    task: str
    model: str
    strategy: str
    sources: tuple[str, ...]
    target: str
    seed: int
    shots: int
    size: int | None
    metric: str
    score: float
    n: int
    data: str

    @property
    def cell(self) -> tuple[object, ...]:
        """What the cell in the store is found by."""
        return (self.task, self.model, self.strategy, self.sources, self.target, self.seed, self.shots, self.size)


@dataclass(frozen=True, slots=True)
class Baseline:
    """A baseline file: promises, and how far each metric (by its short name) may fall."""

    name: str
    suite: str
    tolerance: Mapping[str, float]
    promises: tuple[Promise, ...]


def read_baseline(path: Path) -> Baseline:
    """A baseline file, checked.

    Raises:
        HarnessError: it is missing, malformed, of a newer schema, promises what is no number, promises one number
            twice, or names a metric without a tolerance.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            raise HarnessError(f"{path}: schema {content['schema']}; this harness knows {SCHEMA}")
        promises = tuple(Promise(**{**cell, "sources": tuple(cell["sources"])}) for cell in content["cells"])
        baseline = Baseline(path.stem, content["suite"], dict(content["tolerance"]), promises)
    except OSError as error:
        raise HarnessError(
            f"{path}: no baseline can be read ({error.strerror}). `harness check` wants a file"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise HarnessError(f"{path} is no baseline: {type(error).__name__}: {error}") from error
    _check(path, baseline)
    return baseline


def _check(path: Path, baseline: Baseline) -> None:
    for name, tolerance in baseline.tolerance.items():
        if not _finite(tolerance) or tolerance < 0:
            raise HarnessError(f"{path}: the tolerance of {name} is {tolerance}; it must be a number of at least 0")
    seen = set()
    for promise in baseline.promises:
        where = f"{path}: {promise.task}, {promise.model}, {promise.target}, {promise.metric}"
        if not _finite(promise.score):
            raise HarnessError(f"{where}: the score {promise.score} is no number")
        if short_name(promise.metric) not in baseline.tolerance:
            raise HarnessError(f"{where}: no tolerance for {short_name(promise.metric)}; add one")
        if (promise.cell, promise.metric) in seen:
            raise HarnessError(f"{where}: promised twice")
        seen.add((promise.cell, promise.metric))


def write_baseline(
    store: Store,
    path: Path,
    suite: str,
    tolerance: Mapping[str, float],
    keep: Callable[[CellRecord], bool] = lambda _: True,
) -> Baseline:
    """Promises every stored score whose metric has a tolerance; cells with a ``limit`` are left out.

    Raises:
        HarnessError: there is nothing to promise, two runs give one number, a cell's main metric has no tolerance, or
            the file cannot be written.
    """
    promises = []
    for cell in store.cells():
        if cell.limit is None and keep(cell):
            if short_name(cell.main_metric) not in tolerance:
                raise HarnessError(
                    f"no tolerance for {short_name(cell.main_metric)}, the main metric of {cell.task}: add one"
                )
            promises += [_promise(cell, metric) for metric in sorted(cell.scores) if short_name(metric) in tolerance]
    if not promises:
        raise HarnessError(f"{path}: no stored cell fits (cells with a limit do not count). Run the suite first")
    baseline = Baseline(path.stem, suite, dict(tolerance), tuple(promises))
    _check(path, baseline)
    content = {
        "schema": SCHEMA,
        "suite": suite,
        "tolerance": baseline.tolerance,
        "cells": [asdict(one) for one in promises],
    }
    write_whole(path, (json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode())
    return baseline


def _promise(cell: CellRecord, metric: str) -> Promise:
    return Promise(
        task=cell.task,
        model=cell.model,
        strategy=cell.strategy,
        sources=cell.sources,
        target=cell.target,
        seed=cell.seed,
        shots=cell.shots,
        size=cell.size,
        metric=metric,
        score=cell.scores[metric]["score"],
        n=cell.n,
        data=cell.data,
    )


def short_name(metric: str) -> str:
    """The metric's name without its settings, which tolerances go by."""
    return metric.split("|", 1)[0]


def _finite(value: object) -> bool:
    return isinstance(value, float | int) and math.isfinite(value)
