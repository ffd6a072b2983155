"""Files of one label a line (``.tsv``), in the order of the data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.submission.forms import Form, Matched, refuse_placeholder
from harness.submission.text import one_a_line, same_number, strange


def read(path: Path) -> list[str]:
    """The labels."""
    return one_a_line(path, "label")


def read_gold(path: Path, labels: Sequence[str]) -> list[str]:
    """The gold labels."""
    found = read(path)
    refuse_placeholder(path, found, labels, len(found))
    return found


def match(path: Path, gold: list[str], predicted: list[str], labels: Sequence[str]) -> Matched:
    """The labels line by line; one that the task does not have is noted, and wrong."""
    same_number(path, len(predicted), len(gold), "labels")
    return Matched(gold, predicted, notes=tuple(strange(path, predicted, {*labels, *gold}, "label")))


def write(labels: Sequence[str]) -> str:
    """One label a line."""
    return "".join(f"{label}\n" for label in labels)


FORM = Form(".tsv", read, read_gold, match, write)
