"""What a task type says of itself: how a row becomes an example, and what of it is gold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.data.examples import Example, Row, Shape
from harness.registry import Registry
from harness.spec import TaskSpec


@dataclass(frozen=True, slots=True)
class TaskType:
    """One kind of task.

    Attributes:
        shape: decides tokens, batches and the head of a model.
        example: ``(row, task, id, group) -> example``; raises DataError naming ``row.where`` on anything malformed.
        tags: what a model chooses from, in a fixed order; empty where it does not choose.
        gold: what a metric compares predictions with.
        metrics: signatures that are reported when the task names none; the first is the main one.
    """

    shape: Shape
    example: Callable[[Row, TaskSpec, str, str], Example]
    tags: Callable[[TaskSpec], tuple[str, ...]]
    gold: Callable[[Example], object]
    metrics: tuple[str, ...]


TASK_TYPES: Registry[TaskType] = Registry("task type", "harness.tasks")
