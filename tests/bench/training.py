"""Fine-tuning on texts of real lengths, the harness and transformers' Trainer in turns; and the scores of both.

Loading, tokenizing and saving are counted on both sides.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import torch
from scipy.stats import t

from harness.data.examples import LabelledText
from harness.data.load import available, load
from harness.engine.products import products
from harness.spec import Training
from harness.sweep import build
from harness.sweep.options import Options
from tests.bench import fine_tuning, setting
from tests.bench.fine_tuning import VOCABULARY, Setting
from tests.bench.turns import in_turn

STEPS = int(os.environ.get("BENCH_STEPS", "30"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
BATCH = 32
NUMBERS = Training(steps=STEPS, batch_size=BATCH, warmup=0.1, weight_decay=0.01)
SEEDS = 3
LEARNT = Training(steps=200, batch_size=BATCH, learning_rate=1e-3, warmup=0.1)

Row = tuple[str, float, str, str]


def rows() -> list[Row]:
    """Speed in float32 and in bfloat16, and how far the scores of the two are apart beside those of the seeds."""
    return [*_speed(), *_agreement()]


def _speed() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        here = Setting(Path(folder), ("entailment", "neutral", "contradiction"), _pairs())
        texts = [text for e in here.train for text in (e.first, e.second or "")]
        fine_tuning.checkpoint(here.folder, setting.tokenizer(texts), here.labels, 12, 384, VOCABULARY)
        ways: dict[str, Callable[..., list[str]]] = {
            f"{by.__name__} in {dtype}": partial(by, here, dtype=dtype)
            for by in (fine_tuning.harness, fine_tuning.trainer)
            for dtype in ("float32", "bfloat16")
        }
        for way in ways.values():
            way(Training(steps=1))  # imports are nobody's training
        seconds, _ = in_turn({name: partial(way, NUMBERS) for name, way in ways.items()}, ROUNDS)
    with products(torch.nn.Linear(384, 384)) as backend:
        pass
    found: list[Row] = [
        (f"fine-tuning, {name}", STEPS * BATCH / taken, "examples/s", "-") for name, taken in seconds.items()
    ]
    for ours, theirs, goal in (
        ("float32", "float32", ">= 1.5"),
        ("bfloat16", "float32", ">= 3"),
        ("bfloat16", "bfloat16", "-"),
    ):
        ratio = seconds[f"trainer in {theirs}"] / seconds[f"harness in {ours}"]
        by = f" ({backend})" if ours == "float32" else ""
        found.append((f"the same, harness in {ours}{by} over Trainer in {theirs}", ratio, "x", goal))
    return found


def _agreement() -> list[Row]:
    """Accuracy on dev after training on a task that is not learnt without mistakes, with the same numbers for each."""
    with tempfile.TemporaryDirectory() as folder:
        here = Setting(Path(folder), ("one", "other"), _texts(1200, 0), _texts(1000, 1))
        tokenizer = setting.tokenizer([e.first for e in here.train])
        fine_tuning.checkpoint(here.folder, tokenizer, here.labels, 2, 64, len(tokenizer))
        gold = np.array([e.label for e in here.dev])
        scores = {
            name: [float(np.mean(np.array(way(seed=seed)) == gold)) for seed in range(SEEDS)]
            for name, way in {
                "Trainer": partial(fine_tuning.trainer, here, LEARNT, "float32"),
                "harness in float32": partial(fine_tuning.harness, here, LEARNT, "float32"),
                "harness in bfloat16": partial(fine_tuning.harness, here, LEARNT, "bfloat16"),
            }.items()
        }
    found: list[Row] = [
        (f"accuracy on dev, {name}, {SEEDS} seeds", statistics.mean(got), f"+- {statistics.stdev(got):.3f}", "-")
        for name, got in scores.items()
    ]
    theirs = scores.pop("Trainer")
    for name, got in scores.items():
        apart = statistics.mean(got) - statistics.mean(theirs)
        error = ((statistics.variance(got) + statistics.variance(theirs)) / SEEDS) ** 0.5
        noise = t.ppf(0.975, 2 * SEEDS - 2) * error
        found.append((f"the same, {name} less Trainer", apart, "", f"within {noise:.3f}, the seeds' 95 %"))
    return found


def _pairs() -> list[LabelledText]:
    """Premises and hypotheses in several languages, as many as the steps read: real ones where there are any."""
    folder = Path(os.environ.get("HARNESS_DATA", "../shared/data"))
    real = (folder / "open").is_dir()
    options = Options()
    name = "xnli_dev" if real else "mini_nli"
    task = build.task(name, options.read("task", name), options)
    root = folder if real else None
    corpora = [load(task, code, "train", root, "eng") for code in available(task, "train", root)]
    every = [example for corpus in corpora for example in corpus]
    drawn = [every[i] for i in np.random.default_rng(0).permutation(len(every))]
    return [example for example in islice(cycle(drawn), STEPS * BATCH) if isinstance(example, LabelledText)]


def _texts(count: int, seed: int) -> list[LabelledText]:
    """Texts in which a third of the words is twice as frequent under one label, another third under the other."""
    draw, words = np.random.default_rng(seed), [f"{'abcdef'[i % 6]}{i}" for i in range(60)]
    found = []
    for i in range(count):
        label = draw.integers(2)
        shares = np.repeat([2 - label, 1, 1 + label], 20) / 80
        text = " ".join(draw.choice(words, draw.integers(5, 40), p=shares))
        found.append(LabelledText(str(i), str(i), text, None, ("one", "other")[label]))
    return found
