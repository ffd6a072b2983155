"""The reader ``mini``: rows of the embedded benchmark, made when they are asked for and kept for the process."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from harness.data.examples import Row
from harness.data.readers import READERS, Reader, Request
from harness.errors import DataError, nearest
from tasks.mini import inference, questions, sentences
from tasks.mini.lexicon import Lexicon, lexicon


class Kind(NamedTuple):
    """How the rows of one task are made, and which splits there are."""

    rows: Callable[[Lexicon, str], Iterator[Mapping[str, object]]]
    splits: Mapping[str, int]


KINDS = {
    "ner": Kind(sentences.ner, sentences.TAGGED),
    "pos": Kind(sentences.pos, sentences.TAGGED),
    "nli": Kind(inference.rows, inference.PREMISES),
    "qa": Kind(questions.rows, questions.PARAGRAPHS),
    "retrieval": Kind(sentences.retrieval, sentences.RETRIEVAL),
    "parallel": Kind(sentences.parallel, sentences.PARALLEL),
}


def rows(request: Request) -> Iterator[Row]:
    """The rows of one language of one split, of the task that the option ``kind`` names.

    Raises:
        DataError: the kind, the split or the language does not exist.
    """
    kind = str(request.options.get("kind", ""))
    if kind not in KINDS:
        raise DataError(f"the reader mini has no kind {kind!r}: {nearest(kind, KINDS)}. Set files.options.kind.")
    if request.split not in KINDS[kind].splits:
        raise DataError(f"the embedded {kind} has no split {request.split!r}; it has {', '.join(KINDS[kind].splits)}")
    for i, fields in enumerate(_fields(kind, request.language, request.split), start=1):
        yield Row(fields, f"mini/{request.language}/{kind}/{request.split}, item {i}")


@functools.cache
def _fields(kind: str, language: str, split: str) -> tuple[Mapping[str, object], ...]:
    return tuple(KINDS[kind].rows(lexicon(language), split))


@functools.cache
def version() -> str:
    """The sha256 of all that decides the rows: this package's data files and its source."""
    folder = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.py"), *folder.glob("languages/*.yaml")]):
        # Windows' line ends are no other data
        digest.update(path.name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()


READERS.add("mini")(Reader(rows=rows, version=version))
