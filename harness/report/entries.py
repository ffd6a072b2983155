"""The lines of the boards: every run over its seeds, with a name of its own and what it cost."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.report.cells import Number, Spent, Stored, many
from harness.report.settled import Data, Settled, seeds_of, settle
from harness.report.values import Cost, Entry, Kind, Score
from harness.runs import Run, distinctions, with_untrained
from harness.seen import seen_languages
from harness.sweep.keys import digest
from harness.sweep.options import Options

FLOORS = ("majority", "chance")
"""Families that learn nothing."""

MANY = 3  # sources that a name spells out


@dataclass(frozen=True, slots=True)
class Line:
    """An entry with its numbers.

    Attributes:
        tasks: by task, what its numbers are of.
    """

    entry: Entry
    run: Run
    tasks: Mapping[str, Settled]
    notes: tuple[str, ...]


def lines(stored: Stored, data: Data, options: Options) -> list[Line]:
    """Every run of the stores over its seeds, sorted by name.

    Args:
        data: by task, target and sources, the fingerprint of the evaluation data that counts.
    """
    runs = with_untrained(stored.runs)
    told = distinctions({run: stored.models[run.model_key] for run in runs})
    ids = _ids(runs, told)
    seen = {
        model: seen_languages(model, (task, key), store, options) for model, (store, task, key) in stored.jobs.items()
    }
    found = []
    for run, parts in runs.items():
        settled = {task: settle(task, part, run.sources, data) for task, part in parts.items()}
        seeds, notes = seeds_of(settled)
        entry = Entry(
            id=ids[run],
            model=run.model,
            kind=Kind.FLOOR if stored.models[run.model_key]["model.family"] in FLOORS else Kind.RUN,
            strategy=run.strategy,
            sources=run.sources,
            shots=run.shots,
            size=run.size,
            options=told[run],
            seeds=seeds,
            protocol="",
            origin="",
            seen=seen[run.model],
            cost=_cost(stored.spent, run),
        )
        told_of = [note for one in settled.values() for note in one.notes]
        other = sum(one.other_data for one in settled.values())
        told_of += [f"{many(other)} on other evaluation data than the board's: run them again"] if other else []
        found.append(Line(entry, run, settled, (*told_of, *notes)))
    return sorted(found, key=lambda line: line.entry.id)


def scores(settled: Settled, columns: Collection[int]) -> dict[str, Score]:
    """By language, the mean over the seeds of the mean over some metrics; without the languages that lack one.

    Args:
        columns: the metrics' places in a cell.
    """
    found = {}
    for target, seeds in settled.cells.items():
        values, numbers = [], []
        for cell in seeds.values():
            numbers = [number for place in columns if (number := cell.numbers[place]) is not None]
            if len(numbers) == len(columns):
                values.append(sum(number.value for number in numbers) / len(numbers))
        if len(values) == len(seeds):
            alone = numbers[0] if len(seeds) == len(columns) == 1 else Number(0.0, None, None)
            mean = sum(values) / len(values)
            found[target] = Score(
                value=mean,
                low=alone.low,
                high=alone.high,
                spread=_deviation(values, mean),
                n=next(iter(seeds.values())).n,
                records=tuple(cell.path for cell in seeds.values()),
            )
    return found


def _deviation(values: list[float], mean: float) -> float | None:
    """The standard deviation over the seeds, with n - 1."""
    if len(values) < 2:
        return None
    return math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))


def _cost(spent: Mapping[Run, Spent], run: Run) -> Cost:
    """What a run's own jobs took, and what its model took for what it does without training."""
    base = replace(run, seed=None, size=None, balance=None)
    return summed([spent[one] for one in dict.fromkeys((run, base)) if one in spent])


def summed(parts: Sequence[Spent | Cost]) -> Cost:
    """What several took together."""
    return Cost(
        seconds={
            stage: sum(part.seconds.get(stage, 0) for part in parts) for stage in _names(p.seconds for p in parts)
        },
        tokens={kind: sum(part.tokens.get(kind, 0) for part in parts) for kind in _names(p.tokens for p in parts)},
        parameters=max((part.parameters for part in parts if part.parameters is not None), default=None),
    )


def _names(counters: Iterable[Mapping[str, float]]) -> list[str]:
    return list(dict.fromkeys(name for counter in counters for name in counter))


def _ids(runs: Iterable[Run], told: Mapping[Run, str]) -> dict[Run, str]:
    """A short name for each run, unique; what it needs not say it does not."""
    named: dict[str, list[Run]] = {}
    for run in runs:
        named.setdefault(name_of(run), []).append(run)
    return {
        run: name if len(alike) == 1 else f"{name}.{digest([told[run], str(run)])[:6]}"
        for name, alike in named.items()
        for run in alike
    }


def name_of(run: Run) -> str:
    """A run's name for links and files; other runs may have the same."""
    several = len(run.sources) > MANY
    parts = [
        run.model,
        "" if run.strategy == "zero_shot" else run.strategy,
        f"{len(run.sources)}-sources-{digest(run.sources)[:4]}" if several else "-".join(run.sources),
        f"k{run.shots}" if run.shots else "",
        f"n{run.size}" if run.size else "",
        run.balance if run.balance == "each" else "",
    ]
    return ".".join(slug(part) for part in parts if part)


def slug(text: str) -> str:
    """``text`` in ``a-z0-9_-`` alone, so that it may stand in a link and in a file's name."""
    return re.sub(r"[^a-z0-9_-]+", "-", text.casefold()).strip("-") or "x"
