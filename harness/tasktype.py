"""What a task type says of itself: how a row becomes an example, and what of it is gold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.data.examples import Example, Row, Shape
from harness.registry import Registry
from harness.retrieval.base import Matching
from harness.spec import TaskSpec


def one_each(rows: Sequence[Row], task: TaskSpec) -> Sequence[Row]:  # noqa: ARG001
    """The rows as they are: each becomes an example."""
    return rows


@dataclass(frozen=True, slots=True)
class TaskType:
    """One kind of task.

    Attributes:
        shape: decides tokens, batches and the head of a model.
        example: ``(row, task, id, group) -> example``; raises DataError naming ``row.where`` on anything malformed.
        tags: what a model chooses from, in a fixed order; empty where it does not choose.
        gold: what a metric compares predictions with.
        metrics: signatures that are reported when the task names none; the first is the main one.
        gather: ``(rows of the data set, task) -> rows of examples``, for types whose examples stand in several rows.
        match: how the examples find their neighbours, for types that are answered by them.
    """

    shape: Shape
    example: Callable[[Row, TaskSpec, str, str], Example]
    tags: Callable[[TaskSpec], tuple[str, ...]]
    gold: Callable[[Example], object]
    metrics: tuple[str, ...]
    gather: Callable[[Sequence[Row], TaskSpec], Sequence[Row]] = one_each
    match: Matching | None = None


TASK_TYPES: Registry[TaskType] = Registry("task type", "harness.tasks")
