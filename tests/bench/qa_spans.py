"""The spans of extractive question answering from given scores, beside a loop over the n best starts and ends."""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.engine.spans import MAX_ANSWER, N_BEST, best_spans
from harness.engine.tokens import STRIDE, Tokens
from tests.bench.turns import in_turn

QUESTIONS = int(os.environ.get("BENCH_QUESTIONS", "2000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
LENGTH, QUESTION = 384, 15

Scores = NDArray[np.float32]
Spans = NDArray[np.int64]


class Prediction(NamedTuple):
    """One candidate for an answer."""

    row: int
    start: int
    end: int
    first: float
    last: float


def rows() -> list[tuple[str, float, str, str]]:
    """The ratio of the medians over interleaved rounds, and how many questions get another span."""
    tokens, start, end = _pool()
    seconds, spans = in_turn(
        {
            "harness": lambda: best_spans(start, end, tokens, QUESTIONS),
            "loop": lambda: _loop(start, end, tokens),
        },
        ROUNDS,
    )
    differ = (spans["harness"] != spans["loop"]).any(axis=1).sum()
    ratio = seconds["loop"] / seconds["harness"]
    return [
        (f"spans of {QUESTIONS:,} questions, {len(tokens):,} windows", 1e3 * seconds["harness"], "ms", "-"),
        (f"the same, harness over a loop over the {N_BEST} best", ratio, "x", ">= 20"),
        ("questions with another span", float(differ), f"of {QUESTIONS:,}", "0"),
    ]


def _pool() -> tuple[Tokens, Scores, Scores]:
    """Strided windows of contexts of 60 to 700 tokens, and scores of a model that mostly knows, and mostly is sure."""
    draw = np.random.default_rng(0)
    room, starts, example, offsets = LENGTH - QUESTION - 1, [], [], [0]
    peaks: list[tuple[int, int]] = []
    for question in range(QUESTIONS):
        context = int(np.clip(draw.lognormal(5.5, 0.5), 60, 700))
        answer = int(draw.integers(0, context - 10))
        for first in range(0, max(1, context - room + STRIDE), STRIDE):
            held = np.arange(first, min(first + room, context))
            if held[0] <= answer <= held[-1]:
                peaks.append((offsets[-1] + QUESTION + answer - first, int(draw.geometric(0.35))))
            starts.append(np.concatenate([np.full(QUESTION, -1), held, [-1]]))
            example.append(question)
            offsets.append(offsets[-1] + len(starts[-1]))
    flat, none = np.concatenate(starts), np.zeros(0, np.int64)
    tokens = Tokens(
        ids=np.zeros(len(flat), np.int32), segments=np.zeros(len(flat), np.int8), offsets=np.asarray(offsets),
        example=np.asarray(example), word=none, start=np.where(flat < 0, -1, flat * 5),
        end=np.where(flat < 0, -1, flat * 5 + 4), grams=none, gram_offsets=none,
    )  # fmt: skip
    start, end = (draw.standard_normal(len(flat), np.float32) for _ in range(2))
    for at, length in peaks:
        start[at] += draw.normal(6, 3)
        end[min(at + length - 1, len(flat) - 2)] += draw.normal(6, 3)
    return tokens, start, end


def _loop(start: Scores, end: Scores, tokens: Tokens) -> Spans:
    """What SQuAD's scripts do: of each window, all pairs of the best starts and the best ends, then the best of all."""
    predictions: list[list[Prediction]] = [[] for _ in range(QUESTIONS)]
    for row, question in enumerate(tokens.example.tolist()):
        window = slice(tokens.offsets[row], tokens.offsets[row + 1])
        first, last = start[window].tolist(), end[window].tolist()
        inside = {at: character for at, character in enumerate(tokens.start[window].tolist()) if character >= 0}
        ends = _n_best(last)
        for i in _n_best(first):
            for j in ends:
                if i not in inside or j not in inside or j < i or j - i + 1 > MAX_ANSWER:
                    continue
                predictions[question].append(Prediction(row, i, j, first[i], last[j]))
    spans = np.zeros((QUESTIONS, 2), dtype=np.int64)
    for question, found in enumerate(predictions):
        if found:
            best = max(found, key=lambda one: one.first + one.last)
            base = tokens.offsets[best.row]
            spans[question] = tokens.start[base + best.start], tokens.end[base + best.end]
    return spans


def _n_best(scores: list[float]) -> list[int]:
    return [at for at, _ in sorted(enumerate(scores), key=lambda one: one[1], reverse=True)[:N_BEST]]
