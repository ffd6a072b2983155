"""How tags encode spans, and how each version of one scorer takes a tag apart into a prefix and a type."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum

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
    """What the tags of a span of type x look like; O is outside."""

    IOB1 = "IOB1"  # I-x; B-x where another span of the same type ends right before
    IOB2 = "IOB2"  # B-x, then I-x
    BIOES = "BIOES"  # B-x, then I-x, then E-x; S-x for a span of one word
    RAW = "raw"  # tags without prefixes: a run of equal tags is a span, as XTREME scores parts of speech

    @classmethod
    def _missing_(cls, value: object) -> Scheme:
        raise ValueError(f"unknown scheme {value!r}: {nearest(str(value), [known.value for known in cls])}")

    @property
    def letters(self) -> str:
        """The prefixes beside O; empty for tags without any."""
        return {Scheme.IOB1: "BI", Scheme.IOB2: "BI", Scheme.BIOES: "BIES", Scheme.RAW: ""}[self]

    def check(self, tag: str) -> None:
        """Nothing, where the tag belongs to the scheme.

        Raises:
            HarnessError: it does not.
        """
        if not tag:
            raise HarnessError("an empty string is no tag")
        if self.letters and not re.fullmatch(rf"O|[{self.letters}](-.*)?", tag, re.DOTALL):
            known = ", ".join(["O", *(f"{letter}-x" for letter in self.letters)])
            raise HarnessError(f"tag {tag!r} is none of the {self} scheme ({known}): write scheme:raw for bare tags")


Parser = Callable[[str], tuple[str, str]]


def parser(mode: Mode, scheme: Scheme) -> Parser:
    """What takes a tag apart into prefix and type."""
    if mode is Mode.LEGACY:
        # 0.0.12: a raw tag is its own type, but its first letter still acts as a prefix, so S splits SCONJ and SYM
        return lambda tag: (tag[0], tag.split("-")[-1])
    if mode is Mode.LENIENT:
        # 1.x: the first letter is gone, so that CCONJ and SCONJ are one type, and a tag of one letter has type "_"
        return lambda tag: (tag[0], tag[1:].split("-", 1)[-1] or "_")
    if scheme is Scheme.RAW:
        return lambda tag: ("O" if tag == "O" else "I", tag)
    return lambda tag: (tag[0], tag[1:].strip("-") or "_")


def type_named(name: str, mode: Mode, scheme: Scheme) -> str:
    """The type that a label has in this mode; legacy keeps of it what follows its last hyphen."""
    return parser(mode, scheme)(name if scheme is Scheme.RAW else f"B-{name}")[1]
