"""Tags in IOB2, from the schemes that files come in."""

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import DataError, nearest

SCHEMES = ("IOB1", "IOB2", "BIOES")


def to_iob2(tags: Sequence[str], scheme: str) -> list[str]:
    """The same spans, every one of them opened by ``B-``.

    IOB2 comes back as it is, an inside tag without a begin included: whether that opens a span is the metric's to say.

    Args:
        tags: of one sentence.
        scheme: ``IOB1`` (``B-`` only between adjacent spans of one type), ``IOB2`` or ``BIOES``.

    Raises:
        DataError: the scheme is unknown, or BIOES tags break it; the message names the position, counted from 0.
    """
    if scheme == "IOB2":
        return list(tags)
    if scheme == "IOB1":
        return _from_iob1(tags)
    if scheme == "BIOES":
        return _from_bioes(tags)
    raise DataError(f"unknown tag scheme {scheme!r}: {nearest(scheme, SCHEMES)}")


def _from_iob1(tags: Sequence[str]) -> list[str]:
    converted = []
    for i, tag in enumerate(tags):
        prefix, _, kind = tag.partition("-")
        before = tags[i - 1].partition("-")[2] if i and tags[i - 1] != "O" else None
        converted.append(f"B-{kind}" if prefix == "I" and kind != before else tag)
    return converted


def _from_bioes(tags: Sequence[str]) -> list[str]:
    converted, inside = [], ""
    for i, tag in enumerate(tags):
        prefix, _, kind = tag.partition("-")
        if (prefix in ("I", "E")) != bool(inside) or (inside and kind != inside):
            raise DataError(
                f"tag {i}, {tag!r}, breaks BIOES: " + (f"{inside!r} is open" if inside else "no span is open")
            )
        if tag != "O" and (prefix not in tuple("BIES") or not kind):
            raise DataError(f"tag {i}, {tag!r}, is no BIOES tag")
        inside = kind if prefix in ("B", "I") else ""
        converted.append("O" if tag == "O" else f"{'B' if prefix in ('B', 'S') else 'I'}-{kind}")
    if inside:
        raise DataError(
            f"tag {len(tags) - 1}, {tags[-1]!r}, breaks BIOES: {inside!r} is open at the end of the sentence"
        )
    return converted
