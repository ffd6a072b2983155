"""Files of answers to questions (``.json``), ``{question id: answer}``; gold is a SQuAD file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import DataError
from harness.submission.forms import HIDDEN, SWAPPED, Form, Matched
from harness.submission.text import kind, line_of, parse, read_object, read_text, shown

FORM_OF_GOLD = "SQuAD's form (data, paragraphs, qas, id, answers)"
Gold = list[tuple[str, tuple[str, ...]]]


def read(path: Path) -> dict[str, str]:
    """The answer to each question.

    Raises:
        DataError: the file is not of that shape, or an id stands twice.
    """
    found, text = read_object(path)
    if isinstance(found.get("data"), list):
        raise DataError(f"{path}: is a SQuAD file, as gold answers are, not `{{id: answer}}`: {SWAPPED}")
    for id, answer in found.items():
        if not isinstance(answer, str):
            where = f"{path}, line {line_of(id, text)}"
            raise DataError(f"{where}: the answer to {shown(id)} must be a string, not {kind(answer)}")
    return found


def read_gold(path: Path, labels: Sequence[str]) -> Gold:  # noqa: ARG001
    """Every question's id and gold answers.

    Raises:
        DataError: the file is no SQuAD JSON, or questions are without answers.
    """
    text = read_text(path)
    whole = parse(text, str(path))
    if isinstance(whole, dict) and "data" not in whole:
        looks = f"it looks like predictions: {SWAPPED}" if _answers(whole) else "its keys are others"
        raise DataError(f"{path}: not in SQuAD's form, no `data` in it; {looks}")
    try:
        articles = whole["data"] if isinstance(whole, dict) else whole
        found = [
            _question(question) for article in articles for part in article["paragraphs"] for question in part["qas"]
        ]
    except KeyError as error:
        raise DataError(f"{path}: not in {FORM_OF_GOLD}: a {error.args[0]!r} is missing") from None
    except TypeError as error:
        raise DataError(f"{path}: not in {FORM_OF_GOLD}: {error}") from None
    bare = [id for id, answers in found if not any(answer.strip() for answer in answers)]
    if not found or len(bare) == len(found):
        raise DataError(f"{path}: {HIDDEN.format('no question has an answer')}")
    for id in bare:
        raise DataError(f"{path}, line {_line_of_value(id, text)}: the question {shown(id)} has no gold answer")
    return found


def _answers(whole: Mapping[str, Any]) -> bool:
    return bool(whole) and all(isinstance(answer, str) for answer in whole.values())


def _question(question: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    id, answers = question["id"], tuple(answer["text"] for answer in question.get("answers") or ())
    for text in (id, *answers):
        if not isinstance(text, str):
            raise TypeError(f"{shown(text)} is no string")
    return id, answers


def _line_of_value(value: str, text: str) -> int:
    place = text.find(json.dumps(value))
    return text.count("\n", 0, max(place, 0)) + 1


def match(path: Path, gold: Gold, predicted: Mapping[str, str], labels: Sequence[str]) -> Matched:  # noqa: ARG001
    """The answered questions, in gold's order; how many are not, and ids that are nobody's, are noted."""
    answered = [(answers, predicted[id]) for id, answers in gold if id in predicted]
    missing = [id for id, _ in gold if id not in predicted]
    notes = []
    if missing:
        notes.append(f"{path}: no answer to {shown(missing[0])}, {len(missing)} of {len(gold)} in all: they score 0")
    if strangers := predicted.keys() - {id for id, _ in gold}:
        notes.append(_strangers(path, sorted(strangers)))
    return Matched([answers for answers, _ in answered], [guess for _, guess in answered], len(missing), tuple(notes))


def _strangers(path: Path, ids: Sequence[str]) -> str:
    line = line_of(ids[0], read_text(path))
    return f"{path}, line {line}: {shown(ids[0])} is the id of no question ({len(ids)} such ids): ignored"


def write(answers: Mapping[str, str]) -> str:
    """One JSON object, an answer a line."""
    return json.dumps(answers, ensure_ascii=False, indent=1) + "\n"


FORM = Form(".json", read, read_gold, match, write)
