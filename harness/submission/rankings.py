"""Files of rankings (``.json``): ``{query id: [candidate ids, the best first]}``; gold names the right one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.errors import DataError
from harness.submission.forms import HIDDEN, SWAPPED, Form, Matched
from harness.submission.text import kind, line_of, read_object, read_text, shown

Ranked = dict[str, list[str]]


def read(path: Path) -> Ranked:
    """The candidates of each query, the best first.

    Raises:
        DataError: the file is not of that shape, or an id stands twice.
    """
    found, text = read_object(path)
    for id, candidates in found.items():
        if not isinstance(candidates, list) or not all(isinstance(one, str) for one in candidates):
            what = kind(candidates) if not isinstance(candidates, list) else "a list with something else in it"
            raise DataError(f"{path}, line {line_of(id, text)}: {shown(id)} needs a list of ids (strings), not {what}")
    return found


def read_gold(path: Path, labels: Sequence[str]) -> Ranked:  # noqa: ARG001
    """The right candidate of each query, in a list of its own.

    Raises:
        DataError: as for ``read``; a query has none, or each has several.
    """
    found = read(path)
    bare = [id for id, right in found.items() if not any(one.strip() for one in right)]
    if len(bare) == len(found):
        raise DataError(f"{path}: {HIDDEN.format('no query has an answer')}")
    if all(len(right) > 1 for right in found.values()):
        raise DataError(f"{path}: every query has several candidates, as in predictions: {SWAPPED}")
    for id in bare:
        raise DataError(f"{path}, line {line_of(id, read_text(path))}: the query {shown(id)} has no gold answer")
    return found


def match(path: Path, gold: Ranked, predicted: Ranked, labels: Sequence[str]) -> Matched:  # noqa: ARG001
    """The ranked queries, in gold's order; how many are not, and ids that are nobody's, are noted."""
    missing = [id for id in gold if id not in predicted]
    strangers = sorted(predicted.keys() - gold.keys())
    notes = []
    if missing:
        notes.append(f"{path}: no ranking for {shown(missing[0])}, {len(missing)} of {len(gold)} in all: they score 0")
    if strangers:
        line = line_of(strangers[0], read_text(path))
        notes.append(
            f"{path}, line {line}: {shown(strangers[0])} is the id of no query ({len(strangers)} such ids): ignored"
        )
    ranked = [id for id in gold if id in predicted]
    # the official scorer takes the first gold answer, of which there is one
    right = [(gold[id][0].strip(),) for id in ranked]
    return Matched(right, [predicted[id] for id in ranked], len(missing), tuple(notes))


def write(rankings: Mapping[str, Sequence[str]]) -> str:
    """One JSON object, a query a line."""
    lines = (f" {json.dumps(id)}: {json.dumps(list(ranked))}" for id, ranked in rankings.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


FORM = Form(".json", read, read_gold, match, write)
