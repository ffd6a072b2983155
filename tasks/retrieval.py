"""Retrieval of translations: every sentence looks for its own, forward and backward."""

from __future__ import annotations

from harness.data.examples import Example, Row, Sentence, Shape
from harness.retrieval.translations import TRANSLATIONS
from harness.spec import TaskSpec
from harness.tasktype import TASK_TYPES, TaskType
from tasks.labels import text


def example(row: Row, task: TaskSpec, id: str, group: str) -> Sentence:
    """A sentence that carries the id of its translations.

    Raises:
        DataError: the sentence is empty.
    """
    return Sentence(id, group, text(row, "text", task))


def tags(task: TaskSpec) -> tuple[str, ...]:  # noqa: ARG001
    """Nothing: the answer is a neighbour."""
    return ()


def gold(item: Example) -> str:
    """The id of the translation."""
    return item.id


TASK_TYPES.add("retrieval")(TaskType(Shape.SENTENCE, example, tags, gold, ("retrieval_accuracy",), match=TRANSLATIONS))
