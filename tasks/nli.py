"""Natural-language inference, and any other task with one label for a text or a pair of texts."""

from __future__ import annotations

from harness.data.examples import Example, LabelledText, Row, Shape
from harness.spec import TaskSpec
from harness.tasktype import TASK_TYPES, TaskType
from tasks.labels import ours, text


def example(row: Row, task: TaskSpec, id: str, group: str) -> LabelledText:
    """A text, or premise and hypothesis, with the task's label.

    Raises:
        DataError: a text is empty, or the label unknown.
    """
    second = text(row, "second", task) if row.fields.get("second") is not None else None
    label = ours(str(row.fields.get("label", "")), task, row.where)
    return LabelledText(id, group, text(row, "first", task), second, label)


def tags(task: TaskSpec) -> tuple[str, ...]:
    """The task's labels."""
    return task.labels


def gold(item: Example) -> str:
    """The label."""
    assert isinstance(item, LabelledText)
    return item.label


TASK_TYPES.add("nli")(TaskType(Shape.TEXT, example, tags, gold, ("accuracy",)))
