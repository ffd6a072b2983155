"""``make bench-gpu``: evaluation and fine-tuning on one CUDA GPU, the harness beside Trainer, as a table and as JSON.

Runs on a bare machine: torch, numpy, transformers (and for Trainer accelerate), this repository and nothing else. The
network has XLM-R base's shape and random weights, the texts are random tokens of lengths as forty languages have them.
"""

from __future__ import annotations

import copy
import json
import os
import platform
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from torch import Tensor
from transformers import XLMRobertaConfig, XLMRobertaForSequenceClassification

from harness.engine.batches import Batch, batches_of
from harness.engine.device import budget_of
from harness.engine.forward import forward
from harness.engine.tokens import Tokens
from harness.engine.unpadded import first_states, same
from tests.bench import gpu_training
from tests.bench.peak import cuda_peak
from tests.bench.work import flops

Row = tuple[str, float | None, str, str]  # what, figure or not yet measured, unit, goal

LANGUAGES = 40
EACH = int(os.environ.get("BENCH_SENTENCES", "1000"))  # sentences of each language
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
BUDGETS = (65_536, 131_072, 262_144)
BASE = XLMRobertaConfig(
    vocab_size=250_002, hidden_size=768, num_hidden_layers=12, num_attention_heads=12, intermediate_size=3072,
    max_position_embeddings=514, type_vocab_size=1, pad_token_id=1, num_labels=3,
)  # fmt: skip
GOALS = {
    "evaluation bf16, products over the best one": ">= 0.35",
    "evaluation bf16, over Trainer.predict, batch 32": ">= 5",
    "evaluation bf16, over Trainer.predict, its best batch": "-",
}


