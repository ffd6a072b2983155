"""Sentences of column files: one word a line with its tag, a blank line between sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.data.examples import Row
from harness.data.files import own_id, place, read_lines
from harness.data.readers import READERS, Reader, Request
from harness.data.tags import to_iob2
from harness.errors import DataError, nearest

DELIMITERS = {"tab": "\t", "space": " ", "whitespace": None}
SENT_ID = re.compile(r"#\s*sent_id\s*=\s*(.*?)\s*")


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file's lines are read.

    Attributes:
        delimiter: ``tab``, ``space`` or ``whitespace`` (any run of it).
        word: index of the word's column, from 0; negative from the end.
        tag: index of the tag's column.
        comment: lines that start so are comments; empty where a word may.
        scheme: of the file's tags; the rows have IOB2.
        word_prefix: ``colon`` where words carry their language, ``en:word``.
        group: pattern; what it matches at the start of a ``sent_id`` is the sentence's group.
        outside: tags that stand for ``O``.
    """

    delimiter: str = "whitespace"
    word: int = 0
    tag: int = -1
    comment: str = ""
    scheme: str = "IOB2"
    word_prefix: str = ""
    group: str = ""
    outside: tuple[str, ...] = ()


def rows(request: Request) -> Iterator[Row]:
    """One row a sentence: ``words``, ``tags`` in IOB2, ``id`` after a ``sent_id`` comment, ``group`` by the pattern.

    ``-DOCSTART-`` lines are left out, and number the documents in between. Where no line has a column for the tag, as
    in test files without labels, all tags are empty.

    Raises:
        DataError: a line lacks a column or its word is empty, or the tags break their scheme; file and line are named.
    """
    layout = _layout(request.options)
    document = 0
    for path in request.paths:
        lines = read_lines(path)
        labelled = any(len(_columns(line, layout)) > 1 for line in lines if not _skipped(line, layout))
        block: list[tuple[int, str]] = []
        for number, line in enumerate([*lines, ""], start=1):
            if line.startswith("-DOCSTART-"):
                document += 1
            elif line.strip():
                block.append((number, line))
            elif block:
                row = _sentence(block, path, request, layout, labelled)
                if row is not None:
                    yield row if not document else Row({**row.fields, "document": document}, row.where)
                block = []


def _layout(options: Mapping[str, object]) -> Layout:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    layout = Layout(**values)
    if layout.delimiter not in DELIMITERS:
        raise DataError(f"delimiter {layout.delimiter!r}: {nearest(layout.delimiter, DELIMITERS)}")
    return layout


def _skipped(line: str, layout: Layout) -> bool:
    return not line.strip() or line.startswith("-DOCSTART-") or bool(layout.comment and line.startswith(layout.comment))


def _columns(line: str, layout: Layout) -> list[str]:
    return line.split(DELIMITERS[layout.delimiter])


def _sentence(block: list[tuple[int, str]], path: Path, request: Request, layout: Layout, labelled: bool) -> Row | None:
    fields: dict[str, object] = {}
    words, tags, places = [], [], []
    for number, line in block:
        if _skipped(line, layout):
            if match := SENT_ID.fullmatch(line):
                fields["id"] = own_id(request.paths, path, match[1])
                if layout.group and (group := re.match(layout.group, match[1])):
                    fields["group"] = group[0]
            continue
        columns = _columns(line, layout)
        needed = max(i + 1 if i >= 0 else -i for i in ((layout.word, layout.tag) if labelled else (layout.word,)))
        if len(columns) < max(needed, 1 + labelled):
            raise DataError(f"{place(path, number)}: {len(columns)} columns, expected {max(needed, 2)}: {line[:60]!r}")
        word = columns[layout.word]
        if layout.word_prefix == "colon":
            word = word.partition(":")[2]
        if not word.strip():
            raise DataError(f"{place(path, number)}: the word is empty: {line[:60]!r}")
        tag = columns[layout.tag] if labelled else ""
        words.append(word)
        tags.append("O" if tag in layout.outside else tag)
        places.append(place(path, number))
    if not words:
        return None  # comments on their own, as at the head of a file
    try:
        fields |= {"words": words, "tags": to_iob2(tags, layout.scheme), "places": places}
    except DataError as error:
        raise DataError(f"{places[0]}: {error}") from None
    return Row(fields, places[0])


READERS.add("conll")(Reader(rows, frozenset(Layout.__dataclass_fields__)))
