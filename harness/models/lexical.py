"""A linear model over character n-grams: the floor that a model with pretrained knowledge has to beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from harness.data.examples import Corpus, Example, LabelledText, Question, Sentence, Shape, TaggedWords
from harness.errors import DataError, HarnessError, nearest
from harness.models import lexical_features as features
from harness.models import lexical_ridge as ridge
from harness.models import lexical_spans as spans
from harness.models.base import MODELS, Curve, Prediction, TrainingSet
from harness.models.lexical_linear import Linear, fit, load, save
from harness.models.selection import quality
from harness.spec import ModelSpec, Training

WRONG = 30  # candidates of a question that are learned from beside the right ones


@dataclass(frozen=True, slots=True)
class Options:
    """What the specification's ``options`` may hold.

    Attributes:
        ngrams: characters of an n-gram.
        width: columns that n-grams are hashed into.
        dimensions: of a sentence vector.
    """

    ngrams: tuple[int, ...] = (1, 2, 3, 4)
    width: int = 2**16
    dimensions: int = 512


@MODELS.add("lexical")
class Lexical:
    """Logistic regression on words with their neighbours, texts with their overlap, and candidate answers.

    Values and options are scored by a ridge regression on texts with their overlap.
    """

    trains = frozenset(Shape) - {Shape.SENTENCE}
    embeds = True
    continues = True
    backend = "sklearn"
    tokens: Mapping[str, int] = MappingProxyType({})
    parameters: int | None = None

    def __init__(self, spec: ModelSpec, cache: Path, pretraining: Mapping[str, Corpus[Example]]) -> None:  # noqa: ARG002
        known = {field.name for field in fields(Options)}
        for option in spec.options:
            if option not in known:
                raise HarnessError(f"model {spec.name}: unknown option {option!r}: {nearest(option, known)}")
        self.options = Options(**cast("dict[str, Any]", spec.options))

    def identity(self) -> Mapping[str, object]:
        """Nothing: there is no checkpoint."""
        return {}

    def train(
        self, data: TrainingSet, training: Training, seed: int, folder: Path, start: Path | None = None
    ) -> Sequence[Curve]:
        """Write the weights and what they are for; begin with the weights in ``start``, if it is given.

        Warm-up and clipping mean nothing here; nor do any other numbers for values and options, which are solved in one
        step.

        Raises:
            DataError: an example has a tag that is none of ``data.tags``.
            HarnessError: ``start`` was trained for something else, or there is no dev set to select by.
        """
        choosing = training.select != "last"
        if choosing and not data.dev:
            raise HarnessError(
                f"select={training.select} needs dev data of every source, or of the target: "
                "pass select=last where there is none"
            )
        about = {"shape": data.shape.value, "tags": list(data.tags)}
        examples = [example for corpus in data.corpora for example in corpus]
        rng = np.random.default_rng(seed)
        matrix, wanted = self._problem(data, examples, rng)
        begin = Linear.zero(len(data.tags), matrix.shape[1])
        if start is not None:
            begin, before = load(start)
            if before != about:
                raise HarnessError(f"{start} was trained for {before}, and cannot be continued for {about}")
        if data.shape in ridge.SHAPES:
            save(ridge.fit(begin, matrix, wanted), about, folder)
            return ()

        def dev(linear: Linear) -> float:
            """Quality averaged over the dev sets, as networks are selected by."""
            answers = (self._answers(linear, data.shape, data.tags, corpus) for corpus in data.dev)
            return float(
                np.mean([quality(data.shape, found, [*c]) for c, found in zip(data.dev, answers, strict=True)])
            )

        linear, curve = fit(begin, matrix, wanted, training, len(examples), rng, dev if choosing else None)
        save(linear, about, folder)
        return curve

    def predict(self, folder: Path, corpora: Sequence[Corpus[Example]]) -> list[list[Prediction]]:
        """The most likely tags, label or span; the value; the score of every option."""
        linear, about = load(folder)
        shape, tags = Shape(cast("str", about["shape"])), cast("list[str]", about["tags"])
        return [self._answers(linear, shape, tags, corpus) for corpus in corpora]

    def embed(self, corpora: Sequence[Corpus[Example]], folder: Path | None = None) -> list[NDArray[np.float32]]:  # noqa: ARG002
        """N-grams weighted by their rarity in their own corpus; nothing of it is learned."""
        o = self.options
        listed = [[sentence.text for sentence in cast("Corpus[Sentence]", corpus)] for corpus in corpora]
        return [features.sentences(sentences, o.ngrams, o.width, o.dimensions) for sentences in listed]

    def _problem(
        self, data: TrainingSet, examples: Sequence[Example], rng: np.random.Generator
    ) -> tuple[features.Matrix, NDArray[Any]]:
        """Rows and their classes, or what they should score."""
        if data.shape is Shape.PASSAGE:
            return _candidates(cast("Sequence[Question]", examples), rng)
        if data.shape in ridge.SHAPES:
            return self._matrix(data.shape, examples), ridge.wanted(examples)
        number = {tag: i for i, tag in enumerate(data.tags)}
        gold = [tag for example in examples for tag in _tags(example)]
        unknown = {*gold} - number.keys()
        if unknown:
            raise DataError(f"training has {min(unknown)!r}, which is not one of {', '.join(data.tags)}")
        return self._matrix(data.shape, examples), np.array([number[tag] for tag in gold])

    def _matrix(self, shape: Shape, examples: Sequence[Example]) -> features.Matrix:
        """A row a word, a row a text, or a row an option."""
        ngrams, width = self.options.ngrams, self.options.width
        if shape is Shape.WORDS:
            return features.words([cast("TaggedWords", e).words for e in examples], ngrams, width)
        if shape in ridge.SHAPES:
            return features.texts(ridge.pairs(examples), ngrams, width)
        pairs = [(text.first, text.second) for text in cast("Sequence[LabelledText]", examples)]
        return features.texts(pairs, ngrams, width)

    def _answers(self, linear: Linear, shape: Shape, tags: Sequence[str], corpus: Corpus[Example]) -> list[Prediction]:
        examples = [*corpus]
        if not examples:
            return []
        if shape is Shape.PASSAGE:
            return [_answer(linear, question) for question in cast("list[Question]", examples)]
        if shape in ridge.SHAPES:
            return [*ridge.answers(linear, self._matrix(shape, examples), examples)]
        found = [tags[i] for i in linear.best(self._matrix(shape, examples))]
        if shape is Shape.TEXT:
            return [*found]
        rest = iter(found)
        return [tuple(next(rest) for _ in cast("TaggedWords", example).words) for example in examples]


def _tags(example: Example) -> tuple[str, ...]:
    return example.tags if isinstance(example, TaggedWords) else (cast("LabelledText", example).label,)


# the questions on one context follow each other
_passage = lru_cache(maxsize=8)(spans.read)


def _candidates(questions: Sequence[Question], rng: np.random.Generator) -> tuple[features.Matrix, NDArray[np.int64]]:
    """Right candidates of every question, and a few wrong ones."""
    columns, classes = [np.empty((0, len(spans.SIZES)), np.int64)], [np.empty(0, np.int64)]
    for question in questions:
        found = spans.candidates(_passage(question.context), question.question)
        right = found.like(question.answers)
        wrong = rng.permutation(np.flatnonzero(~right))[:WRONG]
        chosen = np.concatenate([np.flatnonzero(right), wrong])
        columns.append(found.columns[chosen])
        classes.append(right[chosen].astype(np.int64))
    stacked = np.concatenate(columns)
    shape = len(stacked), spans.COLUMNS
    offsets = np.arange(len(stacked) + 1) * stacked.shape[1]
    values = np.full(stacked.size, stacked.shape[1] ** -0.5, np.float32)
    return sparse.csr_matrix((values, stacked.ravel().astype(np.int32), offsets), shape=shape), np.concatenate(classes)


def _answer(linear: Linear, question: Question) -> str:
    """The best candidate; the whole context where it has no word."""
    found = spans.candidates(_passage(question.context), question.question)
    if not len(found.start):
        return question.context.strip()
    best = linear.weights[0][found.columns].sum(axis=1).argmax()
    return question.context[found.start[best] : found.end[best]]
