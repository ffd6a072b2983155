"""The report in files for papers, READMEs and programs: Markdown, LaTeX, CSV, JSON, and figures as SVG and PNG."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from harness.analysis.figures import style
from harness.report import marked
from harness.report.as_json import as_json
from harness.report.figures import figures
from harness.report.latex import latex
from harness.report.markdown import markdown
from harness.report.tables import long_frame, overview_frame, task_frame
from harness.report.values import Report
from harness.storage.atomic import write_whole

if TYPE_CHECKING:
    import pandas as pd


WIDEST = 40  # languages of a table for people; no page is wider
PACKED = 20_000  # rows from which the long table and the JSON are compressed; pandas reads them all the same


def write_exports(report: Report, folder: Path) -> tuple[Path, ...]:
    """The paths of the files that now lie in the folder.

    ``report.json`` holds everything, ``scores.csv`` every score once (both ``.gz`` where they are many). Of each board
    there is an overview, and of each of its tasks a table, as ``.csv`` (native units), ``.md`` and ``.tex`` (x 100;
    not of more than 40 languages). Figures are ``.svg`` and ``.png``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in _contents(report):
        write_whole(folder / name, content)
        written.append(folder / name)
    with style.fonts():
        for name, draw in figures(report).items():
            written += style.write(draw(), folder / name)
    return tuple(written)


def _contents(report: Report) -> Iterator[tuple[str, bytes]]:
    """Names and contents of all files but the figures."""
    text = json.dumps(as_json(report), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    scores = long_frame(report)
    for name, content in (("report.json", f"{text}\n".encode()), ("scores.csv", _csv(scores))):
        yield (name, content) if len(scores) < PACKED else (f"{name}.gz", gzip.compress(content, 6, mtime=0))
    for board in report.boards:
        overview = marked.overview(report, board)
        yield f"{overview.name}.csv", _csv(overview_frame(report, board))
        yield from _for_people(overview)
        for name, task in board.tasks.items():
            table = marked.task(report, board, name)
            yield f"{table.name}.csv", _csv(task_frame(report, board, name))
            if len(task.languages) <= WIDEST:
                yield from _for_people(table)


def _for_people(table: marked.Table) -> Iterator[tuple[str, bytes]]:
    yield f"{table.name}.md", markdown(table).encode()
    yield f"{table.name}.tex", latex(table).encode()


def _csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False, float_format="%.5f", lineterminator="\n").encode()
