"""Span F1 of 100,000 sentences beside seqeval 1.2.2, the two measured in turn: how many times faster, same digits."""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2

from harness.metrics.base import evaluate, metric
from harness.metrics.tags import TagArray

SENTENCES = 100_000
NAMES = ("O", *(f"{prefix}-{kind}" for kind in ("PER", "ORG", "LOC", "DATE") for prefix in "BI"))
ROUNDS = 3


def rows() -> list[tuple[str, float, str, str]]:
    """The ratios for tags as integers and as lists of strings, in the lenient and the strict mode."""
    warnings.filterwarnings("ignore", module="seqeval")
    gold, predicted = _corpus()
    lists = [list(map(list, side)) for side in (gold, predicted)]
    found = []
    for mode, settings in (("lenient", {}), ("strict", {"mode": "strict", "scheme": IOB2})):
        ours = metric(f"span_f1|mode:{mode}|scheme:IOB2")
        seqeval, integers, strings = _in_turn(
            lambda settings=settings: f1_score(*lists, **settings),
            lambda ours=ours: evaluate(ours, gold, predicted),
            lambda ours=ours: evaluate(ours, *lists),
        )
        found += [
            (f"span F1, {mode}: seqeval 1.2.2, {SENTENCES:,} sentences", seqeval, "s", "-"),
            (f"span F1, {mode}: faster from integer tags", seqeval / integers, "x", ">= 20"),
            (f"span F1, {mode}: faster from lists of strings", seqeval / strings, "x", ">= 8"),
        ]
    return found


def _in_turn(*scorers: Callable[[], float]) -> list[float]:
    """Median seconds of each, one after the other in every round, after a check that all give the same score."""
    times: list[list[float]] = [[] for _ in scorers]
    for _ in range(ROUNDS):
        scores = []
        for scorer, spent in zip(scorers, times, strict=True):
            start = time.perf_counter()
            scores.append(scorer())
            spent.append(time.perf_counter() - start)
        assert max(scores) - min(scores) < 1e-12, scores
    return [statistics.median(spent) for spent in times]


def _corpus() -> tuple[TagArray, TagArray]:
    """Sentences of 5 to 35 words, a fifth of them in spans; a tenth of the predicted tags is another one."""
    rng = np.random.default_rng(0)
    offsets = np.concatenate([[0], rng.integers(5, 36, SENTENCES).cumsum()])
    words = int(offsets[-1])
    # a span of one to three words at every tenth word
    codes = np.zeros(words + 3, np.int64)
    starts = np.arange(0, words, 10)
    kinds = rng.integers(0, 4, len(starts))
    codes[starts] = 1 + 2 * kinds
    for more in (1, 2):
        longer = rng.random(len(starts)) < 0.5
        codes[starts[longer] + more] = 2 + 2 * kinds[longer]
    gold = codes[:words]
    wrong = rng.random(words) < 0.1
    guess = np.where(wrong, rng.integers(0, len(NAMES), words), gold)
    return TagArray(NAMES, gold, offsets), TagArray(NAMES, guess, offsets)
