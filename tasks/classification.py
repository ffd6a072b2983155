"""Classification: one label for a text or a pair of texts, scored by texts and by classes."""

from __future__ import annotations

from harness.data.examples import Example, LabelledText, Row, Shape
from harness.spec import TaskSpec
from harness.tasktype import TASK_TYPES, TaskType
from tasks.labels import ours, pair


def example(row: Row, task: TaskSpec, id: str, group: str) -> LabelledText:
    """A text, or two that belong together, with the task's label.

    Raises:
        DataError: a text is empty, or the label unknown.
    """
    label = ours(str(row.fields.get("label", "")), task, row.where)
    return LabelledText(id, group, *pair(row, task), label)


def tags(task: TaskSpec) -> tuple[str, ...]:
    """The task's labels."""
    return task.labels


def gold(item: Example) -> str:
    """The label."""
    assert isinstance(item, LabelledText)
    return item.label


TASK_TYPES.add("classification")(TaskType(Shape.TEXT, example, tags, gold, ("accuracy", "macro_f1")))
