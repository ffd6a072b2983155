"""Files of one tag a line (``.tsv``), without the words, and a blank line between sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import DataError
from harness.submission.forms import Form, Matched, refuse_placeholder
from harness.submission.text import first, listed, read_lines, shown


@dataclass(frozen=True, slots=True)
class Tagged:
    """The tags of a file by sentence, and the line that each sentence begins on, counted from 1."""

    sentences: list[list[str]]
    lines: list[int]


def read(path: Path) -> Tagged:
    """The tags of each sentence; several blank lines part sentences as one does."""
    return sentences(path, read_lines(path))


def sentences(path: Path, lines: list[str]) -> Tagged:
    """The tags of each sentence, from stripped lines.

    Raises:
        DataError: a line holds more than one word.
    """
    if number := first(lines, {line for line in set(lines) if len(line.split(None, 1)) > 1}):
        raise DataError(f"{path}, line {number}: {shown(lines[number - 1])}; write one tag a line, without its word")
    found, starts, start = [], [], 0
    lines = [*lines, ""]
    while start < len(lines):
        end = lines.index("", start)
        if end > start:
            found.append(lines[start:end])
            starts.append(start + 1)
        start = end + 1
    return Tagged(found, starts)


def read_gold(path: Path, labels: Sequence[str]) -> Tagged:
    """The gold tags of each sentence."""
    found = read(path)
    refuse_hidden(path, found, labels)
    return found


def refuse_hidden(path: Path, found: Tagged, labels: Sequence[str]) -> None:
    """Nothing, if the gold tags are not one placeholder throughout."""
    distinct = sorted({tag for sentence in found.sentences for tag in sentence})
    refuse_placeholder(path, distinct, labels, len(found.sentences))


def match(path: Path, gold: Tagged, predicted: Tagged, labels: Sequence[str]) -> Matched:
    """The sentences side by side; a tag that the task does not have is noted, and counts as its scorer counts it.

    Raises:
        DataError: the number of sentences differs from gold's, or a sentence has another number of tags.
    """
    have, want = len(predicted.sentences), len(gold.sentences)
    numbered = zip(gold.sentences, predicted.sentences, predicted.lines, strict=False)
    at = next(((n, line, len(g), len(p)) for n, (g, p, line) in enumerate(numbered, 1) if len(g) != len(p)), None)
    counts = f"{have} sentences where gold has {want}" if have != want else ""
    if at:
        number, line, truth, guess = at
        where = f"{path}, line {line}: sentence {number} has {guess} tags where gold has {truth}"
        raise DataError(f"{where}; each word needs one" + (f" ({counts})" if counts else ""))
    if counts:
        line = predicted.lines[want] if have > want else predicted.lines[-1] + len(predicted.sentences[-1]) - 1
        raise DataError(f"{path}, line {line}: {counts}; a blank line parts sentences")
    return Matched(gold.sentences, predicted.sentences, notes=tuple(strange(path, gold, predicted, labels)))


def strange(path: Path, gold: Tagged, predicted: Tagged, labels: Sequence[str]) -> list[str]:
    """A note that names the first tag that the task does not have; none where it has all.

    Raises:
        DataError: a tag has no prefix, where those of the task have: no span can be made of it.
    """
    known = {*labels, *(tag for sentence in gold.sentences for tag in sentence)}
    unknown = {tag for sentence in predicted.sentences for tag in sentence} - known
    if not unknown:
        return []
    prefixes = {tag[0] for tag in known if tag[1:2] == "-"}
    bare = {tag for tag in unknown if tag[0] not in prefixes or tag[1:2] not in ("", "-")} if prefixes else set()
    line, tag = next(
        (line + i, tag)
        for sentence, line in zip(predicted.sentences, predicted.lines, strict=True)
        for i, tag in enumerate(sentence)
        if tag in (bare or unknown)
    )
    where = f"{path}, line {line}: tag {shown(tag)} is not one of {listed(known)}"
    if bare:
        raise DataError(f"{where}; write a prefix and a type, or O")
    others = f", nor are {len(unknown) - 1} others" if len(unknown) > 1 else ""
    return [f"{where}{others}: scored as it stands"]


def write(tags: Sequence[Sequence[str]]) -> str:
    """One tag a line, a blank line after each sentence but the last."""
    return "\n".join("".join(f"{tag}\n" for tag in sentence) for sentence in tags)


FORM = Form(".tsv", read, read_gold, match, write)