def rows(device: torch.device, config: XLMRobertaConfig, each: int, peak: Callable[[], float]) -> list[Row]:
    """Every figure, measured now, in turns.

    Args:
        device: where to compute.
        config: shape of the network.
        each: sentences of each language.
        peak: gives the best rate of a product of bfloat16.
    """
    tokens = texts(each, config)
    torch.manual_seed(0)
    exact = XLMRobertaForSequenceClassification(config).eval()
    if not same(exact.roberta, config.pad_token_id):
        raise RuntimeError("this version of transformers computes XLM-R in a way that is not known here")
    exact.to(device)
    few = tokens.select(np.arange(0, len(tokens), max(1, len(tokens) // 2000)))
    balance(exact, few, device)
    whole = copy.deepcopy(exact).to(torch.bfloat16)
    exactly, evaluated = (partial(harness, net.roberta, exact.classifier) for net in (exact, whole))
    agreement = float(np.mean(exactly(few, device) == evaluated(few, device)))
    found = _rates(evaluated, partial(trainer, whole), tokens, device)
    real = float(tokens.lengths.sum())
    work = flops(
        tokens.lengths, config.hidden_size, config.num_hidden_layers, config.intermediate_size, first_only=True
    )
    best = peak()
    ours = max(rate for name, rate in found.items() if name.startswith("harness"))
    theirs = [rate for name, rate in found.items() if name.startswith("Trainer")]
    beside = [ours / theirs[0], ours / max(theirs)] if theirs else [None, None]
    ratios = [ours * work / best, *beside]
    return [
        *((f"evaluation bf16, {name}", rate * real, "tokens/s", "-") for name, rate in found.items()),
        ("best bf16 matrix product", best / 1e12, "TFLOP/s", "-"),
        ("evaluation bf16, products of real tokens", ours * work / 1e12, "TFLOP/s", "-"),
        *((name, figure, "x", goal) for (name, goal), figure in zip(GOALS.items(), ratios, strict=True)),
        ("argmax agreement with fp32", 100 * agreement, "%", ">= 99.5"),
        (
            "waits for the GPU in a pass",
            float(waits(lambda: evaluated(tokens, device), device)),
            "",
            "few, whatever the batches",
        ),
        ("batches of a pass", float(len(batches_of(tokens.lengths, budget_of(len(tokens.ids), device)))), "", "-"),
    ]


def texts(each: int, config: XLMRobertaConfig) -> Tokens:
    """Random tokens: lengths are log-normal, and languages differ in how many tokens they need for the same."""
    draw = np.random.default_rng(0)
    fertility = np.repeat(np.linspace(0.7, 1.6, LANGUAGES), each)
    lengths = np.clip(fertility * draw.lognormal(3.35, 0.45, LANGUAGES * each), 4, 128).astype(np.int64)
    total, none = int(lengths.sum()), np.zeros(0, np.int64)
    ids = draw.integers(config.pad_token_id + 1, config.vocab_size, total)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return Tokens(ids, np.zeros(total, np.int8), offsets, np.arange(len(lengths)), none, none, none, none, none)


Way = Callable[..., NDArray[np.int64]]


def harness(
    encoder: Any, head: Any, tokens: Tokens, device: torch.device, budget: int | None = None
) -> NDArray[np.int64]:
    """The labels that the engine gives: an encoder of any precision, a head of full."""
    return scores(encoder, head, tokens, device, budget).argmax(axis=1)


def scores(
    encoder: Any, head: Any, tokens: Tokens, device: torch.device, budget: int | None = None
) -> NDArray[np.float32]:
    """The scores of the labels."""

    def compute(batch: Batch) -> Tensor:
        # the library's head reads the first token of each row itself
        found: Tensor = head(first_states(encoder, batch).float()[:, None])
        return found

    return forward(compute, tokens, device, per_token=False, pad=encoder.config.pad_token_id, budget=budget)


@torch.no_grad()
def balance(net: Any, tokens: Tokens, device: torch.device) -> None:
    """Sets the head so that each label is given to about as many texts: else all answers would agree."""
    found = torch.from_numpy(scores(net.roberta, net.classifier, tokens, device)).to(device)
    last = net.classifier.out_proj
    last.bias.copy_((last.bias - found.mean(0)) / found.std(0))
    last.weight /= found.std(0)[:, None]


def _rates(ours: Way, theirs: Way, tokens: Tokens, device: torch.device) -> dict[str, float]:
    """Passes a second, medians over rounds in turns; of Trainer at batch 32 and at the batch that is best for it."""
    ways = {f"harness, {budget:,} tokens a batch": partial(ours, tokens, device, budget) for budget in BUDGETS}
    if find_spec("accelerate") is None:
        print("accelerate is not installed: Trainer is left out")
    else:
        for batch in _batches(theirs, tokens, device):
            ways[f"Trainer.predict, batch {batch}"] = partial(theirs, tokens, device, batch)
    for way in ways.values():
        way()  # kernels are chosen and memory is taken the first time
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - start)
    return {name: 1 / statistics.median(taken) for name, taken in seconds.items()}


def _batches(way: Way, tokens: Tokens, device: torch.device) -> Sequence[int]:
    """32, and the batch that is fastest on a tenth of the texts, as large as the memory holds."""
    few = tokens.select(np.arange(0, len(tokens), 10))
    best, fastest, batch = 32, float("inf"), 32
    while batch <= len(few):
        try:
            way(few, device, batch)
            start = time.perf_counter()
            way(few, device, batch)
        except torch.OutOfMemoryError:
            break
        taken = time.perf_counter() - start
        if taken > 1.1 * fastest:
            break
        if taken < fastest:
            best, fastest = batch, taken
        batch *= 2
    return sorted({32, best})


def trainer(net: Any, tokens: Tokens, device: torch.device, batch: int) -> NDArray[np.int64]:
    """The labels that Trainer gives, with its own sampler, padding to the longest of a batch."""
    from transformers import Trainer, TrainingArguments

    pad = net.config.pad_token_id
    ids = torch.from_numpy(np.asarray(tokens.ids, np.int64)).split(tokens.lengths.tolist())

    def collate(parts: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        padded = torch.nn.utils.rnn.pad_sequence([part["input_ids"] for part in parts], True, pad)
        return {"input_ids": padded, "attention_mask": padded.ne(pad).long()}

    with TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, per_device_eval_batch_size=batch, bf16_full_eval=device.type == "cuda",
            use_cpu=device.type == "cpu", disable_tqdm=True, report_to=[], remove_unused_columns=False,
        )  # fmt: skip
        own = Trainer(model=net, args=arguments, data_collator=collate)
        found = own.predict([{"input_ids": part} for part in ids]).predictions  # type: ignore[arg-type]
    answers: NDArray[np.int64] = found.argmax(axis=1)
    return answers


def waits(run: Callable[[], object], device: torch.device) -> int:
    """How often a pass of the harness waits for the GPU: what torch itself notices."""
    if device.type != "cuda":
        return 0
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            run()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return sum("synchroniz" in str(warning.message) for warning in told)


def main() -> None:
    """Measures and prints; writes ``results/bench/gpu.json``. Without a GPU it says so, and what would be measured."""
    if not torch.cuda.is_available():
        print("no CUDA GPU here: not yet measured")
        _print([*((name, None, "x", goal) for name, goal in GOALS.items()), *gpu_training.rows()])
        return
    found = [*rows(torch.device("cuda"), BASE, EACH, lambda: cuda_peak(torch.bfloat16)), *gpu_training.rows()]
    machine = (
        f"{torch.cuda.get_device_name()}, torch {torch.__version__}, transformers {transformers.__version__}, "
        f"Python {platform.python_version()}"
    )
    print(machine)
    _print(found)
    path = Path("results/bench/gpu.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    names = ("what", "figure", "unit", "goal")
    path.write_text(json.dumps({"machine": machine, "rows": [dict(zip(names, row, strict=True)) for row in found]}))


def _print(found: Sequence[Row]) -> None:
    print("| what | figure | unit | goal |\n| --- | --- | --- | --- |")
    for what, figure, unit, goal in found:
        print(f"| {what} | {'not yet measured' if figure is None else f'{figure:,.3f}'} | {unit} | {goal} |")


if __name__ == "__main__":
    main()
