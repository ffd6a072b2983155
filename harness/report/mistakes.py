"""What an entry got wrong on a task, as people read it: some examples of each language, always the same ones."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.data.examples import Example, LabelledText, Question, Sentence, TaggedWords, ValuedText
from harness.data.examples import Options as Choice
from harness.data.load import load
from harness.errors import HarnessError, nearest
from harness.metrics.base import AnyMetric, Metric
from harness.report.influences import measures
from harness.report.values import Mistake, Report, TaskBoard
from harness.spec import TaskSpec
from harness.storage.examples_table import read_examples
from harness.storage.records import CellRecord, DamageError, from_json
from harness.sweep import build
from harness.sweep.options import Options
from harness.tasktype import TASK_TYPES

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 500  # characters of a text

Texts = Mapping[str, Example]


def mistakes(
    report: Report, entry: str, task: str, options: Options, *, root: Path | None = None, most: int = 20
) -> tuple[Mistake, ...]:
    """Wrong examples of an entry on a task, spread over its languages and over each corpus; of its first seed.

    Texts are there where the data is at hand in files; otherwise an example is its id.

    Args:
        root: the data root.
        most: how many, over all languages.

    Raises:
        HarnessError: there is no such entry.
    """
    if entry not in report.entries:
        raise HarnessError(f"entry {entry!r}: {nearest(entry, report.entries)}")
    boards = [board.tasks[task] for board in report.boards if task in board.tasks]
    board = next((one for one in boards if any(score.records for score in one.scores.get(entry, {}).values())), None)
    if board is None:
        return ()
    spec = _local(build.task(task, options.read("task", task), options))
    have = [code for code in board.languages if code in board.scores[entry]]
    languages = [have[i] for i in _spread(len(have), most)]
    found = [
        list(_of_language(board, spec, code, Path(board.scores[entry][code].records[0]), root, most))
        for code in languages
    ]
    by_turns = [one for one in chain.from_iterable(zip_longest(*found)) if one is not None]
    return tuple(sorted(by_turns[:most], key=lambda one: languages.index(one.language)))


def _of_language(
    board: TaskBoard, spec: TaskSpec, language: str, path: Path, root: Path | None, most: int
) -> Iterator[Mistake]:
    try:
        record = from_json(CellRecord, path.read_bytes())
        table = read_examples(path.with_suffix(".examples.parquet"), record.table)
    except (DamageError, OSError):
        return
    (measure, *_) = measures(board, language, path)
    wrong = _wrong(table, measure)
    if wrong:
        own, others = _texts(spec, record.sources, language, record.data, root)
        for i in _spread(len(wrong), most):
            row = table.iloc[wrong[i]]
            yield _mistake(
                language, row["example_id"], json.loads(row["gold"]), json.loads(row["prediction"]), own, others
            )


def _wrong(table: pd.DataFrame, measure: AnyMetric) -> list[int]:
    """The rows that are wrong: answers that differ, or score less than they could; of numbers the farthest off."""
    gold, predicted = ([json.loads(text) for text in table[name]] for name in ("gold", "prediction"))
    if _numbers(gold) and _numbers(predicted):
        away = np.abs(np.subtract(gold, predicted))
        return [int(i) for i in np.argsort(-away, kind="stable")[: max(1, len(away) // 10)] if away[i] > 0]
    alike = all(type(a) is type(b) for a, b in zip(gold, predicted, strict=True))
    texts = alike and all(isinstance(a, str) or (a and isinstance(a[0], str)) for a in gold if not isinstance(a, dict))
    if texts or not isinstance(measure, Metric):
        return [i for i, (a, b) in enumerate(zip(gold, predicted, strict=True)) if a != b]
    counts = table[[f"{measure.signature}::{column}" for column in measure.columns]].to_numpy(dtype=float)
    return [int(i) for i in np.flatnonzero((measure.score(counts) < 1) & (counts > 0).any(axis=1))]


def _numbers(answers: Sequence[Any]) -> bool:
    return all(isinstance(one, int | float) for one in answers)


def _spread(n: int, most: int) -> list[int]:
    """At most so many places of ``n``, at equal distances."""
    return [i * n // min(n, most) for i in range(min(n, most))]


def _local(spec: TaskSpec) -> TaskSpec:
    """The task without its data set on the hub: nothing is downloaded for a report."""
    return replace(spec, hub=None, parts=tuple(_local(part) for part in spec.parts))


def _texts(spec: TaskSpec, sources: Sequence[str], language: str, data: str, root: Path | None) -> tuple[Texts, Texts]:
    """The tested examples by id, and what they look for; both empty where the data is not there or is another."""
    match = TASK_TYPES[spec.type].match
    try:
        if match is None:
            corpus = load(spec, language, "test", root)
            return ({one.id: one for one in corpus} if corpus.fingerprint == data else {}), {}
        sides = match.sides(spec, sources[0], language)
        corpora = [load(spec, side.language, side.split, root, side.beside) for side in sides[:2]]
    except HarnessError:
        return {}, {}
    own, *others = ({one.id: one for one in corpus} for corpus in corpora)
    return own, others[0] if others else {}


def _mistake(language: str, id: str, gold: Any, predicted: Any, own: Texts, others: Texts) -> Mistake:
    example = own.get(id)
    text = _short(_text(example)) if example is not None else ""
    if isinstance(gold, list) and isinstance(predicted, list) and gold and isinstance(gold[0], str):
        words = example.words if isinstance(example, TaggedWords) else [str(i) for i in range(1, len(gold) + 1)]
        differ = [(word, a, b) for word, a, b in zip(words, gold, predicted, strict=False) if a != b]
        return Mistake(id, text, _tags([(w, a) for w, a, _ in differ]), _tags([(w, b) for w, _, b in differ]), language)
    if isinstance(example, Choice) and isinstance(gold, list):
        return Mistake(id, text, _option(example, gold), _option(example, predicted), language)
    return Mistake(id, text, _answer(gold, others), _answer(predicted, others), language)


def _text(example: Example) -> str:
    match example:
        case TaggedWords():
            return " ".join(example.words)
        case LabelledText() | ValuedText():
            return "\n".join(filter(None, (example.first, example.second)))
        case Question():
            return f"{example.question}\n{example.context}"
        case Choice():
            return "\n".join((example.first, *example.options))
        case Sentence():
            return example.text
    return ""


def _tags(found: Sequence[tuple[str, str]]) -> str:
    return _short(" ".join(f"{word}/{tag}" for word, tag in found))


def _option(example: Choice, answer: Any) -> str:
    """The option that an answer means: the best of a list of gains, or the one of a number."""
    place = int(np.argmax(answer)) if isinstance(answer, list) else answer
    known = isinstance(place, int) and 0 <= place < len(example.options)
    return _short(example.options[place]) if known else _answer(answer, {})


def _answer(answer: Any, others: Texts) -> str:
    """An answer in words: a text or several, a number, the sentence that was found."""
    if isinstance(answer, dict) and "found" in answer:
        answer = answer["found"]
    if isinstance(answer, str):
        return _short(_text(others[answer]) if answer in others else answer)
    if isinstance(answer, list) and all(isinstance(one, str) for one in answer):
        return _short(" | ".join(dict.fromkeys(answer)))
    return _short(json.dumps(answer, ensure_ascii=False))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1].rstrip()}…"
