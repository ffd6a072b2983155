"""A data set's own labels turned into those of its task, or an error that names the place."""

from __future__ import annotations

import math

from harness.data.examples import Row
from harness.errors import DataError
from harness.spec import TaskSpec


def ours(label: str, task: TaskSpec, where: str, kind: str = "label") -> str:
    """The task's name for a label of the data set.

    Raises:
        DataError: the label is neither mapped nor one of the task's.
    """
    mapped = task.label_map.get(label, label)
    if mapped not in task.labels:
        raise DataError(
            f"{where}: {kind} {label!r} is not one of {', '.join(task.labels)} (task {task.name}). "
            f"Map it in the task's `label_map`."
        )
    return mapped


def text(row: Row, field: str, task: TaskSpec) -> str:
    """A field that must hold some text.

    Raises:
        DataError: the field is absent, not a string, or blank.
    """
    value = row.fields.get(field)
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{row.where}: the field {field!r} is empty or missing (task {task.name}); got {value!r}")
    return value


def pair(row: Row, task: TaskSpec) -> tuple[str, str | None]:
    """The text ``first`` and, where a row has one, the text ``second``; ``third`` goes on where the second ends.

    Instead, both may stand in ``pair``, on a line each.

    Raises:
        DataError: a text is empty, or there is none.
    """
    if row.fields.get("pair") is not None:
        both = [part.strip() for part in text(row, "pair", task).split("\n")]
        if len(both) != 2 or not all(both):
            raise DataError(f"{row.where}: {len(both)} lines where a pair of texts has two (task {task.name}): {both}")
        return both[0], both[1]
    first = text(row, "first", task)
    if row.fields.get("second") is None:
        return first, None
    more = str(row.fields.get("third") or "").strip()
    # a page may have a title alone, or a description alone
    if more and not str(row.fields["second"]).strip():
        return first, more
    second = text(row, "second", task)
    return first, f"{second} {more}" if more else second


def number(row: Row, field: str, task: TaskSpec) -> float:
    """A field that must hold a finite number, mapped by the task's label map where the data set has words for them.

    Raises:
        DataError: the field is missing, or no finite number.
    """
    given = row.fields.get(field)
    try:
        found = float(task.label_map.get(str(given), str(given)))
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise DataError(f"{row.where}: the field {field!r} must be a finite number (task {task.name}); got {given!r}")
    return found


def words_and_tags(row: Row, task: TaskSpec) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words of a row and the data set's own tags, of equal length and not empty.

    Raises:
        DataError: the lengths differ, or there is no word.
    """
    words, tags = row.fields.get("words"), row.fields.get("tags")
    if not isinstance(words, list | tuple) or not isinstance(tags, list | tuple) or not words:
        raise DataError(f"{row.where}: a sentence needs `words` and `tags` (task {task.name}); got {row.fields!r}")
    if len(words) != len(tags):
        raise DataError(f"{row.where}: {len(words)} words and {len(tags)} tags (task {task.name})")
    return tuple(map(str, words)), tuple(map(str, tags))


def line_of(row: Row, index: int) -> str:
    """Where the word of this index stands: its own line if the reader kept it, else the sentence's."""
    places = row.fields.get("places")
    return str(places[index]) if isinstance(places, list | tuple) else row.where
