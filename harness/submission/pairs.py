"""Files of mined sentence pairs (``.tsv``): the ids of two sentences that are translations, a tab between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.errors import DataError
from harness.submission.forms import Form, Matched
from harness.submission.text import read_lines, shown

Pair = tuple[str, str]


def read(path: Path) -> list[Pair]:
    """The pairs, in the file's order.

    Raises:
        DataError: a line is not two ids with one tab between them.
    """
    found = []
    for number, line in enumerate(read_lines(path), 1):
        ids = tuple(id.strip() for id in line.split("\t"))
        if len(ids) != 2 or not all(ids):
            raise DataError(f"{path}, line {number}: {shown(line)} is not two ids with one tab between them")
        found.append(ids)
    return found


def read_gold(path: Path, labels: Sequence[str]) -> list[Pair]:  # noqa: ARG001
    """The gold pairs."""
    return read(path)


def match(path: Path, gold: list[Pair], predicted: list[Pair], labels: Sequence[str]) -> Matched:  # noqa: ARG001
    """Both as sets of pairs; one that is mined twice counts once; that, and ids that gold does not know, are noted."""
    distinct = list(dict.fromkeys(predicted))
    twice = len(predicted) - len(distinct)
    notes = [f"{path}: {twice} lines repeat a pair that stands before: each counts once"] if twice else []
    known = {id for pair in gold for id in pair}
    if strangers := [pair for pair in distinct if not known.intersection(pair)]:
        where = f"{path}, line {predicted.index(strangers[0]) + 1}"
        some = f"neither {shown(strangers[0][0])} nor {shown(strangers[0][1])} is in any gold pair"
        notes.append(f"{where}: {some}; {len(strangers)} such pairs: counted as wrong")
    return Matched([gold], [distinct], notes=tuple(notes))  # all the pairs are one example


def write(pairs: Iterable[Pair]) -> str:
    """A pair a line."""
    return "".join("\t".join(pair) + "\n" for pair in pairs)


FORM = Form(".tsv", read, read_gold, match, write)
