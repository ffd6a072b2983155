"""Suites: which tasks, languages and metrics a published average is made of, and how its submissions are spelt.

The averaging rule is the same for all of them (``harness.stats.averages``): per task the mean over its metrics of
their means over the languages, and over all the mean of the tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness import scoring
from harness.errors import HarnessError, nearest
from harness.spec import Suite, SuiteTask
from harness.sweep import build
from harness.sweep.options import Options

__all__ = ["FORMS", "Suite", "SuiteTask", "read_suite"]

FORMS = ("labels", "tags", "answers", "pairs", "indices", "choices", "rankings")


@dataclass(frozen=True, slots=True)
class _Body:
    """A task's entry in the YAML of a suite, without its languages."""

    group: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    folder: str = ""
    form: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


def read_suite(name: str, options: Options) -> Suite:
    """A suite from its YAML.

    A task with an empty body counts with all of its languages and its main metric.

    Raises:
        HarnessError: there is no such suite or task, a field is unknown or of another type, or the task has no such
            language, or does not report such a metric, so that no run would ever complete the suite.
    """
    node = options.read("suite", name)
    for key in node.keys() - {"name", "tasks"}:
        raise HarnessError(f"suite {name}: unknown field {key!r}: {nearest(key, ('name', 'tasks'))}")
    tasks = node.get("tasks") or {}
    if not isinstance(tasks, Mapping):
        raise HarnessError(f"suite {name}: `tasks` maps each task to what the suite says of it, as in `panx: null`")
    return Suite(name, {str(task): _task(name, str(task), body or {}, options) for task, body in tasks.items()})


def _task(suite: str, name: str, body: Any, options: Options) -> SuiteTask:
    where = f"suite {suite}, task {name}"
    if not isinstance(body, Mapping):
        raise HarnessError(f"{where}: expected `field: value` lines, got {body!r}")
    values = dict(body)
    listed = values.pop("languages", None)
    fields = build.construct(_Body, values, where)
    if fields.form and fields.form not in FORMS:
        raise HarnessError(f"{where}: form {fields.form!r}: {nearest(fields.form, FORMS)}")
    spec = build.task(name, options.read("task", name), options)
    languages = build.languages(where, listed) or dict(spec.languages)
    for code in languages:
        if code not in spec.languages:
            raise HarnessError(f"{where}: the task has no {code}: {nearest(code, spec.languages)}")
    reported = scoring.signatures(spec)
    for signature in fields.metrics:
        if signature not in reported:
            raise HarnessError(f"{where}: the task does not report {signature}: {nearest(signature, reported)}")
    return SuiteTask(
        name, languages, fields.metrics or reported[:1], fields.group, fields.folder or name, fields.form, fields.labels
    )
