"""Numbers and scores of options from the lines of a file of predictions, or an error that names the line."""

from __future__ import annotations

import json
import math

from harness.data.examples import Example, Options
from harness.errors import DataError
from harness.metrics.base import LARGEST, is_number


def value(where: str, line: str, example: Example) -> float:  # noqa: ARG001
    """The number of a line.

    Raises:
        DataError: it has none, or none that a metric can take.
    """
    try:
        found = float(line)
    except ValueError:
        found = math.nan
    if not is_number(found):
        raise DataError(f"{where}: {line[:60]!r} is no finite number, or above {LARGEST:g}; there must be one a line")
    return found


def scores(where: str, line: str, example: Example) -> tuple[float, ...]:
    """One score an option: those that the line lists as ``scores``, or 1 for the index that it has as ``label``.

    Raises:
        DataError: the line is no such object, or does not fit the options.
    """
    assert isinstance(example, Options)
    n = len(example.options)
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: not JSON: {error}") from None
    if isinstance(found, dict) and isinstance(found.get("scores"), list):
        listed = found["scores"]
        if len(listed) != n:
            raise DataError(f"{where}: {len(listed)} scores for the {n} options of {example.id!r}")
        if not all(type(score) in (int, float) and is_number(score) for score in listed):
            raise DataError(f"{where}: scores must be finite numbers, and none above {LARGEST:g}; got {line[:60]}")
        return tuple(map(float, listed))
    label = found.get("label") if isinstance(found, dict) else None
    if type(label) is not int or not 0 <= label < n:
        raise DataError(
            f"{where}: expected {{'label': i}} with an option's index from 0 to {n - 1}, or {{'scores': [...]}}; "
            f"got {line[:60]}"
        )
    return tuple(float(i == label) for i in range(n))
