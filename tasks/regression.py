"""Regression: a number for a text or a pair of texts, scored by how well the order and the values agree."""

from __future__ import annotations

from harness.data.examples import Example, Row, Shape, ValuedText
from harness.spec import TaskSpec
from harness.tasktype import TASK_TYPES, TaskType
from tasks.labels import number, pair


def example(row: Row, task: TaskSpec, id: str, group: str) -> ValuedText:
    """A text, or two that belong together, with its value.

    Raises:
        DataError: a text is empty, or the value no finite number.
    """
    return ValuedText(id, group, *pair(row, task), number(row, "value", task))


def tags(task: TaskSpec) -> tuple[str, ...]:  # noqa: ARG001
    """Nothing: the answer is a number."""
    return ()


def gold(item: Example) -> float:
    """The value."""
    assert isinstance(item, ValuedText)
    return item.value


TASK_TYPES.add("regression")(TaskType(Shape.VALUE, example, tags, gold, ("spearman", "pearson")))
