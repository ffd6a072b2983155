"""Multiple choice: one of several options continues or answers a text, scored by texts."""

from __future__ import annotations

from itertools import count, takewhile

from harness.data.examples import Example, Options, Row, Shape
from harness.errors import DataError
from harness.spec import TaskSpec
from harness.tasktype import TASK_TYPES, TaskType
from tasks.labels import text


def example(row: Row, task: TaskSpec, id: str, group: str) -> Options:
    """A text with its options, the right one's gain 1.

    A row has ``first``, the options (a list ``options``, or ``option1``, ``option2`` and so on) and ``answer``, the
    right one's index from 0. Where there is a ``question`` it stands behind the text. The task's label map says what
    the data set's answers and questions mean.

    Raises:
        DataError: a text is empty, there are fewer than two options, or the answer is none of them.
    """
    first = text(row, "first", task)
    if row.fields.get("question") is not None:
        question = text(row, "question", task)
        first = f"{first} {task.label_map.get(question, question)}"
    options = _options(row, task)
    answer = _answer(row, task, len(options))
    return Options(id, group, first, options, tuple(float(i == answer) for i in range(len(options))))


def _options(row: Row, task: TaskSpec) -> tuple[str, ...]:
    listed = row.fields.get("options")
    if listed is None:
        numbered = takewhile(row.fields.__contains__, (f"option{i}" for i in count(1)))
        return _several(tuple(text(row, field, task) for field in numbered), row, task)
    found = tuple(listed) if isinstance(listed, list | tuple) else ()
    for option in found:
        if not isinstance(option, str) or not option.strip():
            raise DataError(f"{row.where}: the option {option!r} is no text (task {task.name})")
    return _several(found, row, task)


def _several(found: tuple[str, ...], row: Row, task: TaskSpec) -> tuple[str, ...]:
    if len(found) < 2:
        raise DataError(
            f"{row.where}: {len(found)} options, and a choice needs two (task {task.name}); "
            f"a row has a list `options`, or `option1`, `option2` and so on"
        )
    return found


def _answer(row: Row, task: TaskSpec, options: int) -> int:
    given = str(row.fields.get("answer", ""))
    answer = task.label_map.get(given, given)
    if answer not in map(str, range(options)):
        raise DataError(
            f"{row.where}: answer {given!r} is not one of 0 to {options - 1}, as options count (task {task.name}). "
            f"Map it in the task's `label_map`."
        )
    return int(answer)


def tags(task: TaskSpec) -> tuple[str, ...]:  # noqa: ARG001
    """Nothing: every example has options of its own."""
    return ()


def gold(item: Example) -> tuple[float, ...]:
    """The gain of each option."""
    assert isinstance(item, Options)
    return item.gains


TASK_TYPES.add("multiple_choice")(TaskType(Shape.OPTIONS, example, tags, gold, ("choice_accuracy",)))
