"""What `harness report` does: stores and published figures in; a site and tables as files out, all of it or nothing."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness import tracking
from harness.errors import HarnessError
from harness.report import published as published_figures
from harness.report.cells import many
from harness.report.exports import write_exports
from harness.report.gathered import gather
from harness.report.mistakes import mistakes
from harness.report.pairs import pairs
from harness.report.site.pages import write_site
from harness.report.values import Report
from harness.storage.atomic import unwritable
from harness.sweep.options import Options

NOTES = 3  # of a board, in the terminal
GENERATOR = '<meta name="generator" content="harness report">'


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for.

    Attributes:
        results: the stores.
        suites: whose boards; None for all that the stores hold a task of.
        published: folder of published figures; by default ``published`` in the first store, or ``results/published``.
        where: conditions on the stored cells.
        out: the folder of the site; an older report there is replaced.
        data: folder of the real tasks' files, for the texts of mistakes.
        options: where tasks, suites and models are described.
    """

    results: Sequence[Path] = (Path("results"),)
    suites: Sequence[str] | None = None
    published: Path | None = None
    where: Sequence[str] = ()
    out: Path = Path("results/report")
    data: Path | None = None
    options: Options = field(default_factory=Options)


def write(request: Request) -> tuple[Path, Report]:
    """Writes the report; the path of its first page, and what it was made of.

    It is written beside ``out`` and takes its place when it is whole: what fails leaves the older report as it is.

    Raises:
        HarnessError: nothing counts, a record or an analysis cannot be read, or ``out`` is no place for a report.
    """
    out = request.out
    _refuse_others(out)
    if request.published is not None and not request.published.is_dir():
        raise HarnessError(f"--published {request.published}: there is no such folder")
    figures = published_figures.files(request.published or _published(request.results[0]))
    report = gather(request.results, request.options, suites=request.suites, published=figures, where=request.where)
    # a neighbour of the old one, so that links to records hold and the change of names is one step of the file system
    new = out.with_name(f".{out.name}.{secrets.token_hex(6)}.tmp")
    try:
        new.mkdir(parents=True)
        write_exports(report, new / "exports")
        write_site(
            report,
            new,
            pairs=lambda board, task: pairs(report, board, task),
            mistakes=lambda entry, task: mistakes(report, entry, task, request.options, root=request.data),
            analyses=[store / "analysis" for store in request.results],
        )
        _swap(new, out)
    except OSError as error:
        raise unwritable(out, error) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return out / "index.html", report


def notes(report: Report) -> Iterator[str]:
    """What a report leaves out, a line each: the reader of the terminal may never look for it on a page."""
    for board in report.boards:
        yield from (f"{board.title}: left out {many(count)} {why}" for why, count in board.left_out.items())
        told = [note for standing in board.standings for note in standing.notes]
        for note in list(dict.fromkeys(told))[:NOTES]:
            yield f"{board.title}: {note}"
        if len(set(told)) > NOTES:
            yield f"{board.title}: and {len(set(told)) - NOTES} more notes, on the page"


def _published(store: Path) -> Path:
    """Where published figures lie unless somebody says: in the store, or in the one that is there by default."""
    own = store / "published"
    return own if own.is_dir() else Path("results/published")


def log(out: Path, report: Report, uri: str, experiment: str) -> bool:
    """Whether there was a sweep in MLflow that ran a job of the report; the site is then an artifact of its run."""
    records = (
        Path(record)
        for board in report.boards
        for task in board.tasks.values()
        for scores in task.scores.values()
        for score in scores.values()
        for record in score.records
    )
    return tracking.log_report(uri, experiment, {record.parent.name for record in records}, out)


def _refuse_others(out: Path) -> None:
    """Nothing, unless ``out`` holds what no report has written."""
    index = out / "index.html"
    ours = index.is_file() and GENERATOR in index.read_text(encoding="utf-8", errors="replace")
    if out.exists() and not ours and (not out.is_dir() or any(out.iterdir())):
        raise HarnessError(f"{out} holds something else than a report: choose another folder with --out, or empty it")


def _swap(new: Path, out: Path) -> None:
    """Puts ``new`` in the place of ``out``; the old one comes back where that fails."""
    old = new.with_suffix(".old")
    if out.exists():
        out.rename(old)
    try:
        new.rename(out)
    except OSError:
        if old.exists():
            old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)
