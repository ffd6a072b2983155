"""Files of chosen options (``.jsonl``): an object a line, whose ``label`` is the number of the option."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from harness.errors import DataError
from harness.submission.forms import Form, Matched, refuse_placeholder
from harness.submission.text import kind, parse, read_lines, same_number, shown, strange


def read(path: Path) -> list[str]:
    """The labels as strings; a number and its spelling are one.

    Raises:
        DataError: a line is no JSON object, or has no label.
    """
    return [_label(line, f"{path}, line {number}") for number, line in enumerate(read_lines(path), 1)]


def _label(line: str, where: str) -> str:
    if not line:
        raise DataError(f"{where}: the line is blank; write one object with a `label` a line")
    found = parse(line, where)
    if not isinstance(found, dict) or "label" not in found:
        raise DataError(f'{where}: needs an object with a `label`, as in {{"label": 0}}; found {shown(line)}')
    label = found["label"]
    if isinstance(label, bool) or not isinstance(label, int | str):
        raise DataError(f"{where}: the label must be the number of an option, not {kind(label)}")
    return str(label)


def read_gold(path: Path, labels: Sequence[str]) -> list[str]:
    """The gold labels."""
    found = read(path)
    refuse_placeholder(path, found, labels or ("0", "1"), len(found))
    return found


def match(path: Path, gold: list[str], predicted: list[str], labels: Sequence[str]) -> Matched:
    """The labels line by line; one that is none of the options is noted, and wrong."""
    same_number(path, len(predicted), len(gold), "labels")
    return Matched(gold, predicted, notes=tuple(strange(path, predicted, {"0", "1", *labels, *gold}, "label")))


def write(labels: Sequence[int]) -> str:
    """One object a line."""
    return "".join(json.dumps({"label": label}) + "\n" for label in labels)


FORM = Form(".jsonl", read, read_gold, match, write, metric="accuracy")
