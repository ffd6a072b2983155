"""What the runner asks of a model family: train into a folder, predict from it, embed sentences.

A family lives in one file, registers itself, and knows nothing of stores, sweeps or metrics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from harness.data.examples import Corpus, Example, Shape
from harness.registry import Registry
from harness.spec import ModelSpec, Savepoint, Training

Prediction = object
"""A model's answer for one example: WORDS a tuple of tags, one a word; TEXT a label; PASSAGE an answer string; VALUE a
number; OPTIONS a tuple of scores, one an option, the best highest."""


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """What a model is trained on.

    Attributes:
        shape: of the task: what the model reads and answers.
        corpora: one per source language, in the sources' order, each already cut to the examples in use.
        tags: what the model chooses from, as it stands in the examples, in the order of the task's labels; for spans
            ``O``, and ``B-x`` and ``I-x`` of each label; empty where it does not choose.
        dev: the corpora that the selection goes by, the sources' own or the target's; empty where it needs none.
    """

    shape: Shape
    corpora: tuple[Corpus[Example], ...]
    tags: tuple[str, ...]
    dev: tuple[Corpus[Example], ...] = ()


@dataclass(frozen=True, slots=True)
class Curve:
    """One measured value of a training run, for tracking: ``loss`` at step 120, ``dev`` at step 400."""

    name: str
    step: int
    value: float


class Model(Protocol):
    """A model family bound to one specification.

    Attributes:
        trains: shapes that ``train`` and ``predict`` know; empty where nothing is trained.
        embeds: whether ``embed`` works.
        continues: whether ``train`` may start from an earlier folder (few-shot needs it).
        backend: what computed the numbers (``eager``, ``onednn-packed, unpadded``, ``sklearn``), and what trained the
            weights where that was another (``eager, trained by onednn``); recorded, with what searched, never keyed.
        tokens: ``real`` and ``computed`` (padding counted) of the last pass; empty where there are no tokens.
        parameters: of the network of the last pass; None where there is none.
    """

    trains: frozenset[Shape]
    embeds: bool
    continues: bool
    backend: str
    tokens: Mapping[str, int]
    parameters: int | None

    def __init__(self, spec: ModelSpec, cache: Path, pretraining: Mapping[str, Corpus[Example]]) -> None:
        """Bind to a specification. Cheap: weights load at first use.

        Args:
            cache: a folder for token arrays and pretrained vectors, shared by all processes; write atomically.
            pretraining: parallel training corpora by language, where the specification's options name a task
                ``pretraining``; empty otherwise.
        """

    def identity(self) -> Mapping[str, object]:
        """What of this model changes numbers beyond its specification: resolved revision, sha256 of local weights."""

    def train(
        self, data: TrainingSet, training: Training, seed: int, folder: Path, start: Path | None = None
    ) -> Sequence[Curve]:
        """Train and write everything that ``predict`` needs into ``folder``.

        Equal arguments give equal bytes at equal threads on the same hardware.
        """

    def predict(self, folder: Path, corpora: Sequence[Corpus[Example]]) -> list[list[Prediction]]:
        """Answers for every example in use of every corpus, in order; all corpora in one pooled pass."""

    def embed(self, corpora: Sequence[Corpus[Example]], folder: Path | None = None) -> list[NDArray[np.float32]]:
        """One row a sentence, ``(examples, width)``, L2-normalised, for each corpus; all in one pooled pass."""


@runtime_checkable
class Resumable(Model, Protocol):
    """A model whose training goes on where it was killed.

    Attributes:
        resumes: that it does.
    """

    resumes: bool

    def train(
        self,
        data: TrainingSet,
        training: Training,
        seed: int,
        folder: Path,
        start: Path | None = None,
        savepoint: Savepoint | None = None,
    ) -> Sequence[Curve]:
        """Train as any model does; from what a killed run left at ``savepoint``, where it left something.

        The weights are those of a run that was never disturbed.
        """


class View(NamedTuple):
    """How a sentence becomes one vector: a hidden layer (-1 is the last, 0 the embeddings), and ``mean`` or ``cls``."""

    layer: int
    pooling: str


@runtime_checkable
class Layered(Protocol):
    """A model that has layers to look at."""

    def depth(self) -> int:
        """How many layers there are, the embeddings not counted."""

    def embed_views(
        self, corpora: Sequence[Corpus[Example]], views: Sequence[View], folder: Path | None = None
    ) -> list[list[NDArray[np.float32]]]:
        """What ``embed`` gives, in each of several views, from one forward pass."""


MODELS: Registry[type[Model]] = Registry("model family", "harness.models")
