"""The analysis at the end of a sweep: what of it can be analysed, whether that is done already, and the doing."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import studied
from harness.analysis.request import Request
from harness.errors import HarnessError, nearest
from harness.launch.summary import say
from harness.storage.atomic import write_whole
from harness.strategies.base import touches
from harness.sweep.compose import Sweep
from harness.sweep.keyed import Keyed, missing
from harness.sweep.keys import digest
from harness.sweep.plan import Plan

log = logging.getLogger(__name__)

VERSION = 2  # raised when equal cells give another analysis
CHOICES = ("auto", "none")
FEWEST = 3  # sources and targets of a task and model: with fewer there is no choice to explain
FLOORS = ("majority", "chance")
SHORT, DONE = "short.txt", "sweep.json"


def wanted(config: Mapping[str, Any]) -> bool:
    """Whether a sweep is to be analysed.

    Raises:
        HarnessError: ``analysis`` has a value that means nothing.
    """
    choice = str(config["analysis"])
    if choice not in CHOICES:
        raise HarnessError(f"analysis={choice}: {nearest(choice, CHOICES)}")
    return choice == "auto"


def lacks(jobs: list[Keyed]) -> str:
    """Why these jobs are too few to be analysed; empty where they are enough."""
    if not jobs:
        return "no single-source job of a trained model on all of its data"
    sources: dict[tuple[str, str, str], set[str]] = {}
    targets: dict[tuple[str, str, str], set[str]] = {}
    for one in jobs:
        setting = (one.job.task.name, one.job.model.name, one.job.strategy)
        sources.setdefault(setting, set()).update(one.job.sources)
        targets.setdefault(setting, set()).update(one.cells)
    if all(len(sources[setting]) < FEWEST or len(targets[setting]) < FEWEST for setting in sources):
        return f"fewer than {FEWEST} sources or {FEWEST} targets of a task and model"
    return ""


def analysed(planned: Plan, asked: Sweep, parent: str | None, quiet: bool) -> bool:
    """Analyses what a sweep has measured, or says in a line why not; whether nothing failed.

    An analysis of the same cells is not made again: what it found is printed. Whatever goes wrong is told; records are
    read and never written.

    Args:
        parent: the tracking run of the sweep.
        quiet: print nothing on standard output.
    """
    jobs = [one for one in planned.jobs if _counts(one)]
    if why := lacks([one for one in jobs if touches(one.job) == "none"]):
        say.print(f"no analysis: {why} (`harness analyze` reads the whole store)")
        return True
    try:
        return _analysed(jobs, planned, asked, parent, quiet)
    except Exception as error:  # the sweep has its records, whatever becomes of their analysis
        log.debug("the analysis failed", exc_info=True)
        words = str(error) if isinstance(error, HarnessError) else f"{type(error).__name__}: {error}"
        say.print(f"the analysis failed: {words}\n        the results are stored; `harness analyze` tries again",
                  style="red")  # fmt: skip
        return False


def _counts(one: Keyed) -> bool:
    job = one.job
    whole = job.limit is None and job.size is None
    return whole and len(job.sources) == 1 and job.model.family not in FLOORS and job.strategy != "few_shot"


def _analysed(jobs: list[Keyed], planned: Plan, asked: Sweep, parent: str | None, quiet: bool) -> bool:
    store = planned.setting.store
    keys = {key for one in jobs for _, key in one.cells.values()}
    lost = {one.cells[target][1] for one in jobs if one.predict_key in planned.open for target in missing(one, store)}
    there = keys - lost
    if not there:
        say.print("no analysis: nothing was measured")
        return True
    name = f"{asked.composed[0].choices.get('experiment', 'sweep')}-{digest(sorted(keys))[:8]}"
    out, found = store.root / "analysis" / name, digest([VERSION, sorted(there)])
    failed: Mapping[str, str] = {}
    with store.lock(f"analysis-{name}"):  # of two processes with one sweep, the second finds it done
        if _done(out) != found:
            say.print(f"analysing {len(there)} cells ...")
            failed = _write(jobs, there, found, out, planned, asked, parent)
    for analysis, why in failed.items():
        say.print(f"analysis {analysis} failed: {why}", style="red")
    if not quiet:
        sys.stdout.write("\n" + (out / SHORT).read_text(encoding="utf-8"))
    say.print(f"analysis, tables and figures: {out}")
    return not failed


def _write(
    jobs: list[Keyed], there: set[str], found: str, out: Path, planned: Plan, asked: Sweep, parent: str | None
) -> Mapping[str, str]:
    """Analyses these cells, writes and logs what comes out; why analyses failed, by name."""
    from harness import analyze, tracking
    from harness.analysis import printed

    tasks = {one.job.task.name for one in jobs}
    report = analyze.analyze(
        Request(
            results=planned.setting.store.root,
            out=out,
            data=planned.setting.root,
            strategies=tuple(sorted({one.job.strategy for one in jobs})),
            keep=lambda cell: cell.cell_key in there or (cell.model in FLOORS and cell.task in tasks),
            made=studied.of_jobs(one.job for one in jobs),
            options=asked.options,
        )
    )
    where = asked.composed[0].config["tracking"]
    if where.get("uri"):
        for result in report.results:
            folder, numbers = out / result.name, result.numbers()
            tracking.log_analysis(
                where["uri"], where["experiment"], result.name, report.parameters, numbers, folder, parent
            )
    write_whole(out / SHORT, printed.short(report.results, report.parameters["provenance"]).encode())
    if not report.failed:  # what failed is tried again
        write_whole(out / DONE, json.dumps({"cells": found, "notes": report.notes}, indent=1).encode())
    return report.failed


def _done(out: Path) -> str:
    """The digest of the cells that were analysed; empty where none were, or not to the end."""
    try:
        return str(json.loads((out / DONE).read_bytes())["cells"]) if (out / SHORT).is_file() else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""
