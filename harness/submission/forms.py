"""What the files of a submission can look like, by the name that a suite's task gives as its form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.data.hidden import FEW, PLACEHOLDERS
from harness.errors import DataError

HIDDEN = "the labels are hidden: {}; score against the real ones, or through the official server"
SWAPPED = "are the two folders swapped?"
ZERO = "0"  # some placeholders are numbers


@dataclass(frozen=True, slots=True)
class Matched:
    """Gold answers and predictions of one language side by side, as its metrics take them.

    Attributes:
        unanswered: gold answers without a prediction, which are in neither list and score nothing.
        notes: what is odd about the file, and does not keep it from being scored.
    """

    gold: Sequence[Any]
    predicted: Sequence[Any]
    unanswered: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """How a file is read, compared and written.

    Attributes:
        suffix: of the files.
        read: the answers of a submission's file.
        read_gold: the same of a gold file, which may look different; the second argument are the task's labels.
        match: the two side by side; the first argument is the submission's file, the last the task's labels.
        write: answers as the content of a file, which ``read`` reads back.
        metric: counts what such files tell, where the suite's own metric needs more than that (ranks, scores).

    All but ``write`` raise DataError on anything malformed, naming file and line.
    """

    suffix: str
    read: Callable[[Path], Any]
    read_gold: Callable[[Path, Sequence[str]], Any]
    match: Callable[[Path, Any, Any, Sequence[str]], Matched]
    write: Callable[[Any], str]
    metric: str = ""


def refuse_placeholder(path: Path, values: Sequence[str], labels: Sequence[str], number: int) -> None:
    """Nothing, if gold labels may be real: there are several, or the one is no placeholder.

    Args:
        number: how many examples there are: a few may really all be `O`.

    Raises:
        DataError: they are one placeholder throughout; the message says so.
    """
    distinct = set(values)
    if len(distinct) == 1 and distinct <= PLACEHOLDERS | {ZERO}:
        (value,) = distinct
        if value not in labels or number > FEW:
            raise DataError(f"{path}: {HIDDEN.format(f'every one is {value!r}')}")


def forms() -> Mapping[str, Form]:
    """Every form by its name."""
    from harness.submission import answers, choices, indices, labels, pairs, rankings, tags

    modules = (labels, tags, answers, pairs, indices, choices, rankings)
    return MappingProxyType({module.__name__.rpartition(".")[2]: module.FORM for module in modules})
