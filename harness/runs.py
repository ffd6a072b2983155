"""Which cells belong together: a run is one model trained one way from one set of sources with one seed, on every task.

What was trained otherwise is another run, and two recipes of one run on one task cannot be told apart.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from harness.spec import Suite
from harness.sweep.keys import digest

T = TypeVar("T")

# the protocols of one suite differ in these from task to task, for one and the same model
OF_THE_TASK = ("max_length", "pooling", "layer")


@dataclass(frozen=True, slots=True)
class Run:
    """What the cells of a run have in common.

    Attributes:
        seed: None where nothing was trained, as in retrieval with a model as it comes; then ``size`` is None too.
        model_key: digest of the model's options, weights and pretraining.
    """

    model: str
    strategy: str
    sources: tuple[str, ...]
    seed: int | None
    shots: int
    size: int | None
    balance: str | None
    touches: str
    model_key: str


def run_of(
    train: Mapping[str, Any],
    *,
    model: str,
    strategy: str,
    sources: tuple[str, ...],
    seed: int,
    shots: int,
    touches: str,
) -> Run:
    """The run of a job's cells.

    Args:
        train: what its weights were made of, as its record has it.
    """
    trained = "seed" in train
    return Run(
        model=model,
        strategy=strategy,
        sources=sources,
        seed=seed if trained else None,
        shots=shots,
        size=train["size"] if trained else None,
        balance=train["balance"] if trained else None,
        touches=touches,
        model_key=digest(model_content(train)),
    )


def model_content(train: Mapping[str, Any]) -> dict[str, Any]:
    """What a ``model_key`` stands for."""
    model = {name: value for name, value in train["model"].items() if name not in OF_THE_TASK}
    return {"model": model} | {name: train[name] for name in ("version", "identity", "pretraining")}


def recipe(train: Mapping[str, Any], sources: Collection[str]) -> dict[str, Any]:
    """What all jobs of a run on a task must agree in."""
    # few-shot jobs have a target each, whose data differ by design
    data = {name: value for name, value in train.get("data", {}).items() if name.split("/")[0] in sources}
    return {**train, "data": data}


def with_untrained(runs: Mapping[Run, dict[str, T]]) -> dict[Run, dict[str, T]]:
    """The runs, each with what its model does without training; that is a run of its own only where it stands alone."""
    untrained = {run: tasks for run, tasks in runs.items() if run.seed is None}
    joined: dict[Run, dict[str, T]] = {}
    used: set[Run] = set()
    for run, tasks in runs.items():
        if run.seed is not None:
            base = replace(run, seed=None, size=None, balance=None)  # another strategy has no such base
            joined[run] = untrained.get(base, {}) | tasks
            used.add(base)
    return joined | {run: tasks for run, tasks in untrained.items() if run not in used}


def wanted(suite: Suite, sources: Collection[str], across: Collection[str]) -> Suite:
    """The suite for a run: where a language does not look itself up, the source is no target.

    Args:
        across: those tasks.
    """
    tasks = {
        name: replace(task, languages={code: own for code, own in task.languages.items() if code not in sources})
        if name in across
        else task
        for name, task in suite.tasks.items()
    }
    return replace(suite, tasks=tasks)


def distinctions(contents: Mapping[Run, Mapping[str, str]]) -> dict[Run, str]:
    """For runs that are called the same, what differs between their models; empty for all others."""
    called: dict[Run, list[Run]] = {}
    for run in contents:
        called.setdefault(replace(run, model_key=""), []).append(run)
    found = {}
    for alike in called.values():
        fields = differences(contents[run] for run in alike)
        for run in alike:
            found[run] = " ".join(f"{field}={contents[run].get(field, '-')}" for field in fields)
    return found


def differences(several: Iterable[Mapping[str, str]]) -> dict[str, list[str]]:
    """The fields in which flat values differ, with their values."""
    found = list(several)
    fields = sorted({field for one in found for field in one})
    values = {field: list(dict.fromkeys(one.get(field, "-") for one in found)) for field in fields}
    return {field: told for field, told in values.items() if len(told) > 1}


def flat(content: Any, prefix: str = "") -> dict[str, str]:
    """Nested mappings as one, names joined by dots, values as text."""
    if not isinstance(content, Mapping):
        return {prefix.rstrip("."): str(content)}
    return {key: value for name, one in content.items() for key, value in flat(one, f"{prefix}{name}.").items()}
