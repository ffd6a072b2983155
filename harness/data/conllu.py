"""Sentences of CoNLL-U files: words with universal part-of-speech tags, or the running text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from harness.data.examples import Row
from harness.data.files import own_id, place, read_lines
from harness.data.readers import READERS, Reader, Request
from harness.errors import DataError

COLUMNS = 10
FORM, UPOS = 1, 3
WORD = re.compile(r"\d+")
NOT_A_WORD = re.compile(r"\d+-\d+|\d+\.\d+")  # multiword tokens and empty nodes
COMMENT = re.compile(r"#\s*(sent_id|text)\s*=\s*(.*?)\s*")
PUD_SENTENCE = re.compile(r"([nw]\d{5})\d{3}")


def rows(request: Request) -> Iterator[Row]:
    """One row a sentence: ``words`` and ``tags``, or ``text``; ``id`` where the file gives a ``sent_id``.

    Options: ``group: document`` makes the document of a Parallel UD sentence its group (``n01001`` of ``n01001011``);
    ``text: true`` yields the sentence's text instead of its words.

    Raises:
        DataError: a line has not ten columns, a sentence no text or no document; file and line are named.
    """
    for path in request.paths:
        block: list[tuple[int, str]] = []
        for number, line in enumerate([*read_lines(path), ""], start=1):
            if line.strip():
                block.append((number, line))
            elif block:
                yield _sentence(block, path, request)
                block = []


def _sentence(block: list[tuple[int, str]], path: Path, request: Request) -> Row:
    where = place(path, block[0][0])
    words, tags, places = [], [], []
    comments: dict[str, str] = {}
    for number, line in block:
        if line.startswith("#"):
            if match := COMMENT.fullmatch(line):
                comments[match[1]] = match[2]
            continue
        columns = line.split("\t")
        if len(columns) != COLUMNS:
            raise DataError(f"{place(path, number)}: {len(columns)} columns where CoNLL-U has {COLUMNS}: {line[:60]!r}")
        if WORD.fullmatch(columns[0]):
            words.append(columns[FORM])
            tags.append(columns[UPOS])
            places.append(place(path, number))
        elif not NOT_A_WORD.fullmatch(columns[0]):
            raise DataError(f"{place(path, number)}: {columns[0]!r} is no word index")
    fields: dict[str, object] = {}
    if "sent_id" in comments:
        fields["id"] = own_id(request.paths, path, comments["sent_id"])
    if request.options.get("group") == "document":
        document = PUD_SENTENCE.fullmatch(comments.get("sent_id", ""))
        if document is None:
            raise DataError(f"{where}: sent_id {comments.get('sent_id')!r} names no document, as in n01001011")
        fields["group"] = document[1]
    if request.options.get("text"):
        if not comments.get("text"):
            raise DataError(f"{where}: the sentence has no `# text` comment")
        return Row({**fields, "text": comments["text"]}, where)
    if not words:
        raise DataError(f"{where}: a sentence without words")
    return Row({**fields, "words": words, "tags": tags, "places": places}, where)


READERS.add("conllu")(Reader(rows, frozenset({"group", "text", "pivot"})))
