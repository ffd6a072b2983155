"""Spans of tag sequences as arrays over all words of a corpus, by the rules of three versions of one scorer.

``legacy`` follows seqeval 0.0.12, ``lenient`` seqeval 1.2.2 as it comes, both to the last span, whatever they make of
malformed tags; ``strict`` follows seqeval 1.2.2 with ``mode="strict", scheme=IOB2``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError, nearest


class Mode(StrEnum):
    """Whose reading of malformed tags."""

    STRICT = "strict"
    LENIENT = "lenient"
    LEGACY = "legacy"

    @classmethod
    def _missing_(cls, value: object) -> Mode:
        raise ValueError(f"unknown mode {value!r}: {nearest(str(value), [known.value for known in cls])}")


class Scheme(StrEnum):
    """How tags encode spans."""

    IOB2 = "IOB2"  # B-x opens a span of type x, I-x goes on with it, O is outside
    RAW = "raw"  # tags without prefixes: a run of equal tags is a span, as XTREME scores parts of speech

    @classmethod
    def _missing_(cls, value: object) -> Scheme:
        raise ValueError(f"unknown scheme {value!r}: {nearest(str(value), [known.value for known in cls])}")


@dataclass(frozen=True, slots=True)
class Spans:
    """The spans of a corpus, each at its last word.

    Attributes:
        ends: whether a span ends with this word, (words,).
        begin: where the span that ends here began; without meaning where none ends.
        type: type of the span, a number that is the same in every ``Spans`` of one call.
    """

    ends: NDArray[np.bool_]
    begin: NDArray[np.int64]
    type: NDArray[np.int64]

    def shared(self, other: Spans) -> NDArray[np.bool_]:
        """Where both have the same span."""
        same: NDArray[np.bool_] = (self.begin == other.begin) & (self.type == other.type)
        return self.ends & other.ends & same


Sentences = Sequence[Sequence[str]]
_IOB2 = re.compile(r"O|[BI](-.*)?", re.DOTALL)


def spans(sides: Sequence[Sentences], mode: Mode, scheme: Scheme) -> list[Spans]:
    """The spans of several taggings of one corpus, each sentence followed by one place more, which is outside.

    Raises:
        HarnessError: a tag is empty, or does not belong to the scheme.
    """
    parse = _PARSERS[mode, scheme]
    words = [[tag for sentence in side for tag in (*sentence, "O")] for side in sides]
    distinct = sorted({*chain.from_iterable(words)})
    _check(distinct, scheme)
    parsed = [parse(tag) for tag in distinct]
    # the place before the first word is outside and of type ""
    types = {type: i for i, type in enumerate(["", *sorted({type for _, type in parsed} - {""})])}
    prefix = np.array([ord(prefix) for prefix, _ in parsed], np.int64)
    kind = np.array([types[type] for _, type in parsed], np.int64)
    number = {tag: i for i, tag in enumerate(distinct)}
    rules = _strict if (mode, scheme) == (Mode.STRICT, Scheme.IOB2) else _conlleval
    coded = (np.fromiter(map(number.__getitem__, tags), np.int64, len(tags)) for tags in words)
    return [rules(prefix[codes], kind[codes]) for codes in coded]


def _check(tags: Sequence[str], scheme: Scheme) -> None:
    for tag in tags:
        if not tag:
            raise HarnessError("an empty string is no tag")
        if scheme is Scheme.IOB2 and not _IOB2.fullmatch(tag):
            raise HarnessError(f"tag {tag!r} is none of the IOB2 scheme (O, B-x, I-x): write scheme:raw for bare tags")


# prefix and type of a tag, as each version of the scorer takes it apart
_PARSERS: dict[tuple[Mode, Scheme], Callable[[str], tuple[str, str]]] = {
    # 0.0.12: a raw tag is its own type, but its first letter still acts as a prefix, so S splits SCONJ and SYM
    **dict.fromkeys([(Mode.LEGACY, s) for s in Scheme], lambda tag: (tag[0], tag.split("-")[-1])),
    # 1.x: the first letter is gone, so that CCONJ and SCONJ are one type, and a tag of one letter has type "_"
    **dict.fromkeys([(Mode.LENIENT, s) for s in Scheme], lambda tag: (tag[0], tag[1:].split("-", 1)[-1] or "_")),
    (Mode.STRICT, Scheme.IOB2): lambda tag: (tag[0], tag[1:].strip("-") or "_"),
    (Mode.STRICT, Scheme.RAW): lambda tag: ("O" if tag == "O" else "I", tag),
}


def _among(prefix: NDArray[np.int64], letters: str) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.isin(prefix, [ord(letter) for letter in letters])
    return found


def _spans(closes: NDArray[np.bool_], opens: NDArray[np.bool_], type: NDArray[np.int64]) -> Spans:
    """Spans that end before the places which close one, and begin at the last place that opened one."""
    begin = np.maximum.accumulate(np.where(opens, np.arange(len(opens)), 0))
    # nothing follows the last place, which is outside and ends no span
    return Spans(np.append(closes, False)[1:], begin, type)


def _conlleval(prefix: NDArray[np.int64], type: NDArray[np.int64]) -> Spans:
    """The rules of conlleval.pl, which seqeval took over; prefixes E and S included."""
    before, old = np.append(ord("O"), prefix)[:-1], np.append(0, type)[:-1]
    changed = old != type
    closes = _among(before, "ES") | (_among(before, "BI") & _among(prefix, "BSO")) | (~_among(before, "O.") & changed)
    opens = _among(prefix, "BS") | (_among(before, "ESO") & _among(prefix, "EI")) | (~_among(prefix, "O.") & changed)
    # a tag may close what it did not open (``.`` and types that equal that of O): the span then reaches back to the
    # last opening, in an earlier sentence even
    return _spans(closes, opens, type)


def _strict(prefix: NDArray[np.int64], type: NDArray[np.int64]) -> Spans:
    """A span opens with B alone; an I that continues nothing is outside."""
    before, old = np.append(ord("O"), prefix)[:-1], np.append(0, type)[:-1]
    goes_on = _among(prefix, "I") & _among(before, "BI") & (old == type)
    found = _spans(~goes_on, ~goes_on, type)
    return Spans(found.ends & (prefix[found.begin] == ord("B")), found.begin, type)
