"""XGLUE's files: labelled test files as they are released, and what its scorer reads out of them.

Source: microsoft/XGLUE evaluation/xglue_evaluate.py at e417c4c. A gold file holds texts too, and its last column is the
label; tags that a submission leaves out at the end of a sentence are O; web pages are ranked by the label they are
given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from harness.errors import DataError
from harness.spec import SuiteTask
from harness.submission import tags
from harness.submission.forms import Form, Matched, forms, refuse_placeholder
from harness.submission.tags import Tagged
from harness.submission.text import first, listed, read_text, same_number, shown

OUTSIDE = "O"
NUMBER = re.compile(r"-?\d{1,30}(\.\d{1,300})?(e-?\d{1,2})?", re.ASCII | re.IGNORECASE)  # finite as a float


def gold_file(task: str, language: str) -> str:
    """Where a task's labelled test file lies in its folder."""
    special = {
        "NER": f"{language}.test",
        "POS": f"{language}.test",
        "XNLI": f"{language}.test",
        "PAWSX": f"{language}/test_2k.tsv",
        "MLQA": f"MLQA_V1/test/test-context-{language}-question-{language}.json",
    }
    return special.get(task, f"xglue.{task.lower()}.{language}.test")


def form(task: SuiteTask) -> Form:
    """The form of a task's submissions, with readers of XGLUE's gold files."""
    plain = forms()[task.form]
    if task.folder == "WPR":
        return replace(plain, read_gold=_graded, match=_ranked)
    if task.form == "tags":
        return replace(plain, read_gold=_tagged, match=_padded)
    if task.form == "labels":
        return replace(plain, read_gold=_labelled(header=task.folder == "PAWSX"))
    return plain


def _rows(path: Path, header: bool = False) -> list[tuple[str, str]]:
    """First and last column of every line; the header and blank lines left out."""
    lines = read_text(path).split("\n")[header:]
    cells = [line.split("\t") for line in lines if line.strip()]
    if not cells:
        raise DataError(f"{path}: no line with a label")
    return [(row[0], row[-1].strip()) for row in cells]


def _labelled(header: bool) -> Callable[[Path, Sequence[str]], list[str]]:
    def read_gold(path: Path, known: Sequence[str]) -> list[str]:
        found = [label for _, label in _rows(path, header)]
        refuse_placeholder(path, found, known, len(found))
        _refuse_texts(path, found, known)
        return found

    return read_gold


def _refuse_texts(path: Path, found: Sequence[str], known: Sequence[str]) -> None:
    """Nothing, if the last column may hold labels; without them it is the last of the texts."""
    if known and not set(found) & set(known):
        what = f"none of {listed(known)} in its last column, but {shown(found[0])}"
        raise DataError(f"{path}: {what}: the labels are hidden, or it is another file")


def _tagged(path: Path, known: Sequence[str]) -> Tagged:
    """The last column of each line; `-DOCSTART-` parts sentences as a blank line does."""
    columns = [
        "" if line.startswith("-DOCSTART-") or not line.strip() else line.split()[-1]
        for line in read_text(path).split("\n")
    ]
    found = tags.sentences(path, columns)
    if not found.sentences:
        raise DataError(f"{path}: no sentence in it")
    tags.refuse_hidden(path, found, known)
    _refuse_texts(path, [tag for sentence in found.sentences for tag in sentence], known)
    return found


def _padded(path: Path, gold: Tagged, predicted: Tagged, known: Sequence[str]) -> Matched:
    """As other tags, with O for what is missing at the end of a sentence."""
    if len(gold.sentences) != len(predicted.sentences):
        return tags.match(path, gold, predicted, known)
    short = [
        number
        for number, (truth, guess) in enumerate(zip(gold.sentences, predicted.sentences, strict=True))
        if len(guess) < len(truth)
    ]
    if not short:
        return tags.match(path, gold, predicted, known)
    longer = list(predicted.sentences)
    for number in short:
        longer[number] = longer[number] + [OUTSIDE] * (len(gold.sentences[number]) - len(longer[number]))
    matched = tags.match(path, gold, replace(predicted, sentences=longer), known)
    where = f"{path}, line {predicted.lines[short[0]]}"
    note = f"{where}: {len(short)} sentences have fewer tags than gold, the first begins here: filled up with {OUTSIDE}"
    return replace(matched, notes=(note, *matched.notes))


def _graded(path: Path, known: Sequence[str]) -> list[tuple[str, float]]:
    """Each line's query and grade.

    Raises:
        DataError: a grade is no number.
    """
    rows = _rows(path)
    grades = [grade for _, grade in rows]
    refuse_placeholder(path, grades, (*known, "0"), len(rows))
    return list(zip((query for query, _ in rows), _numbers(path, grades), strict=True))


def _numbers(path: Path, grades: Sequence[str]) -> list[float]:
    """The grades as numbers; a submission may give any, 0 to 4 being the data set's own."""
    if number := first(grades, {grade for grade in grades if not NUMBER.fullmatch(grade)}):
        raise DataError(f"{path}, line {number}: {shown(grades[number - 1])} is no grade; write a number, as 0 to 4")
    return [float(grade) for grade in grades]


def _ranked(path: Path, gold: list[tuple[str, float]], predicted: list[str], known: Sequence[str]) -> Matched:  # noqa: ARG001
    """The grades of each query's pages; lines of one query follow each other."""
    same_number(path, len(predicted), len(gold), "grades")
    pages = zip(gold, _numbers(path, predicted), strict=True)
    queries = [list(group) for _, group in groupby(pages, lambda page: page[0][0])]
    return Matched(
        [tuple(grade for (_, grade), _ in query) for query in queries],
        [tuple(guess for _, guess in query) for query in queries],
    )
