"""The labels of a suite's task: what a file of a submission may hold."""

from __future__ import annotations

from harness.spec import SuiteTask, TaskSpec
from harness.sweep import build
from harness.sweep.options import Options
from harness.tasktype import TASK_TYPES


def spec_of(task: SuiteTask, options: Options) -> TaskSpec:
    """The task's own declaration."""
    return build.task(task.name, options.read("task", task.name), options)


def spelt(task: SuiteTask, options: Options) -> tuple[str, ...]:
    """The task's labels as submissions spell them."""
    return tuple(task.labels.get(label, label) for label in spec_of(task, options).labels)


def accepted(task: SuiteTask, options: Options) -> tuple[str, ...]:
    """What a file of the task may hold: tags in full, or labels as submissions spell them; else nothing."""
    if task.form == "tags":
        spec = spec_of(task, options)
        return TASK_TYPES[spec.type].tags(spec)
    return spelt(task, options) if task.form == "labels" else ()
