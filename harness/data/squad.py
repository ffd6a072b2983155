"""Questions of SQuAD files (version 1.1), with their contexts and gold answers."""

from __future__ import annotations

import hashlib
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
    """One row a question: ``question, context, answers`` (a list of ``(text, start)``), ``id``, and its group.

    The group is the article by its title, or by its number where it has none. With the option ``group: passage`` it is
    the passage by a digest of its text, and so the same in every file: for sets whose articles recur in several splits.
    With ``group: question`` it is the question's id: for files that hold the same questions in several languages.

    Raises:
        DataError: the file is no SQuAD JSON, or an answer does not stand at its offset.
    """
    number = 0
    for path in request.paths:
        for article in _articles(path):
            number += 1
            for paragraph in article["paragraphs"]:
                group: dict[str, object] = {"group": article["title"]} if article.get("title") else {"document": number}
                if request.options.get("group") == "passage":
                    group = {"group": passage(paragraph["context"])}
                for question in paragraph["qas"]:
                    if request.options.get("group") == "question":
                        group = {"group": question["id"]}
                    yield _row(question, paragraph["context"], group, path, request)


def _articles(path: Path) -> list[dict[str, Any]]:
    try:
        articles: list[dict[str, Any]] = json.loads(read_text(path))["data"]
        # all keys are asked for now, so that what is missing is an error of the file and not of the code that reads it
        for article in articles:
            for paragraph in article["paragraphs"]:
                itemgetter("context", "qas")(paragraph)
                for question in paragraph["qas"]:
                    itemgetter("id", "question")(question)
                    for answer in question.get("answers") or ():
                        itemgetter("text", "answer_start")(answer)
    except json.JSONDecodeError as error:
        raise DataError(f"{shown(path)}, line {error.lineno}: no JSON ({error.msg})") from None
    except (KeyError, TypeError) as error:
        raise DataError(f"{shown(path)}: not in SQuAD's form (data, paragraphs, context, qas): {error!r}") from None
    return articles


def passage(context: str) -> str:
    """The group of all questions on a passage: a digest of its text, whatever file it stands in."""
    return f"passage {hashlib.sha256(context.encode()).hexdigest()[:16]}"


def _row(question: dict[str, Any], context: str, group: dict[str, object], path: Path, request: Request) -> Row:
    where = f"{shown(path)}, question {question['id']} ({request.language})"
    answers = []
    for answer in question.get("answers") or ():
        text, start = str(answer["text"]), int(answer["answer_start"])
        found = context[max(start, 0) : max(start, 0) + len(text)]
        if start < 0 or not text or found != text:
            raise DataError(f"{where}: the answer {text!r} does not stand at offset {start}, where {found!r} stands")
        answers.append((text, start))
    id = own_id(request.paths, path, str(question["id"]))
    fields = {"id": id, "question": question["question"], "context": context, "answers": answers}
    return Row({**fields, **group}, where)


# version 3: questions of pooled files carry the file's name
READERS.add("squad")(Reader(rows, frozenset({"group"}), lambda: "3"))
