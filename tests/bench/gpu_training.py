"""Fine-tuning of XLM-R base's shape on one GPU in bfloat16, the harness and transformers' Trainer in turns.

A step's time is what a longer run takes beyond a shorter one, so that loading, tokenizing and saving are left out.
Needs torch, numpy and transformers alone; without accelerate there is no Trainer to compare with.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Callable
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from harness.data.examples import LabelledText
from harness.spec import Training
from tests.bench import fine_tuning
from tests.bench.fine_tuning import VOCABULARY, Setting
from tests.bench.turns import in_turn

STEPS = int(os.environ.get("BENCH_STEPS", "100"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
BATCHES = (32, 128, 512)  # the first is Trainer's example, the others what fills a GPU better
LAYERS, WIDTH = 12, 768
WORDS = 20_000

GOALS = {
    "fine-tuning bf16, harness over Trainer, batch 32": ">= 2",
    "fine-tuning bf16, harness over Trainer, each at its best batch": "-",
}

Row = tuple[str, float | None, str, str]  # what, figure or not yet measured, unit, goal


def rows() -> list[Row]:
    """Tokens a second by size of batch, and the ratios at 32 and at the best size of each; no figures without a GPU."""
    if not torch.cuda.is_available():
        return [(what, None, "x", goal) for what, goal in GOALS.items()]
    with tempfile.TemporaryDirectory() as folder:
        speeds = {size: _speeds(Path(folder, str(size)), size) for size in BATCHES}
    first = speeds[BATCHES[0]]
    best = {name: max(by_name[name] for by_name in speeds.values()) for name in first}
    ratios = [of["harness"] / of["Trainer"] if "Trainer" in of else None for of in (first, best)]
    return [
        *(
            (f"fine-tuning bf16, {name}, batch {size}", speed, "tokens/s", "-")
            for size, by_name in speeds.items()
            for name, speed in by_name.items()
        ),
        *((what, ratio, "x", goal) for (what, goal), ratio in zip(GOALS.items(), ratios, strict=True)),
    ]


def _speeds(folder: Path, size: int) -> dict[str, float]:
    """Real tokens a second of each way."""
    here = Setting(folder, ("a", "b"), _texts(STEPS * size))
    fine_tuning.checkpoint(folder, _tokenizer(), here.labels, LAYERS, WIDTH, VOCABULARY)
    peers = {"Trainer": fine_tuning.trainer} if importlib.util.find_spec("accelerate") else {}
    short = STEPS // 5
    ways: dict[tuple[str, int], Callable[[], list[str]]] = {
        (name, steps): partial(way, here, Training(steps=steps, batch_size=size, warmup=0.1), "bfloat16")
        for name, way in {"harness": fine_tuning.harness, **peers}.items()
        for steps in (short, STEPS)
    }
    for name in ("harness", *peers):
        ways[name, short]()  # what is compiled and loaded at first
    seconds, _ = in_turn(ways, ROUNDS)
    mean = fine_tuning.tokens(here) / STEPS
    return {
        name: mean * (STEPS - short) / (seconds[name, STEPS] - seconds[name, short]) for name in ("harness", *peers)
    }


def _texts(count: int) -> list[LabelledText]:
    """Made-up words, as many a text as sub-words in a corpus of sentences: half of the texts have 16 to 40."""
    draw = np.random.default_rng(0)
    lengths = np.clip(draw.lognormal(np.log(25), 0.65, min(count, 10_000)), 2, 126).astype(int)
    drawn = [
        LabelledText(
            str(i), str(i), " ".join(f"w{word}" for word in draw.integers(0, WORDS, length)), None, "ab"[i % 2]
        )
        for i, length in enumerate(lengths)
    ]
    return list(islice(cycle(drawn), count))


def _tokenizer() -> PreTrainedTokenizerFast:
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    words = {token: i for i, token in enumerate([*special, *(f"w{i}" for i in range(WORDS))])}
    fast = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    fast.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", words["<s>"]), ("</s>", words["</s>"])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=fast, pad_token="<pad>", unk_token="<unk>", cls_token="<s>", sep_token="</s>"
    )
