"""A suite's board: what the store holds of a suite, one row a run, with the suite's averages and the harness's own.

A run is one model trained one way from one set of sources with one seed, on every task. What was trained otherwise is
another row, and what cannot be told apart is no number but a note.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.languages import language
from harness.runs import Run, differences, distinctions, flat, model_content, recipe, run_of, wanted, with_untrained
from harness.seen import UNKNOWN, YES, seen_languages, status
from harness.spec import Provenance, Suite
from harness.stats.averages import Headline, SuiteScores, Summary, by_language, headline, suite_scores, summarise
from harness.sweep import build
from harness.sweep.options import Options
from harness.tasktype import TASK_TYPES

if TYPE_CHECKING:
    import pandas as pd

    from harness.storage.store import Store


@dataclass(frozen=True, slots=True)
class Row:
    """A run's scores, native units.

    Attributes:
        options: what tells it from another row that is called the same.
        languages: by task and language, the mean over the suite's metrics.
        notes: why a task of it has no score though there are cells.
    """

    run: Run
    options: str
    scores: SuiteScores
    languages: Mapping[str, Mapping[str, float | None]]
    summaries: Mapping[str, Summary]
    headline: Headline
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """The rows of a suite.

    Attributes:
        provenance: by task, in the suite's order.
        left_out: why cells are on no board, and how many of them.
    """

    suite: Suite
    provenance: Mapping[str, Provenance]
    rows: tuple[Row, ...]
    left_out: Mapping[str, int]


class _Cell(NamedTuple):
    """A row of the long table, and what its job's weights were made of."""

    job: tuple[str, str]
    model: str
    row: Mapping[Any, Any]
    train: Mapping[str, Any]


@dataclass(slots=True)
class _Task:
    """The cells of a run on a task, and the recipes that they were made by, as flat values by predict key."""

    scores: dict[str, dict[str, float]]
    recipes: dict[str, dict[str, str]]


def board(store: Store, suite: Suite, frame: pd.DataFrame, options: Options) -> Board:
    """The board of a suite from (a part of) the store's long table, all metrics of it."""
    kept, left_out = _counted(suite, frame, store)
    runs, contents = _runs(kept)
    specs = {name: build.task(name, options.read("task", name), options) for name in suite.tasks}
    provenance = {name: spec.provenance for name, spec in specs.items()}
    across = {name for name, spec in specs.items() if (found := TASK_TYPES[spec.type].match) and not found.itself}
    jobs = {cell.model: cell.job for cell in kept}
    seen = {model: seen_languages(model, job, store, options) for model, job in jobs.items()}
    called = distinctions({run: contents[run.model_key] for run in runs})
    rows = (
        _row(wanted(suite, run.sources, across), run, called[run], tasks, seen[run.model], provenance)
        for run, tasks in runs.items()
    )
    return Board(suite, provenance, tuple(sorted(rows, key=lambda row: str(row.run))), left_out)


def _counted(suite: Suite, frame: pd.DataFrame, store: Store) -> tuple[list[_Cell], dict[str, int]]:
    """The suite's rows of the long table that count, with what their jobs trained by, and why how many cells do not."""
    kept: list[_Cell] = []
    left_out: dict[str, set[str]] = {}
    jobs: dict[tuple[str, str], Mapping[str, Any] | None] = {}
    limited = frame["limit"].notna()
    for row, limit in zip(frame.to_dict("records"), limited, strict=True):
        job = row["task"], row["predict_key"]
        if row["task"] not in suite.tasks or row["target"] not in suite.tasks[row["task"]].languages:
            continue
        if job not in jobs:
            record = store.read_job(*job)
            jobs[job] = record.spec["train"] if record is not None else None
        train = jobs[job]
        if limit:
            left_out.setdefault("run with a limit", set()).add(row["cell_key"])
        elif row["touches"] == "dev":
            left_out.setdefault("of runs that looked at the targets' dev", set()).add(row["cell_key"])
        elif train is None:
            left_out.setdefault("of jobs that did not end; run them again", set()).add(row["cell_key"])
        else:
            kept.append(_Cell(job, row["model"], row, train))
    return kept, {why: len(cells) for why, cells in left_out.items()}


def _runs(cells: Iterable[_Cell]) -> tuple[dict[Run, dict[str, _Task]], dict[str, dict[str, str]]]:
    """The cells by run and task, and what each model key stands for."""
    runs: dict[Run, dict[str, _Task]] = {}
    contents: dict[str, dict[str, str]] = {}
    for cell in cells:
        row = cell.row
        run = run_of(
            cell.train,
            model=cell.model,
            strategy=row["strategy"],
            sources=tuple(row["sources"].split("+")),
            seed=row["seed"],
            shots=row["shots"],
            touches=row["touches"],
        )
        contents[run.model_key] = flat(model_content(cell.train))
        task = runs.setdefault(run, {}).setdefault(row["task"], _Task({}, {}))
        task.scores.setdefault(row["target"], {})[row["metric"]] = row["score"]
        task.recipes[row["predict_key"]] = flat(recipe(cell.train, run.sources))
    return with_untrained(runs), contents


def _row(
    suite: Suite,
    run: Run,
    options: str,
    tasks: Mapping[str, _Task],
    seen: frozenset[str],
    provenance: Mapping[str, Provenance],
) -> Row:
    notes = []
    scores = {}
    for name, task in tasks.items():
        several = differences(task.recipes.values())
        if several:
            what = "; ".join(f"{field} ({' or '.join(values)})" for field, values in several.items())
            keys = ", ".join(sorted(task.recipes))
            notes.append(
                f"{name}: several runs, which differ in {what}: remove all but one of {keys}, or narrow --where"
            )
        else:
            scores[name] = task.scores
    languages = {name: by_language(task, scores.get(name, {})) for name, task in suite.tasks.items()}
    families = {code: language(code).family for found in languages.values() for code in found}
    known = {code: told == YES for code in families if (told := status(code, seen)) != UNKNOWN}
    summaries = {name: summarise(found, run.sources, families, known) for name, found in languages.items()}
    return Row(
        run=run,
        options=options,
        scores=suite_scores(suite, scores),
        languages=languages,
        summaries=summaries,
        headline=headline(summaries, provenance),
        notes=tuple(notes),
    )
