"""What a task type that searches among vectors says of itself: which corpora it needs, and what it makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.data.examples import Corpus, Example
from harness.metrics.base import parse_signature
from harness.metrics.ranked import ALL, OWN

__all__ = ["ALL", "CANDIDATES", "OWN", "Corpora", "Matching", "Side", "Vectors", "asked", "of_side"]

if TYPE_CHECKING:
    from harness.spec import TaskSpec

Vectors = Mapping[str, NDArray[np.float32]]
"""By corpus key: one normalised row a sentence in use."""
Corpora = tuple[Corpus[Example], ...]


CANDIDATES = "candidates"
"""Stands for the language of candidates that belong to none."""


@dataclass(frozen=True, slots=True)
class Side:
    """A corpus that a number depends on.

    Attributes:
        language: canonical code, or ``CANDIDATES``.
        split: train, dev or test.
        beside: the other language, for parallel text whose pivot differs from pair to pair.
    """

    language: str
    split: str = "test"
    beside: str = ""


def nothing(task: TaskSpec, root: Path | None) -> tuple[Side, ...]:  # noqa: ARG001
    """No corpus."""
    return ()


def as_they_are(task: TaskSpec, corpora: Corpora, pool: Corpora) -> Corpora:  # noqa: ARG001
    """The corpora of a target, unchanged."""
    return corpora


def whole(pool: Corpora) -> Corpora:
    """The pool, unchanged."""
    return pool


@dataclass(frozen=True, slots=True)
class Matching:
    """How the examples of a task type find theirs.

    Attributes:
        sides: ``(task, source, target) -> corpora`` that the number on this target depends on, the tested one first.
        answers: ``(task, {target: its corpora}, pool, vectors) -> {target: an answer for each tested example}``.
        pool: ``(task, data root) -> corpora`` that the targets of a job share beside their own.
        own: ``(task, corpora of a target, pool) -> those corpora`` as they are tested and embedded; raises DataError
            where they do not fit together.
        shared: ``pool -> what of it is embedded``.
        itself: whether a language is looked for among its own.
    """

    sides: Callable[[TaskSpec, str, str], tuple[Side, ...]]
    answers: Callable[[TaskSpec, Mapping[str, Corpora], Corpora, Vectors], dict[str, list[object]]]
    pool: Callable[[TaskSpec, Path | None], tuple[Side, ...]] = nothing
    own: Callable[[TaskSpec, Corpora, Corpora], Corpora] = as_they_are
    shared: Callable[[Corpora], Corpora] = whole
    itself: bool = False


def asked(signatures: Sequence[str], setting: str, otherwise: str) -> Iterator[str]:
    """The value of a setting in each signature, so that nothing is computed that no metric looks at."""
    for signature in signatures:
        yield parse_signature(signature)[1].get(setting, otherwise)


def of_side(task: TaskSpec, side: Side) -> TaskSpec:
    """The task that holds a side: the task itself, or its files with candidates as if they were a language's."""
    if side.language != CANDIDATES:
        return task
    assert task.files is not None
    files = replace(task.files, path=task.files.candidates, gold="", candidates="")
    return replace(task, languages={CANDIDATES: CANDIDATES}, files=files, hub=None)
