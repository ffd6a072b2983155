"""Extractive question answering: a span of the context, scored against every gold answer."""

from __future__ import annotations

from harness.data.examples import Answer, Example, Question, Row, Shape
from harness.errors import DataError
from harness.spec import TaskSpec
from harness.tasktype import TASK_TYPES, TaskType
from tasks.labels import text


def example(row: Row, task: TaskSpec, id: str, group: str) -> Question:
    """A question with its context and all gold answers, each standing at its offset.

    Raises:
        DataError: no answer, or an answer that is not where its offset says.
    """
    context = text(row, "context", task)
    answers = row.fields.get("answers")
    if not isinstance(answers, list | tuple) or not answers:
        raise DataError(
            f"{row.where}: question {id!r} has no answer; hidden labels cannot be scored (task {task.name})"
        )
    found = tuple(Answer(str(answer), int(start)) for answer, start in answers)
    for answer in found:
        if context[answer.start : answer.start + len(answer.text)] != answer.text:
            raise DataError(
                f"{row.where}: question {id!r}: the answer {answer.text!r} does not stand at offset {answer.start} "
                f"of its context, where {context[answer.start : answer.start + len(answer.text)]!r} stands"
            )
    return Question(id, group, text(row, "question", task), context, found)


def tags(task: TaskSpec) -> tuple[str, ...]:  # noqa: ARG001
    """Nothing: an answer is a span."""
    return ()


def gold(item: Example) -> tuple[str, ...]:
    """The texts of all gold answers."""
    assert isinstance(item, Question)
    return tuple(answer.text for answer in item.answers)


TASK_TYPES.add("qa")(
    TaskType(Shape.PASSAGE, example, tags, gold, ("squad_f1", "squad_em", "multilingual_f1", "multilingual_em"))
)
