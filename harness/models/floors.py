"""Answers without a look at the text, the two floors of every board: the most frequent answer, and a draw."""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.data.examples import Corpus, Example, LabelledText, Options, Question, Shape, TaggedWords, ValuedText
from harness.errors import DataError, HarnessError
from harness.models.base import MODELS, Curve, Prediction, TrainingSet
from harness.models.hashed import TOKEN
from harness.spec import ModelSpec, Training

FILE = "distribution.json"
WIDTH = 64  # of a random sentence vector; enough for ranks to be as good as drawn

CHOOSES = frozenset({Shape.WORDS, Shape.TEXT})  # the task says what there is to choose from

Answer = str | int | float
T = TypeVar("T")


class Floor:
    """What both floors know: how often each answer occurs in training, and the seed.

    An answer is a tag (WORDS), a label (TEXT), the length of an answer in tokens (PASSAGE), a value (VALUE) or the
    place of the best option (OPTIONS), the first of equals.
    """

    trains = frozenset(Shape) - {Shape.SENTENCE}
    embeds = True
    continues = False
    backend = "python"
    tokens: Mapping[str, int] = MappingProxyType({})
    parameters: int | None = None

    def __init__(self, spec: ModelSpec, cache: Path, pretraining: Mapping[str, Corpus[Example]]) -> None:  # noqa: ARG002
        self.spec = spec

    def identity(self) -> Mapping[str, object]:
        """Nothing: there is no checkpoint."""
        return {}

    def train(
        self,
        data: TrainingSet,
        training: Training,  # noqa: ARG002
        seed: int,
        folder: Path,
        start: Path | None = None,  # noqa: ARG002
    ) -> Sequence[Curve]:
        """Count the answers into ``distribution.json``.

        Raises:
            DataError: there is no training example, or one has a tag that is none of the task's.
        """
        examples = [example for corpus in data.corpora for example in corpus]
        counts = Counter(answer for example in examples for answer in _answers(example))
        if not counts:
            raise DataError("the training set is empty: there is no answer to count")
        unknown = {str(answer) for answer in counts} - {*data.tags} if data.shape in CHOOSES else set()
        if unknown:
            raise DataError(f"training has {min(unknown)!r}, which is not one of {', '.join(data.tags)}")
        # of equally frequent answers the first in the task's order comes first, whatever order the examples have
        order = [tag for tag in data.tags if tag in counts] if data.shape in CHOOSES else sorted(counts)
        content = {"seed": seed, "answers": [[answer, counts[answer]] for answer in order]}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
        return ()


@MODELS.add("majority")
class Majority(Floor):
    """The most frequent tag or label; the beginning of the context, as long as answers are on average; the mean value.

    An option's score is the share of training examples whose best option stands in its place.
    """

    def predict(self, folder: Path, corpora: Sequence[Corpus[Example]]) -> list[list[Prediction]]:
        """The same answer for every example."""
        counts, _ = _read(folder)
        most = max(counts, key=lambda answer: counts[answer])
        total = sum(counts.values())

        @cache
        def mean() -> float:
            return sum(float(answer) * n for answer, n in counts.items()) / total

        def answer(example: Example) -> Prediction:
            if isinstance(example, TaggedWords):
                return (str(most),) * len(example.words)
            if isinstance(example, Question):
                return _cut(example.context, 0, max(1, round(mean())))
            if isinstance(example, ValuedText):
                return mean()
            if isinstance(example, Options):
                return tuple(counts.get(place, 0) / total for place in range(len(example.options)))
            return str(most)

        return [[answer(example) for example in corpus] for corpus in corpora]

    def embed(self, corpora: Sequence[Corpus[Example]], folder: Path | None = None) -> list[NDArray[np.float32]]:  # noqa: ARG002
        """The same vector for every sentence, so that ranks follow the order of the candidates."""
        return [np.ones((len(corpus), 1), dtype=np.float32) for corpus in corpora]


@MODELS.add("chance")
class Chance(Floor):
    """Tags, labels, answer lengths and values drawn as they are distributed in training, a generator for each example.

    Options are scored at random.
    """

    def predict(self, folder: Path, corpora: Sequence[Corpus[Example]]) -> list[list[Prediction]]:
        """A draw for every example, the same whenever it is asked for, and for the same item in every language."""
        counts, seed = _read(folder)

        def answer(example: Example) -> Prediction:
            rng = random.Random(f"{seed}|{example.id}")  # noqa: S311
            if isinstance(example, TaggedWords):
                return tuple(map(str, _draw(rng, counts, len(example.words))))
            if isinstance(example, Options):
                return tuple(rng.random() for _ in example.options)
            (drawn,) = _draw(rng, counts, 1)
            if isinstance(example, ValuedText):
                return float(drawn)
            if isinstance(example, Question):
                length = max(1, int(drawn))
                start = rng.randrange(max(1, len(TOKEN.findall(example.context)) - length + 1))
                return _cut(example.context, start, length)
            return str(drawn)

        return [[answer(example) for example in corpus] for corpus in corpora]

    def embed(self, corpora: Sequence[Corpus[Example]], folder: Path | None = None) -> list[NDArray[np.float32]]:
        """A random direction for every sentence, by its language and id; by the seed too where there was training."""
        seed = _read(folder)[1] if folder is not None else 0
        return [np.array([_direction(f"{seed}|{c.language}|{e.id}") for e in c]).reshape(-1, WIDTH) for c in corpora]


def _answers(example: Example) -> Iterator[Answer]:
    if isinstance(example, TaggedWords):
        yield from example.tags
    elif isinstance(example, LabelledText):
        yield example.label
    elif isinstance(example, Question):
        yield len(TOKEN.findall(example.answers[0].text))
    elif isinstance(example, ValuedText):
        yield example.value
    elif isinstance(example, Options):
        yield example.gains.index(max(example.gains))


def _read(folder: Path) -> tuple[dict[Answer, int], int]:
    """Counts of the answers, in the task's order, and the seed."""
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HarnessError(
            f"{folder}: no checkpoint of a floor model ({error}); delete the folder to train again"
        ) from error
    return dict(content["answers"]), int(content["seed"])


def _draw(rng: random.Random, counts: Mapping[T, int], k: int) -> list[T]:
    return rng.choices([*counts], [*counts.values()], k=k)


def _cut(context: str, start: int, length: int) -> str:
    """Some tokens of a context, as the text has them; tokens are words, or characters where no spaces are written."""
    found = [match.span() for match in TOKEN.finditer(context)][start : start + length]
    return context[found[0][0] : found[-1][1]]


def _direction(name: str) -> NDArray[np.float32]:
    """A unit vector that depends on nothing but its name."""
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()))
    drawn = rng.standard_normal(WIDTH, dtype=np.float32)
    unit: NDArray[np.float32] = drawn / np.linalg.norm(drawn)
    return unit
