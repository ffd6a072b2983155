"""What a reader gets and gives: a request for one language of one split in, rows out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.data.examples import Row
from harness.registry import Registry


@dataclass(frozen=True, slots=True)
class Request:
    """One language of one split.

    Attributes:
        paths: the files to pool, sorted; empty for embedded data.
        language: canonical code.
        code: the data set's own spelling.
        split: train, dev or test, as the harness calls it.
        options: from the task's YAML.
    """

    paths: tuple[Path, ...]
    language: str
    code: str
    split: str
    options: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Reader:
    """How a format is read.

    Attributes:
        rows: yields rows with the fields of the task type's shape: WORDS ``words, tags`` (lists of strings); TEXT
            ``first, second, label``; PASSAGE ``question, context, answers`` (a list of ``(text, start)``); SENTENCE
            ``text``, and ``gold`` (a tuple of ids) where it looks for others; VALUE ``first, second, value``; OPTIONS
            ``first, options, answer``, or a row an option with ``first, second, value``; and, where the format has
            them, ``id`` and ``group``.
        options: what ``files.options`` may say to it; anything else is refused, so that nothing misspelt is ignored;
            None where the reader does not tell.
        version: digest of what the rows depend on besides files and options; part of the fingerprint.
    """

    rows: Callable[[Request], Iterator[Row]]
    options: frozenset[str] | None = None
    version: Callable[[], str] = lambda: "1"


READERS: Registry[Reader] = Registry("reader", "harness.readers")
