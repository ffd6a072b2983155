"""Mentions and entities of Mewsli-X, one JSON object a line, made into the texts that XTREME-R's baseline embeds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.data.examples import Row
from harness.data.files import place, read_lines
from harness.data.readers import READERS, Reader, Request
from harness.errors import DataError

MARKED = re.compile(r"\{(.*?)\}")  # braces mark the mention, so that the text's own become parentheses


def rows(request: Request) -> Iterator[Row]:
    """Of a file of mentions one row a mention in the language that is asked for; of one of entities one row an entity.

    A mention's ``text`` is itself and its sentence with the mention in braces, its ``gold`` the entity, its ``group``
    the article. An entity's ``text`` is its description.

    Raises:
        DataError: a line is no JSON, lacks a field, or has no text: Mewsli-X is published without the articles' texts,
            which its own script fills in.
    """
    for path in request.paths:
        for number, line in enumerate(read_lines(path), start=1):
            where = place(path, number)
            try:
                found = json.loads(line)
                yield from _entity(found, where) if "entity_id" in found else _mentions(found, where, request)
            except json.JSONDecodeError as error:
                raise DataError(f"{where}: no JSON ({error.msg})") from None
            except (KeyError, TypeError, IndexError, AttributeError) as error:
                raise DataError(f"{where}: not in the form of Mewsli-X: {error!r}") from None


def _mentions(found: Mapping[str, Any], where: str, request: Request) -> Iterator[Row]:
    context = found["context"]
    if context["language"] != request.code:
        return
    if not context["text"]:
        raise DataError(f"{where}: the article has no text; get-mewsli-x.sh of the data set fills the texts in")
    for mention in found["mentions"]:
        yield Row(
            {
                "id": mention["example_id"],
                "text": marked(context["text"], _spans(context), mention["mention_span"], where),
                "group": context["document_id"],
                "gold": (mention["entity_id"],),
            },
            where,
        )


def marked(text: str, sentences: list[tuple[int, int]], mention: Mapping[str, Any], where: str) -> str:
    """The mention, and its sentence with the mention in braces: ``Smith: The verdict came for { Smith } .``.

    Raises:
        DataError: the mention is not where its offsets say, or in no sentence.
    """
    start, end = int(mention["start"]), int(mention["end"])
    name = text[start:end]
    if name != mention["text"] or not name:
        raise DataError(f"{where}: the mention {mention['text']!r} does not stand at offset {start}, but {name!r}")
    around = next(((a, b) for a, b in sentences if a <= start and end <= b), None)
    if around is None:
        raise DataError(f"{where}: the mention {name!r} stands in no sentence")
    left, right = (MARKED.sub(r"(\1)", part) for part in (text[around[0] : start], text[end : around[1]]))
    return _plain(f"{name}: {left} {{ {name} }} {right}")


def _entity(found: Mapping[str, Any], where: str) -> Iterator[Row]:
    text = _plain(" ".join(found["description"][start:end] for start, end in _spans(found)))
    if not text:
        raise DataError(f"{where}: the entity {found['entity_id']} has no description")
    yield Row({"id": found["entity_id"], "text": text}, where)


def _spans(found: Mapping[str, Any]) -> list[tuple[int, int]]:
    return [(int(span["start"]), int(span["end"])) for span in found["sentence_spans"]]


def _plain(text: str) -> str:
    return " ".join(text.splitlines()).replace("  ", " ").strip()


READERS.add("mewsli")(Reader(rows, frozenset({"pivot"})))
