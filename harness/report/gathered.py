"""The report of any number of stores: entries, boards and what is known of languages, metrics and data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness import scoring
from harness.errors import HarnessError
from harness.languages import language
from harness.report import cells, methods
from harness.report import published as published_figures
from harness.report.boards import PLAIN, Candidate, Mode, boards
from harness.report.entries import Line, lines, scores
from harness.report.floors import merged
from harness.report.settled import evaluation_data
from harness.report.significance import measured
from harness.report.values import Board, Kind, Report, Score
from harness.spec import Suite, SuiteTask, TaskSpec
from harness.storage.records import now
from harness.storage.store import Store
from harness.suites import read_suite
from harness.sweep import build
from harness.sweep.options import Options, suites_of
from harness.tasktype import TASK_TYPES


def gather(
    stores: Sequence[Path],
    options: Options,
    *,
    suites: Sequence[str] | None = None,
    published: Sequence[Path] = (),
    where: Sequence[str] = (),
    paired: bool = True,
) -> Report:
    """Everything that the stores hold of some suites, and published figures beside it.

    Args:
        suites: all that a stored task belongs to, unless named; tasks of no suite have a board of their own.
        published: files of published figures.
        where: ``column=value`` conditions, as `harness scores` takes them.
        paired: reads the tables of examples too, for marks and the intervals of means; without them no more than
            the records is read.

    Raises:
        HarnessError: nothing counts; the message says why, and what to do.
    """
    stored_tasks = dict.fromkeys(task for root in stores for task, _ in Store(root).jobs())
    chosen, unknown = _suites(stored_tasks, options, suites)
    specs = {name: build.task(name, options.read("task", name), options) for one in chosen for name in one.tasks}
    across = {name for name, spec in specs.items() if (found := TASK_TYPES[spec.type].match) and not found.itself}
    metrics: dict[str, tuple[str, ...]] = {}
    for suite in chosen:
        for name, task in suite.tasks.items():
            metrics[name] = tuple(dict.fromkeys((*metrics.get(name, ()), *task.metrics)))
    stored = cells.read(stores, metrics, options, where)
    data = evaluation_data(stored, {name for name, spec in specs.items() if TASK_TYPES[spec.type].match})
    own = merged(lines(stored, data, options))
    candidates = [_candidate(line, metrics) for line in own]
    figures = published_figures.read(published, options)
    candidates += [
        Candidate(entry, PLAIN, source.scores, source.printed, lambda _: {}, ())
        for entry, source in zip(published_figures.entries(figures), figures, strict=True)
    ]
    alone = suites is not None
    made = tuple(_boards(chosen, candidates, own, specs, across, stored, published_alone=alone, paired=paired))
    if not made:
        raise HarnessError(_empty(stores, stored, own, where, unknown))
    shown = {standing.entry for board in made for standing in board.standings}
    if silent := _silent(stores, own, shown, unknown):
        made = tuple(replace(board, left_out={**board.left_out, **silent}) for board in made)
    codes = {code for board in made for task in board.tasks.values() for code in task.languages}
    codes |= {source for one in candidates if one.entry.id in shown for source in one.entry.sources}
    return Report(
        title="Leaderboard",
        made=now(),
        revision=methods.revision(),
        entries={one.entry.id: one.entry for one in candidates if one.entry.id in shown},
        boards=tuple(sorted(made, key=lambda board: board.synthetic)),
        languages={code: _language(code) for code in sorted(codes)},
        methods=methods.methods(made, specs),
        versions={package: ", ".join(sorted(found)) for package, found in sorted(stored.versions.items())},
    )


def _suites(
    stored: Mapping[str, None], options: Options, named: Sequence[str] | None
) -> tuple[list[Suite], tuple[str, ...]]:
    """The suites that the report is about, and stored tasks that no configuration knows."""
    if named is not None:
        return [read_suite(name, options) for name in named], ()
    known = suites_of(options)
    names = [name for name in options.names("suite") if any(name in known.get(task, ()) for task in stored)]
    found = [read_suite(name, options) for name in names]
    configured = options.names("task")
    alone = [task for task in stored if task not in known and task in configured]
    if alone:
        specs = [build.task(name, options.read("task", name), options) for name in alone]
        found.append(Suite("", {spec.name: _alone(spec) for spec in specs}))
    return found, tuple(task for task in stored if task not in known and task not in configured)


def _alone(spec: TaskSpec) -> SuiteTask:
    """A task that no suite names: all of its languages, its main metric."""
    return SuiteTask(spec.name, dict(spec.languages), scoring.signatures(spec)[:1])


def _candidate(line: Line, metrics: Mapping[str, Sequence[str]]) -> Candidate:
    known: dict[tuple[str, tuple[str, ...]], dict[str, Score]] = {}

    def of(task: SuiteTask) -> Mapping[str, Score] | None:
        settled = line.tasks.get(task.name)
        if settled is None:
            return None
        key = task.name, task.metrics
        if key not in known:
            known[key] = scores(settled, [metrics[task.name].index(signature) for signature in task.metrics])
        return {code: known[key][code] for code in task.languages if code in known[key]}

    def fingerprints(task: str) -> dict[str, str]:
        settled = line.tasks.get(task)
        return {} if settled is None else {code: _fingerprint(seeds) for code, seeds in settled.cells.items()}

    run = line.run
    mode = Mode(run.strategy, run.shots, run.size, run.balance)
    return Candidate(line.entry, mode, of, lambda _, __: None, fingerprints, line.notes)


def _fingerprint(seeds: Mapping[int | None, cells.Cell]) -> str:
    """Of the evaluation data, which all seeds share."""
    return next(iter(seeds.values())).data


def _boards(
    suites: Sequence[Suite],
    candidates: Sequence[Candidate],
    own: Sequence[Line],
    specs: Mapping[str, TaskSpec],
    across: set[str],
    stored: cells.Stored,
    *,
    published_alone: bool,
    paired: bool,
) -> list[Board]:
    found: list[Board] = []
    runs = {one.entry.id for one in candidates if one.entry.kind is Kind.RUN}
    for suite in suites:
        out: Counter[str] = Counter()
        for (task, why), count in stored.left_out.items():
            if task in suite.tasks:
                out[why] += count
        beyond = sum(
            len(line.tasks[name].cells.keys() - task.languages.keys())
            for line in own
            for name, task in suite.tasks.items()
            if name in line.tasks
        )
        if beyond:
            out["in languages that the suite does not count"] += beyond
        for board, targets in boards(suite, candidates, specs, across, dict(out), published_alone):
            found.append(measured(board, targets, runs) if paired else board)
    return found


def _silent(
    stores: Sequence[Path], own: Sequence[Line], shown: Collection[str], unknown: Sequence[str]
) -> dict[str, int]:
    """Cells that no board would say anything of, by reason: of unknown tasks, and of entries without any number."""
    out: Counter[str] = Counter()
    for root in stores:
        for task, key in Store(root).jobs():
            if task in unknown:
                out[f"of {task}, which no configuration names: pass --config-dir"] += len(
                    Store(root).targets(task, key)
                )
    for line in own:
        if line.entry.id not in shown:
            told = "; ".join(line.notes) or "it has no language of the suite"
            out[f"of {line.entry.id}: {told}"] += sum(one.held for one in line.tasks.values())
    return dict(out)


def _empty(
    stores: Sequence[Path], stored: cells.Stored, own: Sequence[Line], where: Sequence[str], unknown: Sequence[str]
) -> str:
    named = ", ".join(map(str, stores))
    out: Counter[str] = Counter()
    for (_, why), count in stored.left_out.items():
        out[why] += count
    told = [f"left out: {cells.many(count)} {why}" for why, count in out.items()]
    told += [f"{line.entry.id}: {note}" for line in own for note in line.notes]
    told += [f"no cell fits --where {' and '.join(where)}"] if where and not own else []
    told += [f"no configuration of {', '.join(unknown)}: pass --config-dir"] if unknown else []
    return f"{named}: nothing to report; {'; '.join(told) or '`harness run` makes results'}"


def _language(code: str) -> dict[str, str]:
    one = language(code)
    return {"name": one.name, "family": one.family, "branch": one.branch, "script": one.script}
