"""Sentences of the BUCC shared tasks, an id and a sentence a line, with the gold pairs of ids in a file beside them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from harness.data.examples import Row
from harness.data.files import place, read_lines, shown
from harness.data.readers import READERS, Reader, Request
from harness.errors import DataError

GOLD = ".gold"


def rows(request: Request) -> Iterator[Row]:
    """One row a line: ``id`` and ``text``; in the languages beside the pivot also ``gold``, the ids of translations.

    Raises:
        DataError: a line is not two columns, an id of the gold file is no sentence's, or there is no gold file.
    """
    texts = [path for path in request.paths if path.suffix != GOLD]
    sentences = [(path, number, *cells) for path in texts for number, cells in _lines(path)]
    if request.code == request.options.get("pivot"):
        for path, number, id, text in sentences:
            yield Row({"id": id, "text": text}, place(path, number))
        return
    gold = _gold(request.paths, {id for _, _, id, _ in sentences}, request)
    for path, number, id, text in sentences:
        yield Row({"id": id, "text": text, "gold": tuple(gold.get(id, ()))}, place(path, number))


def _gold(paths: tuple[Path, ...], known: set[str], request: Request) -> dict[str, list[str]]:
    """By id of this language's sentences, the ids of their translations."""
    files = [path for path in paths if path.suffix == GOLD]
    if not files:
        raise DataError(
            f"{shown(paths[0])}: no gold pairs beside it (.gold); XTREME's download deletes those of its test set, "
            f"which is BUCC's training set: take them from there"
        )
    found: dict[str, list[str]] = defaultdict(list)
    for path in files:
        for number, (one, other) in _lines(path):
            if one not in known:
                raise DataError(f"{place(path, number)}: {one!r} is the id of no sentence in {request.language}")
            found[one].append(other)
    return found


def _lines(path: Path) -> Iterator[tuple[int, tuple[str, str]]]:
    for number, line in enumerate(read_lines(path), start=1):
        cells = line.split("\t", 1)
        if len(cells) != 2 or not all(map(str.strip, cells)):
            raise DataError(f"{place(path, number)}: needs two columns with a tab between them: {line[:60]!r}")
        yield number, (cells[0].strip(), cells[1].strip())


READERS.add("bucc")(Reader(rows, frozenset({"pivot"})))
