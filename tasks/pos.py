"""Part-of-speech tagging: one tag a word, scored by words."""

from __future__ import annotations

from harness.data.examples import Example, Row, Shape, TaggedWords
from harness.spec import TaskSpec
from harness.tasktype import TASK_TYPES, TaskType
from tasks.labels import line_of, ours, words_and_tags


def example(row: Row, task: TaskSpec, id: str, group: str) -> TaggedWords:
    """A sentence with the task's tags.

    Raises:
        DataError: words and tags differ in number, or a tag is unknown.
    """
    words, tags = words_and_tags(row, task)
    return TaggedWords(id, group, words, tuple(ours(tag, task, line_of(row, i), "tag") for i, tag in enumerate(tags)))


def tags(task: TaskSpec) -> tuple[str, ...]:
    """The task's labels."""
    return task.labels


def gold(item: Example) -> tuple[str, ...]:
    """The tags of a sentence."""
    assert isinstance(item, TaggedWords)
    return item.tags


TASK_TYPES.add("pos")(TaskType(Shape.WORDS, example, tags, gold, ("accuracy",)))
