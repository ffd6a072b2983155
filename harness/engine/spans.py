"""The answer to each question: the best span over the windows of its context."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.engine.tokens import Ints, Tokens

MAX_ANSWER = 30
"""Tokens of the longest answer, as in BERT's SQuAD script."""


def best_spans(
    start: NDArray[np.float32], end: NDArray[np.float32], tokens: Tokens, questions: int, max_answer: int = MAX_ANSWER
) -> Ints:
    """Character offsets ``(questions, 2)`` of the span with the largest start + end score in any window.

    A span starts no later than it ends, lies in the context and has at most ``max_answer`` tokens. Of equal spans the
    first wins: by window, then by start, then the shorter. A question without any context token gets ``(0, 0)``.

    Args:
        start: (tokens,) score of each token as the first of the answer.
        end: (tokens,) score of each token as the last.
        tokens: the pooled windows.
        questions: how many questions the pool has.
        max_answer: tokens of the longest answer.
    """
    total = len(tokens.ids)
    inside = tokens.start >= 0
    row = np.repeat(np.arange(len(tokens)), tokens.lengths)
    ends = np.where(inside, end, -np.inf)
    best = np.full(total, -np.inf)
    length = np.zeros(total, dtype=np.int64)
    for extra in range(min(max_answer, total)):
        # all spans of one length at once; every start keeps its best end so far
        here = total - extra
        score = np.where(row[:here] == row[extra:], start[:here] + ends[extra:], -np.inf)
        better = score > best[:here]
        best[:here][better] = score[better]
        length[:here][better] = extra
    best[~inside] = -np.inf
    question = tokens.example[row]
    top = np.full(questions, -np.inf)
    np.maximum.at(top, question, best)
    winners = np.flatnonzero((best == top[question]) & np.isfinite(best))
    found, first = np.unique(question[winners], return_index=True)
    spans = np.zeros((questions, 2), dtype=np.int64)
    chosen = winners[first]
    spans[found, 0] = tokens.start[chosen]
    spans[found, 1] = tokens.end[chosen + length[chosen]]
    return spans


def answer_targets(answers: Sequence[tuple[int, int]], tokens: Tokens) -> NDArray[np.int64]:
    """First and last token of the answer in each row, ``(rows, 2)``, counted from the row's start.

    A window that does not hold the whole answer points at its first token, as in BERT's SQuAD script.

    Args:
        answers: characters ``(start, end)`` of the answer to each question.
        tokens: the pooled windows.
    """
    wanted = np.asarray(answers, dtype=np.int64).reshape(-1, 2)
    targets = np.zeros((len(tokens), 2), dtype=np.int64)
    for row, (begin, stop) in enumerate(zip(tokens.offsets[:-1], tokens.offsets[1:], strict=True)):
        start, end = tokens.start[begin:stop], tokens.end[begin:stop]
        first, last = wanted[tokens.example[row]]
        held = np.flatnonzero(start >= 0)
        if len(held) and start[held[0]] <= first and last <= end[held[-1]]:
            touched = held[(end[held] > first) & (start[held] < last)]
            if len(touched):
                targets[row] = touched[0], touched[-1]
    return targets
