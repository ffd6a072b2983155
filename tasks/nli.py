"""Natural-language inference: the classification of a premise and a hypothesis, scored by pairs alone."""

from __future__ import annotations

from harness.data.examples import Shape
from harness.tasktype import TASK_TYPES, TaskType
from tasks.classification import example, gold, tags

TASK_TYPES.add("nli")(TaskType(Shape.TEXT, example, tags, gold, ("accuracy",)))
