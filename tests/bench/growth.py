"""How the time of an evaluation grows with sentences, targets and jobs: a fitted exponent of each, and a plot.

Processor seconds, not those on the wall, so that other programs show little. The exponent is fitted to the sizes at
which the fixed cost, as a straight line through all of them has it, is under a twentieth of the whole.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from transformers import XLMRobertaConfig, XLMRobertaModel

from harness.data.examples import Corpus, LabelledText, Shape
from harness.models.base import TrainingSet
from harness.models.encoder import Encoder
from harness.runner import run
from harness.spec import ModelSpec, Training
from harness.sweep.compose import sweep
from harness.sweep.plan import plan
from tests.bench.setting import sentences, tokenizer

PLOT = Path("results/bench/growth.svg")
FIXED = 0.05  # of the whole time, at most, where the exponent is fitted
REPEATS = 2
SENTENCES = (3_000, 6_000, 12_000, 24_000)
TARGETS, EACH = (12, 24, 48, 96), 250
JOBS = (2, 4, 8, 16)
SOURCES = "deu ell eng est fin hin ind ita jpn nld rus spa swh tur ukr zho-Hans".split()  # noqa: SIM905


class Growth(NamedTuple):
    """Seconds by size, and what is fitted to them."""

    sizes: Sequence[int]
    seconds: Sequence[float]
    fixed: float
    exponent: float
    used: int


def rows() -> list[tuple[str, float, str, str]]:
    """The three exponents; their plot is written to ``PLOT``."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        evaluation = _evaluation(Path(folder))
        found["sentences"] = _growth(SENTENCES, lambda number: evaluation([number]))
        found["targets"] = _growth(TARGETS, lambda number: evaluation([EACH] * number))
        found["jobs of a sweep"] = _growth(JOBS, _sweep(Path(folder)))
    _plot(found)
    return [
        (f"exponent of the time over {what}, {growth.sizes[-growth.used]:,} to {growth.sizes[-1]:,}",
         growth.exponent, "", "1.0 +- 0.05")
        for what, growth in found.items()
    ]  # fmt: skip


def _growth(sizes: Sequence[int], prepared: Callable[[int], Callable[[], object]]) -> Growth:
    prepared(sizes[0])()  # imports
    taken = []
    for size in sizes:
        times = []
        for _ in range(REPEATS):
            work = prepared(size)
            start = time.process_time()
            work()
            times.append(time.process_time() - start)
        taken.append(min(times))
    return fitted(sizes, taken)


def fitted(sizes: Sequence[int], seconds: Sequence[float]) -> Growth:
    """The fixed cost, and the exponent where it is small; over the two largest sizes where it nowhere is."""
    number, whole = np.asarray(sizes, dtype=float), np.asarray(seconds)
    # relative errors are alike at every size
    fixed = float(np.linalg.lstsq(np.stack([1 / whole, number / whole], 1), np.ones_like(whole), rcond=None)[0][0])
    used = max(2, int((fixed < FIXED * whole).sum()))
    exponent = float(np.polyfit(np.log(number[-used:]), np.log(whole[-used:]), 1)[0])
    return Growth(sizes, seconds, max(0.0, fixed), exponent, used)


def _evaluation(folder: Path) -> Callable[[Sequence[int]], Callable[[], object]]:
    """How to evaluate a small classifier on targets of so many sentences each, tokenizing included."""
    # none so long that it would be cut, which would be told of every target
    texts = [text[:60] for text in sentences(max(*SENTENCES, TARGETS[-1] * EACH))]
    words = tokenizer(texts[:2_000], 4_000)
    words.save_pretrained(folder)
    torch.manual_seed(0)
    XLMRobertaModel(
        XLMRobertaConfig(
            vocab_size=len(words), hidden_size=256, num_hidden_layers=2, num_attention_heads=8, intermediate_size=512,
            max_position_embeddings=130, type_vocab_size=1, pad_token_id=words.pad_token_id,
        )
    ).save_pretrained(folder)  # fmt: skip
    spec = ModelSpec("growth", "encoder", str(folder), threads=torch.get_num_threads())
    examples = [LabelledText(str(i), str(i), text, None, "ab"[i % 2]) for i, text in enumerate(texts)]
    train = Corpus("bench", "eng", "train", tuple(examples[:8]), "growth-train")
    trained = folder / "trained"
    Encoder(spec, folder, {}).train(
        TrainingSet(Shape.TEXT, (train,), ("a", "b")), Training(batch_size=8, steps=1), 1, trained
    )

    def prepared(numbers: Sequence[int]) -> Callable[[], object]:
        parts = [tuple(examples[start:end]) for start, end in pairwise(np.cumsum([0, *numbers]))]
        targets = [Corpus("bench", "eng", "test", part, f"growth-{i}") for i, part in enumerate(parts)]
        cache = Path(tempfile.mkdtemp(dir=folder))  # nothing tokenized before
        return lambda: Encoder(spec, cache, {}).predict(trained, targets)

    return prepared


def _sweep(folder: Path) -> Callable[[int], Callable[[], object]]:
    """How to run so many jobs, on all targets each. Training is counting: what is left is all the rest."""

    def prepared(jobs: int) -> Callable[[], object]:
        asked = sweep(
            ["task=mini_ner", "model=majority", f"source={','.join(SOURCES[:jobs])}", "target=all", "tracking=none",
             f"results={tempfile.mkdtemp(dir=folder)}"], multirun=True,
        )  # fmt: skip
        planned = plan(asked)
        assert len(planned.jobs) == jobs
        return lambda: [run(one.job, planned.setting) for one in planned.jobs]

    return prepared


def _plot(found: dict[str, Growth]) -> None:
    figure = Figure(figsize=(9, 3), layout="constrained")
    for axes, (what, growth) in zip(figure.subplots(1, len(found)), found.items(), strict=True):
        axes.loglog(growth.sizes, growth.seconds, "o", color="black", markersize=4)
        size = np.geomspace(growth.sizes[0], growth.sizes[-1])
        slope = growth.seconds[-1] / growth.sizes[-1]
        axes.loglog(size, slope * size, "--", color="grey", linewidth=1, label="linear")
        axes.set_title(f"exponent {growth.exponent:.2f}", fontsize=10)
        axes.set_xlabel(what)
        axes.set_ylabel("processor seconds")
        axes.legend(frameon=False, fontsize=8)
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PLOT)
