"""What a strategy may change on the way from labelled source text to predictions on a target: four places, no more.

The data that is trained on, the numbers of the training loop, the weights that training starts from, and the
predictions. Each hook has a default that changes nothing, so that a strategy says only what is its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from harness.data.examples import Corpus, Example
from harness.models.base import Prediction
from harness.registry import Registry
from harness.spec import Job, TaskSpec, Training


class Load(Protocol):
    """One language of one split of a task, loaded."""

    def __call__(self, task: TaskSpec, language: str, split: str) -> Corpus[Example]:
        """The corpus; DataError when it is not there."""


def one_job(job: Job) -> tuple[Job, ...]:
    """The job itself: all targets share one training run."""
    return (job,)


def no_bases(job: Job) -> tuple[Job, ...]:  # noqa: ARG001
    """No other job's checkpoint."""
    return ()


def own_training(job: Job) -> Training:
    """The job's own training numbers."""
    return job.training


def from_first_base(job: Job, bases: tuple[Path, ...], draft: Path) -> Path | None:  # noqa: ARG001
    """The checkpoint of the first base, or None: the pretrained weights."""
    return bases[0] if bases else None


def unchanged(job: Job, answers: list[list[Prediction]]) -> list[list[Prediction]]:  # noqa: ARG001
    """The predictions as the model made them."""
    return answers


@dataclass(frozen=True, slots=True)
class Strategy:
    """How labels travel from source to target.

    Attributes:
        touches: which target labels it looks at: ``none``, ``k`` (a few), ``dev``. Anything but none is tagged and has
            a board of its own.
        needs: of what there must be before anything runs: ``several_sources``, ``continuing_model``, ``target_train``.
        split: ``job -> jobs``; where target labels are used, every target is a job of its own.
        bases: other jobs whose checkpoints this one needs; they are trained first, once, and shared.
        corpora: the data. ``(job, load) -> corpora``, cut to the examples in use.
        training: the loop. ``job -> numbers``.
        start: the weights. ``(job, folders of the bases, an empty folder to write into) -> folder to start from``.
        predictions: ``(job, answers per corpus) -> answers per corpus``.
    """

    touches: str
    corpora: Callable[[Job, Load], tuple[Corpus[Example], ...]]
    needs: frozenset[str] = frozenset()
    split: Callable[[Job], tuple[Job, ...]] = one_job
    bases: Callable[[Job], tuple[Job, ...]] = no_bases
    training: Callable[[Job], Training] = own_training
    start: Callable[[Job, tuple[Path, ...], Path], Path | None] = from_first_base
    predictions: Callable[[Job, list[list[Prediction]]], list[list[Prediction]]] = unchanged


STRATEGIES: Registry[Strategy] = Registry("strategy", "harness.strategies")


def selections(job: Job) -> frozenset[str]:
    """What the checkpoints are selected by that a job's weights come from: its own, and that of its base."""
    return frozenset({job.training.select, STRATEGIES[job.strategy].training(job).select} if job.trained else ())


def touches(job: Job) -> str:
    """Which target labels a job looks at: those of its strategy, and dev where a checkpoint is selected by it."""
    return "dev" if "target_dev" in selections(job) else STRATEGIES[job.strategy].touches


def split(job: Job) -> tuple[Job, ...]:
    """The jobs that a job falls into: one a target where target labels are used, also to select by."""
    parts = STRATEGIES[job.strategy].split(job)
    if "target_dev" not in selections(job):
        return parts
    return tuple(replace(part, targets=(target,)) for part in parts for target in part.targets)
