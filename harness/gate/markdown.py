"""The verdict as Markdown: a comment on a pull request, or a step's summary.

The first line is a marker that no reader sees: whoever posts the comment looks for it and updates what is there. What
comes from names is escaped, so that no model can write into the page.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from harness.gate import rows, words
from harness.gate.printed import SENTENCES
from harness.gate.verdict import INCOMPARABLE, PASS

if TYPE_CHECKING:
    from harness.gate.verdict import Verdict

ROWS = 60  # a comment holds 65,536 characters, and nobody reads more
SIGNS = {PASS: "✅", INCOMPARABLE: "⚠️"}


def markdown(verdict: Verdict) -> str:
    """The whole comment."""
    return "\n".join(_lines(verdict)) + "\n"


def marker(verdict: Verdict) -> str:
    """The hidden first line, the same for every check against a baseline."""
    return f"<!-- harness check: {_safe(verdict.baseline)} -->"


def _lines(verdict: Verdict) -> Iterator[str]:
    yield marker(verdict)
    yield f"### {SIGNS.get(verdict.exit_code, '❌')} {_safe(verdict.line)}"
    for several in ([row for row in verdict.failed if row.score is not None], verdict.absent):
        told = [f"- {_safe(text)} <sub>{_safe(run)}</sub>" for text, run in words.sentences(several)]
        yield from told[:SENTENCES]
        if len(told) > SENTENCES:
            yield f"- and {len(told) - SENTENCES} more"
    cells = [rows.cell(row) for row in verdict.moved]
    yield from _folded("Cells that did not simply pass", rows.CELL, cells)
    averages = [rows.averages(run) for run in verdict.doubtful_runs]
    yield from _folded("Averages that did not simply pass", rows.AVERAGE, averages)
    yield ""
    yield from (f"<sub>{_safe(note)}</sub><br>" for note in verdict.notes)


def _folded(title: str, head: Sequence[str], content: Sequence[Sequence[str]]) -> Iterator[str]:
    if not content:
        return
    yield from ("", f"<details><summary>{title}: {len(content)}</summary>", "")
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" * len(head)
    yield from ("| " + " | ".join(map(_safe, row)) + " |" for row in content[:ROWS])
    if len(content) > ROWS:
        yield f"\n{len(content) - ROWS} more are left out here; the terminal and the JSON have all."
    yield from ("", "</details>")


def _safe(text: str) -> str:
    """Text that stands for itself in Markdown and HTML, on one line."""
    plain = html.escape(" ".join(text.split()), quote=False).replace("--", "&#45;&#45;")
    for sign in "|[]`@*_":
        plain = plain.replace(sign, f"&#{ord(sign)};")
    return plain
