"""Values of a hub data set's records, as our fields have them: labels by name, one language of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def class_names(feature: Any) -> list[str] | None:
    """The names of a column's class labels, or of the labels in its lists; None where it has none."""
    names = getattr(getattr(feature, "feature", feature), "names", None)
    return list(names) if names is not None else None


def plain(value: Any, names: Sequence[str] | None, code: str) -> object:
    """A value without what is the hub's own: answers with their starts, labels by name, of several languages one."""
    if isinstance(value, Mapping) and "answer_start" in value:  # SQuAD's answers
        return list(zip(value["text"], value["answer_start"], strict=True))
    if isinstance(value, Mapping) and value.keys() == {"language", "translation"}:
        value = dict(zip(value["language"], value["translation"], strict=True))
    if isinstance(value, Mapping) and code in value:
        value = value[code]
    if names is None:
        return value
    if isinstance(value, list):
        return [_label(item, names) for item in value]
    return _label(value, names)


def _label(value: Any, names: Sequence[str]) -> str:
    return names[value] if 0 <= value < len(names) else str(value)  # -1 marks a hidden label
