"""Splits whose labels are withheld, told from real ones: XTREME's test files carry one placeholder throughout."""

from __future__ import annotations

from collections.abc import Sequence

from harness.data.examples import Row, Shape
from harness.errors import DataError
from harness.spec import TaskSpec
from harness.tasktype import TASK_TYPES

PLACEHOLDERS = frozenset({"", "-1", "X", "O", "_", "?", "None"})
FEW = 50  # so many sentences may really be without an entity


def refuse_hidden(rows: Sequence[Row], task: TaskSpec, what: str) -> None:
    """Nothing, if the rows have labels.

    Raises:
        DataError: every tag or label is the same placeholder, where the task has more, or no question has an answer.
    """
    if _hidden(rows, task):
        raise DataError(
            f"{what}: labels hidden ({rows[0].where} and all that follow have none); "
            f"evaluate on dev (task.splits.test=...), score through the official server, or, if the labels' column "
            f"has another name, say so in `columns`"
        )


def _hidden(rows: Sequence[Row], task: TaskSpec) -> bool:
    fields = rows[0].fields
    if "answers" in fields:
        return not any(row.fields["answers"] for row in rows)
    if "tags" in fields:
        tags = {str(tag) for row in rows for tag in _list(row.fields["tags"])}
        return len(rows) > FEW if tags == {"O"} else len(tags) == 1 and tags <= PLACEHOLDERS
    if TASK_TYPES[task.type].shape in (Shape.VALUE, Shape.OPTIONS):
        answers = (str(row.fields.get("answer", row.fields.get("value", ""))) for row in rows)
        given = {answer.strip().removesuffix(".0") for answer in answers}  # numbers: -1.0 is -1
        return given <= (PLACEHOLDERS | {"nan"}) - task.label_map.keys()
    if len(task.labels) > 1 and ("first" in fields or "label" in fields):
        labels = {str(row.fields.get("label", "")).strip() for row in rows}
        return len(labels) == 1 and labels <= PLACEHOLDERS - set(task.labels) - set(task.label_map)
    return False


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()
