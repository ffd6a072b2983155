"""Files of one index a line (``.tsv``): which sentence of the other side, counted from 0, is the translation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.errors import DataError
from harness.submission.forms import HIDDEN, Form, Matched
from harness.submission.text import first, one_a_line, same_number, shown

MOST = 1000  # sentences that Tatoeba has of a language
DIGITS = 18  # an index of more is beyond any sentence, and slow to read as a number


def read(path: Path) -> list[str]:
    """The indices, spelt without leading zeros."""
    lines = one_a_line(path, "index")
    if number := first(lines, {line for line in lines if not (line.isascii() and line.isdecimal())}):
        line = shown(lines[number - 1])
        raise DataError(f"{path}, line {number}: {line} is no index; write whole numbers, counted from 0")
    return [line.lstrip("0") or "0" for line in lines]


def read_gold(path: Path, labels: Sequence[str]) -> list[str]:  # noqa: ARG001
    """The gold indices."""
    found = read(path)
    if len(found) > 1 and len(set(found)) == 1:
        raise DataError(f"{path}: {HIDDEN.format(f'every index is {found[0]}')}")
    return found


def match(path: Path, gold: list[str], predicted: list[str], labels: Sequence[str]) -> Matched:  # noqa: ARG001
    """The indices line by line; one beyond the last sentence is noted, and wrong."""
    same_number(path, len(predicted), len(gold), "indices")
    number_of = _sentences(gold)
    beyond = {index for index in predicted if len(index) > DIGITS or int(index) >= number_of}
    if not beyond:
        return Matched(gold, predicted)
    number, lines = first(predicted, beyond), sum(index in beyond for index in predicted)
    index = shown(predicted[number - 1])
    note = f"{path}, line {number}: {index} is beyond the last sentence, {number_of - 1}; {lines} such lines"
    return Matched(gold, predicted, notes=(f"{note}: counted as wrong",))


def _sentences(gold: Sequence[str]) -> int:
    """How many sentences there are at most: a gold file that is a cut of a longer one does not say how many."""
    if set(gold) == set(map(str, range(len(gold)))):
        return len(gold)
    return max(MOST, len(gold), *(int(index) + 1 for index in gold if len(index) <= DIGITS))


def write(indices: Sequence[int]) -> str:
    """One index a line."""
    return "".join(f"{index}\n" for index in indices)


FORM = Form(".tsv", read, read_gold, match, write, metric="accuracy")
