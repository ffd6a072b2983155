"""Answer sentences of LAReQA's files: SQuAD's form, with the sentences of every paragraph."""

from __future__ import annotations

import json
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

from harness.data.examples import Row
from harness.data.files import own_id, read_text, shown
from harness.data.readers import READERS, Reader, Request
from harness.errors import DataError


def rows(request: Request) -> Iterator[Row]:
    """Two kinds of rows, ``id``, ``text`` and the article as ``group``: questions, and the sentences of all paragraphs.

    A question's ``gold`` is the ids of the sentences that hold its answer. A sentence has its paragraph behind it, as
    the baselines embed it: ``deu:3.1`` is the first sentence of the third paragraph in German.

    Raises:
        DataError: the file is not of that form, or an answer stands in no sentence.
    """
    for path in request.paths:
        for number, (title, paragraph) in enumerate(_paragraphs(path), start=1):
            yield from _paragraph(paragraph, title, number, path, request)


def _paragraph(paragraph: dict[str, Any], title: str, number: int, path: Path, request: Request) -> Iterator[Row]:
    context, breaks = paragraph["context"], paragraph["sentence_breaks"]
    texts = [context[start:end] for start, end in breaks]
    ids = [own_id(request.paths, path, f"{request.language}:{number}.{i}") for i in range(1, len(texts) + 1)]
    for id, text in zip(ids, texts, strict=True):
        where = f"{shown(path)}, paragraph {number} of {title}"
        yield Row({"id": id, "text": f"{text} {' '.join(context.split())}", "group": title}, where)
    for question in paragraph["qas"]:
        where = f"{shown(path)}, question {question['id']}"
        starts = [answer["answer_start"] for answer in question["answers"]]
        right = {
            text for text, (start, end) in zip(texts, breaks, strict=True) if any(start <= s < end for s in starts)
        }
        if not right:
            raise DataError(f"{where}: no sentence holds its answer; are the sentence breaks those of this text?")
        # the same sentence twice in one paragraph is right twice
        gold = tuple(id for id, text in zip(ids, texts, strict=True) if text in right)
        yield Row({"id": question["id"], "text": question["question"], "group": title, "gold": gold}, where)


def _paragraphs(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Every paragraph with its article's title; all keys are asked for now, so that what is missing is the file's."""
    try:
        articles = json.loads(read_text(path))["data"]
        found = [(str(article["title"]), paragraph) for article in articles for paragraph in article["paragraphs"]]
        for _, paragraph in found:
            context, breaks, questions = itemgetter("context", "sentence_breaks", "qas")(paragraph)
            if not all(0 <= start < end <= len(context) for start, end in breaks):
                raise DataError(f"{shown(path)}: a sentence break lies outside its paragraph: {context[:60]!r} ...")
            for question in questions:
                itemgetter("id", "question")(question)
                [answer["answer_start"] + 0 for answer in question["answers"]]
    except json.JSONDecodeError as error:
        raise DataError(f"{shown(path)}, line {error.lineno}: no JSON ({error.msg})") from None
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{shown(path)}: not in LAReQA's form (SQuAD's, and sentence_breaks of each paragraph): {error!r}"
        ) from None
    return found


READERS.add("xquad_r")(Reader(rows, frozenset({"pivot"})))
