"""What bfloat16 does to the scores of a trained network: one checkpoint a task, evaluated on all targets both ways.

The tasks are those of ``mini`` that a network learns from random weights, all languages together and as far as half a
minute goes: of one that has learnt some but not all, many answers are close, and rounding could turn them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch

from harness.data.examples import Corpus, Example, TaggedWords
from harness.data.load import available, load
from harness.models.base import Prediction, TrainingSet
from harness.models.encoder import Encoder
from harness.scoring import metrics_of
from harness.spec import ModelSpec, TaskSpec, Training
from harness.sweep import build
from harness.sweep.options import Options
from harness.tasktype import TASK_TYPES
from tests.bench import fine_tuning, setting

TASKS = ("mini_pos", "mini_ner")
LAYERS, WIDTH, VOCABULARY = 4, 256, 8_000
TRAINING = Training(steps=200, batch_size=32, learning_rate=5e-4, warmup=0.1)

Answers = list[list[Prediction]]


def rows() -> list[tuple[str, float, str, str]]:
    """By task, its main metric and how far that is off in bfloat16, averaged over the targets as a task's score is."""
    found = []
    for name in TASKS:
        options = Options()
        task = build.task(name, options.read("task", name), options)
        tests = _corpora(task, "test")
        exact, rounded = (_scores(task, tests, answers) for answers in _answers(task, tests))
        away = np.abs((rounded - exact).mean(axis=0)).max()
        found.append((f"{name} in float32, main metric", float(exact[:, 0].mean()), "points", "-"))
        found.append((f"{name}, bfloat16 from the same weights, the metric that moves most", away, "points", "<= 0.1"))
    return found


def _corpora(task: TaskSpec, split: str) -> list[Corpus[Example]]:
    return [load(task, language, split, None, "eng") for language in available(task, split, None)]


def _answers(task: TaskSpec, tests: Sequence[Corpus[Example]]) -> Iterator[Answers]:
    """In float32 and in bfloat16, by one checkpoint."""
    train, kind = _corpora(task, "train"), TASK_TYPES[task.type]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts = [" ".join(cast("TaggedWords", example).words) for corpus in train for example in corpus]
        tokenizer = setting.tokenizer(texts, VOCABULARY)
        fine_tuning.checkpoint(folder / "random", tokenizer, "ab", LAYERS, WIDTH, len(tokenizer))
        ways = [
            Encoder(
                ModelSpec("bench", "encoder", str(folder / "random"), dtype=dtype, threads=torch.get_num_threads()),
                folder / "cache",
                {},
            )
            for dtype in ("float32", "bfloat16")
        ]
        data = TrainingSet(kind.shape, tuple(train), kind.tags(task))
        ways[0].train(data, TRAINING, 1, folder / "trained")
        for way in ways:
            yield way.predict(folder / "trained", tests)


def _scores(task: TaskSpec, tests: Sequence[Corpus[Example]], answers: Answers) -> np.ndarray:
    """(targets, metrics), of 100."""
    gold = TASK_TYPES[task.type].gold
    return np.array(
        [
            [100 * one.total(one.count([*map(gold, corpus)], found)) for one in metrics_of(task, corpus.language)]
            for corpus, found in zip(tests, answers, strict=True)
        ]
    )
