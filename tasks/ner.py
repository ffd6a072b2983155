"""Named-entity recognition: a tag a word in the IOB2 scheme, scored by entity spans."""

from __future__ import annotations

from harness.data.examples import Example, Row, Shape, TaggedWords
from harness.errors import DataError
from harness.spec import TaskSpec
from harness.tasktype import TASK_TYPES, TaskType
from tasks.labels import line_of, words_and_tags


def example(row: Row, task: TaskSpec, id: str, group: str) -> TaggedWords:
    """A sentence whose entity types are the task's.

    Types that the label map sends to ``O`` disappear; with ``unknown_tags: drop`` so do types it does not know.

    Raises:
        DataError: words and tags differ in number, or a type is unknown.
    """
    words, tags = words_and_tags(row, task)
    return TaggedWords(id, group, words, tuple(_ours(tag, task, row, i) for i, tag in enumerate(tags)))


def _ours(tag: str, task: TaskSpec, row: Row, index: int) -> str:
    prefix, _, kind = tag.partition("-")
    mapped = task.label_map.get(kind, kind)
    if tag == "O" or mapped == "O":
        return "O"
    if prefix in ("B", "I") and mapped in task.labels:
        return f"{prefix}-{mapped}"
    if prefix in ("B", "I") and kind and task.unknown_tags == "drop":
        return "O"
    raise DataError(
        f"{line_of(row, index)}: tag {tag!r} is not one of {', '.join(task.labels)} (task {task.name}). "
        f"Map it in the task's `label_map`, or pass task.unknown_tags=drop to leave such spans out."
    )


def tags(task: TaskSpec) -> tuple[str, ...]:
    """``O``, then ``B-`` and ``I-`` of every entity type, in the order of the task's labels."""
    return ("O", *(f"{prefix}-{label}" for label in task.labels for prefix in "BI"))


def gold(item: Example) -> tuple[str, ...]:
    """The tags of a sentence."""
    assert isinstance(item, TaggedWords)
    return item.tags


TASK_TYPES.add("ner")(TaskType(Shape.WORDS, example, tags, gold, ("span_f1|mode:strict|scheme:IOB2",)))
