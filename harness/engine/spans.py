"""The answer to each question: the best span over the windows of its context."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import max_pool1d, pad

from harness.engine.tokens import Ints, Tokens

MAX_ANSWER = 30
"""Tokens of the longest answer, as in BERT's SQuAD script."""

N_BEST = 20
"""Starts of a window, and ends, that an answer is put together from, as there."""

ROOM = 2**18
"""Padded tokens whose spans are looked at together: what several passes read stays in a processor's cache."""

Scores = Tensor | NDArray[np.float32]


@torch.inference_mode()
def best_spans(
    start: Scores, end: Scores, tokens: Tokens, questions: int, max_answer: int = MAX_ANSWER, n_best: int = N_BEST
) -> Ints:
    """Character offsets ``(questions, 2)`` of the span with the largest start + end score in any window.

    A span starts at one of the window's best starts and ends at one of its best ends, no earlier; it lies in the
    context and has at most ``max_answer`` tokens. Of equal spans the first wins: by window, then by start, then the
    shorter. A question without such a span gets ``(0, 0)``. Scores on a GPU stay there.

    Args:
        start: (tokens,) score of each token as the first of the answer.
        end: (tokens,) score of each token as the last.
        tokens: the pooled windows.
        questions: how many questions the pool has.
        max_answer: tokens of the longest answer.
        n_best: how many starts and ends of a window are the best, its question's tokens among them; those that equal
            the last of them too.
    """
    scores = torch.as_tensor(start), torch.as_tensor(end)
    parts = [_best_of_rows(*scores, tokens, rows, max_answer, n_best) for rows in _parts(tokens)]
    spans = np.zeros((questions, 2), dtype=np.int64)
    if not parts:
        return spans
    best, first, last = torch.cat(parts, dim=1).cpu().numpy()
    top = np.full(questions, -np.inf)
    np.maximum.at(top, tokens.example, best)
    rows = np.flatnonzero((best == top[tokens.example]) & np.isfinite(best))
    found, at = np.unique(tokens.example[rows], return_index=True)  # the first row of equals
    rows = rows[at]
    spans[found, 0] = tokens.start[tokens.offsets[rows] + first[rows].astype(np.int64)]
    spans[found, 1] = tokens.end[tokens.offsets[rows] + last[rows].astype(np.int64)]
    return spans


def _best_of_rows(start: Tensor, end: Tensor, tokens: Tokens, rows: slice, max_answer: int, n_best: int) -> Tensor:
    """Score, first and last token of each row's best span, ``(3, rows)``; -inf where there is none."""
    lengths = tokens.lengths[rows]
    flat = slice(int(tokens.offsets[rows.start]), int(tokens.offsets[rows.stop]))
    held = torch.from_numpy(np.arange(lengths.max()) < lengths[:, None]).to(start.device)

    def padded(values: Tensor) -> Tensor:
        return torch.full(held.shape, -torch.inf, device=held.device).masked_scatter_(held, values.float())

    closed = padded(torch.from_numpy(np.where(tokens.start[flat] < 0, -np.inf, 0)).to(held.device))  # 0 in the context
    starts, ends = (_only_best(padded(one[flat]), n_best) + closed for one in (start, end))
    # room for the longest answer behind the last token, so that no span leaves its row
    ends = pad(ends, (0, max_answer - 1), value=-torch.inf)
    # the highest end that each start can reach; rounding keeps the order, so that this is the highest sum too
    best, first = (starts + max_pool1d(ends[:, None], max_answer, 1)[:, 0]).max(dim=1, keepdim=True)
    reached = starts.gather(1, first) + ends.gather(1, first + torch.arange(max_answer, device=start.device))
    last = first + reached.argmax(dim=1, keepdim=True)
    return torch.cat([best.double(), first.double(), last.double()], dim=1).T


def _only_best(scores: Tensor, n: int) -> Tensor:
    """The scores with all but the ``n`` highest of each row, and what equals them, set to -inf."""
    n = min(n, scores.shape[1])
    if scores.device.type == "cpu":  # where numpy's partition is ten times faster
        nth = torch.from_numpy(np.partition(scores.numpy(), -n, axis=1)[:, -n, None])
    else:
        nth = scores.topk(n, dim=1).values[:, -1:]
    return scores.masked_fill_(scores < nth, -torch.inf)


def _parts(tokens: Tokens) -> Iterator[slice]:
    """Neighbouring rows, some at a time."""
    step = max(1, ROOM // max(1, int(tokens.lengths.max(initial=1))))
    return (slice(begin, min(begin + step, len(tokens))) for begin in range(0, len(tokens), step))


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
