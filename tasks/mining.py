"""Bitext mining: which sentences of two comparable corpora are translations of each other."""

from __future__ import annotations

from harness.data.examples import Example, Query, Row, Sentence, Shape
from harness.retrieval.base import ALL
from harness.retrieval.mining import MINING
from harness.spec import TaskSpec
from harness.tasktype import TASK_TYPES, TaskType
from tasks.labels import text


def example(row: Row, task: TaskSpec, id: str, group: str) -> Sentence:
    """A sentence; on the side that is tested, with the ids of its translations on the other, mostly none.

    Raises:
        DataError: the sentence is empty.
    """
    words = text(row, "text", task)
    gold = row.fields.get("gold")
    return Query(id, group, words, {ALL: gold}) if isinstance(gold, tuple) else Sentence(id, group, words)


def tags(task: TaskSpec) -> tuple[str, ...]:  # noqa: ARG001
    """Nothing: the answer is a neighbour."""
    return ()


def gold(item: Example) -> tuple[str, ...]:
    """The ids of the translations."""
    assert isinstance(item, Query)
    return item.answers[ALL]


TASK_TYPES.add("mining")(TaskType(Shape.SENTENCE, example, tags, gold, ("mining_f1",), match=MINING))
