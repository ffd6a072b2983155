"""What `harness analyze` does: scores and distances in; tables, figures, MLflow runs and a short report out."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.analysis import threads
from harness.analysis.catalogue import ANALYSES, OF_DISTANCES, lacks
from harness.analysis.figures.style import MOST
from harness.analysis.written import write, write_index
from harness.errors import HarnessError, nearest
from harness.given import given, parameters

if TYPE_CHECKING:
    from harness.analysis.request import Request
    from harness.analysis.result import Result

log = logging.getLogger(__name__)

NOTES = 20  # that are printed


@dataclass(frozen=True, slots=True)
class Report:
    """What came out.

    Attributes:
        results: of the analyses that went through, in order.
        failed: why others did not, by name.
        notes: on the input.
        seconds: by analysis, drawing included.
        out: the folder.
    """

    results: tuple[Result, ...]
    failed: Mapping[str, str]
    notes: tuple[str, ...]
    seconds: Mapping[str, float]
    out: Path
    parameters: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Everything but the tables, which lie in ``out``."""
        return {
            "out": str(self.out),
            "parameters": dict(self.parameters),
            "notes": list(self.notes),
            "failed": dict(self.failed),
            "analyses": {one.name: {"metrics": one.numbers(), "notes": list(one.notes)} for one in self.results},
        }


def analyze(request: Request) -> Report:
    """Runs every analysis; one that fails is told, and the others go on.

    Raises:
        HarnessError: the input cannot be read or holds nothing, or an analysis is unknown.
    """
    for name in request.only:
        if name not in ANALYSES:
            raise HarnessError(f"unknown analysis {name!r}: {nearest(name, ANALYSES)}")
    found, notes = given(request)
    done: list[Result] = []
    index: list[dict[str, Any]] = []
    failed: dict[str, str] = {}
    seconds: dict[str, float] = {}
    made_from = parameters(request, found)
    if len(found.grids) > MOST:
        notes.append(f"figures are drawn for {MOST} of {len(found.grids)} settings; --where narrows them")
    for name, analysis in ANALYSES.items():
        if request.only and name not in request.only:
            continue
        if lacking := lacks(name, found):
            if name in request.only or name in OF_DISTANCES:
                notes.append(f"{name}: {lacking}; skipped")
            continue
        start = time.perf_counter()
        try:
            with threads.alone():
                result = analysis(found)
            index.append(write(result, request.out / name, made_from, analysis.__doc__ or ""))
        except Exception as error:  # whatever one analysis stumbles over, the others go on
            log.debug("analysis %s failed", name, exc_info=True)
            failed[name] = f"{type(error).__name__}: {error}" if not isinstance(error, HarnessError) else str(error)
        else:
            done.append(result)
        seconds[name] = time.perf_counter() - start
    told = tuple(dict.fromkeys(notes))
    write_index(request.out, index, made_from, told, failed)
    return Report(tuple(done), failed, told, seconds, request.out, made_from)


def show(request: Request, uri: str | None, experiment: str, as_json: bool) -> int:
    """Analyses, prints a short report, and logs to MLflow where a server is given; the exit code."""
    from harness import tracking
    from harness.analysis import printed
    from harness.tables import console

    report = analyze(request)
    if uri:
        for result in report.results:
            folder = report.out / result.name
            tracking.log_analysis(uri, experiment, result.name, report.parameters, result.numbers(), folder)
    if as_json:
        sys.stdout.write(json.dumps(report.as_json(), indent=1, ensure_ascii=False) + "\n")
        return int(bool(report.failed))
    wide = console()
    for table in printed.tables(report.results):
        wide.print(table)
        wide.print()
    notes = dict.fromkeys([*report.notes, *(note for result in report.results for note in result.notes)])
    for note in list(notes)[:NOTES]:
        wide.print(f"- {note}", soft_wrap=True)
    if len(notes) > NOTES:
        wide.print(f"- {len(notes) - NOTES} further notes in the result.json of each analysis")
    for name, why in report.failed.items():
        wide.print(f"harness: analysis {name} failed: {why}", soft_wrap=True)
    wide.print(f"tables and figures of {', '.join(one.name for one in report.results) or 'nothing'}: {report.out}")
    return int(bool(report.failed))
