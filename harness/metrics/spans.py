"""Spans of tag sequences as arrays over all words of a corpus, by the rules of three versions of one scorer.

``legacy`` follows seqeval 0.0.12, ``lenient`` seqeval 1.2.2 as it comes, both to the last span, whatever they make of
malformed tags; ``strict`` follows seqeval 1.2.2 with ``mode="strict"`` and the scheme.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.metrics.schemes import Mode, Scheme, parser, type_named
from harness.metrics.tags import TagArray

T = TypeVar("T", bound=np.generic)
Flags = NDArray[np.bool_]
Prefixes = NDArray[np.uint8]
Places = NDArray[np.int64]
Types = NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True, slots=True)
class Spans:
    """The spans of a corpus, in the order of their ends.

    Attributes:
        ends: the place of the last word of each span, ascending, (spans,).
        begins: the place of its first word.
        types: its type, a number that is the same in every ``Spans`` of one call.
    """

    ends: Places
    begins: Places
    types: Types

    def where(self, wanted: Flags) -> Spans:
        """Those of the spans that are wanted, (spans,)."""
        return Spans(self.ends[wanted], self.begins[wanted], self.types[wanted])

    def shared(self, other: Spans) -> Spans:
        """The spans that both have."""
        # where the other's span that ends here would stand, the place after its last one included
        at = np.searchsorted(other.ends, self.ends)
        pairs = zip((self.ends, self.begins, self.types), (other.ends, other.begins, other.types), strict=True)
        return self.where(np.logical_and.reduce([mine == np.append(its, -1)[at] for mine, its in pairs]))


def spans(sides: tuple[TagArray, ...], mode: Mode, scheme: Scheme, only: str = "") -> list[Spans]:
    """The spans of several taggings of one corpus, each sentence followed by one place more, which is outside.

    Args:
        sides: the taggings, with the same names of tags.
        mode: whose reading of malformed tags.
        scheme: how tags encode spans.
        only: the label whose spans are wanted; empty for all.

    Raises:
        HarnessError: a tag is empty, or does not belong to the scheme.
    """
    found, types = _all(sides, mode, scheme)
    if not only:
        return found
    wanted = types.get(type_named(only, mode, scheme), -1)
    return [side.where(side.types == wanted) for side in found]


# the spans of each label are asked for one after the other, of the same arrays
@lru_cache(maxsize=1)
def _all(sides: tuple[TagArray, ...], mode: Mode, scheme: Scheme) -> tuple[list[Spans], dict[str, int]]:
    """The spans of all labels, and the number of each type."""
    parse = parser(mode, scheme)
    names = sides[0].names
    parts = [parse("O")] * (len(names) + 1)  # the last is the outside after each sentence
    used = sum(np.bincount(side.codes, minlength=len(names)) for side in sides)
    for code in np.flatnonzero(used):  # names that no word bears may be anything
        scheme.check(names[code])
        parts[code] = parse(names[code])
    # the place before the first word is outside and of type ""
    types = {type: i for i, type in enumerate(dict.fromkeys(["", *(type for _, type in parts)]))}
    prefix = np.array([ord(prefix) if prefix in LETTERS else 0 for prefix, _ in parts], np.uint8)
    type = np.array([types[type] for _, type in parts], np.min_scalar_type(len(types)))  # small, as it is fast
    rules = _STRICT[scheme] if mode is Mode.STRICT else _conlleval
    return [rules(_separated(side, prefix), _separated(side, type)) for side in sides], types


def _separated(side: TagArray, values: NDArray[T]) -> NDArray[T]:
    """The value of each word's tag, with the last of the values after each sentence."""
    words = np.ones(len(side.codes) + len(side), np.bool_)
    words[side.offsets[1:] + np.arange(len(side))] = False
    found = np.full(len(words), values[-1])
    found[words] = values[side.codes]
    return found


# a raw tag may begin with a letter that is no prefix, but acts as one all the same
LETTERS = frozenset("BIOES.")


def _among(prefix: Prefixes, letters: str) -> Flags:
    found: Flags = np.logical_or.reduce([prefix == ord(letter) for letter in letters])
    return found


def _shifted(prefix: Prefixes, type: Types) -> tuple[Prefixes, Types]:
    """Prefix and type of the word before each word."""
    before, old = np.empty_like(prefix), np.empty_like(type)
    before[:1], old[:1] = ord("O"), 0
    before[1:], old[1:] = prefix[:-1], type[:-1]
    return before, old


def _spans(closes: Flags, opens: Flags, type: Types) -> Spans:
    """Spans that end before the places which close one, and begin at the last place that opened one."""
    # nothing follows the last place, which is outside and ends no span; what nothing opened began at the first
    ends, openings = np.flatnonzero(closes[1:]), np.append(0, np.flatnonzero(opens))
    return Spans(ends, openings[np.searchsorted(openings, ends, side="right") - 1], type[ends])


def _conlleval(prefix: Prefixes, type: Types) -> Spans:
    """The rules of conlleval.pl, which seqeval took over; prefixes E and S included."""
    before, old = _shifted(prefix, type)
    changed = old != type
    closes = _among(before, "ES") | (_among(before, "BI") & _among(prefix, "BSO")) | (~_among(before, "O.") & changed)
    opens = _among(prefix, "BS") | (_among(before, "ESO") & _among(prefix, "EI")) | (~_among(prefix, "O.") & changed)
    # a tag may close what it did not open (``.`` and types that equal that of O): the span then reaches back to the
    # last opening, in an earlier sentence even
    return _spans(closes, opens, type)


def _iob1(prefix: Prefixes, type: Types) -> Spans:
    """A span opens with I, or with a B that follows a tag of its type; other B are outside."""
    before, old = _shifted(prefix, type)
    same, inside = old == type, prefix == ord("I")
    second = (prefix == ord("B")) & _among(before, "BI") & same  # a B that does open
    goes_on = inside & same & ((before == ord("I")) | np.append(False, second[:-1]))
    found = _spans(~goes_on, ~goes_on, type)
    # seqeval has no rule for the end of such a B before a B of another type, and so no span
    lost = second[:-1] & (prefix[1:] == ord("B")) & ~same[1:]
    return found.where((inside | second)[found.ends] & ~lost[found.ends])


def _iob2(prefix: Prefixes, type: Types) -> Spans:
    """A span opens with B alone; an I that continues nothing is outside."""
    before, old = _shifted(prefix, type)
    goes_on = (prefix == ord("I")) & _among(before, "BI") & (old == type)
    found = _spans(~goes_on, ~goes_on, type)
    return found.where(prefix[found.begins] == ord("B"))


def _bioes(prefix: Prefixes, type: Types) -> Spans:
    """A span opens with B and closes with E, or is an S; anything else is outside."""
    before, old = _shifted(prefix, type)
    goes_on = _among(prefix, "IE") & _among(before, "BI") & (old == type)
    found = _spans(~goes_on, ~goes_on, type)
    return found.where(_among(prefix[found.ends], "ES") & _among(prefix[found.begins], "BS"))


_STRICT: dict[Scheme, Callable[[Prefixes, Types], Spans]] = {
    Scheme.IOB1: _iob1,
    Scheme.IOB2: _iob2,
    Scheme.BIOES: _bioes,
    Scheme.RAW: _conlleval,
}
