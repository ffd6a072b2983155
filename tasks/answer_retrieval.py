"""Retrieval of answers: questions look for the sentences that answer them, mentions for their entity."""

from __future__ import annotations

from harness.data.examples import Example, Query, Row, Sentence, Shape
from harness.errors import DataError
from harness.retrieval.answers import ANSWERS
from harness.retrieval.base import ALL
from harness.spec import TaskSpec
from harness.tasktype import TASK_TYPES, TaskType
from tasks.labels import text


def example(row: Row, task: TaskSpec, id: str, group: str) -> Sentence:
    """A query with the ids of its answers, or a candidate.

    Raises:
        DataError: the text is empty, or a query has no answer.
    """
    words = text(row, "text", task)
    if "gold" not in row.fields:
        return Sentence(id, group, words)
    gold = row.fields["gold"]
    if not isinstance(gold, tuple) or not gold:
        raise DataError(f"{row.where}: the query {id!r} has no answer (task {task.name})")
    return Query(id, group, words, {ALL: gold})


def tags(task: TaskSpec) -> tuple[str, ...]:  # noqa: ARG001
    """Nothing: the answer is a neighbour."""
    return ()


def gold(item: Example) -> object:
    """The ids of the answers; by pool, where the task's metrics look into several."""
    assert isinstance(item, Query)
    return item.answers[ALL] if item.answers.keys() == {ALL} else dict(item.answers)


TASK_TYPES.add("answer_retrieval")(TaskType(Shape.SENTENCE, example, tags, gold, ("map_at|k:20",), match=ANSWERS))
