"""Tables as Markdown, for a README or a comment."""

from __future__ import annotations

import html
import re

from harness.report.marked import Cell, Stress, Table

SPECIAL = re.compile(r"([\\`*_{}\[\]|~#!])")


def markdown(table: Table, level: int = 2) -> str:
    """A heading, the table and its notes."""
    head = "| " + " | ".join(escaped(name) for name in table.columns) + " |"
    rule = "| " + " | ".join("---" if name in table.words else "---:" for name in table.columns) + " |"
    rows = ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in table.rows]
    notes = "\n".join(f"{escaped(note)}  " for note in table.notes).rstrip()
    return "\n".join([f"{'#' * level} {escaped(table.title)}", "", head, rule, *rows, "", notes, ""])


def escaped(text: str) -> str:
    """A text that is no markup, on one line."""
    return SPECIAL.sub(r"\\\1", html.escape(" ".join(text.split()), quote=False))


def _cell(cell: Cell) -> str:
    # a number's brackets need no escape; everything that is not one might
    text = escaped(cell.text)
    return {Stress.BEST: f"**{text}**", Stress.LEVEL: f"*{text}*", Stress.PLAIN: text}[cell.stress]
