"""Batches of rows of like length, each within a budget of padded tokens, and the padded arrays of one batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from harness.engine.tokens import Ints, Tokens


@dataclass(frozen=True, slots=True)
class Batches:
    """Rows in the order in which they are computed, cut into batches.

    Attributes:
        order: (rows,) row numbers, longest first, so that a batch too large for the memory shows at once.
        cuts: (batches + 1,) where each batch starts in ``order``.
        real: tokens of all rows.
        computed: tokens of all batches with their padding.
    """

    order: Ints
    cuts: Ints
    real: int
    computed: int

    def __len__(self) -> int:
        return len(self.cuts) - 1

    def __iter__(self) -> Iterator[Ints]:
        return (self.order[start:end] for start, end in zip(self.cuts[:-1], self.cuts[1:], strict=True))

    @property
    def inverse(self) -> Ints:
        """(rows,) where each row stands in ``order``: results in computed order, so indexed, are in row order."""
        inverse = np.empty_like(self.order)
        inverse[self.order] = np.arange(len(self.order))
        return inverse

    @property
    def ratio(self) -> float:
        """Computed over real tokens, 1 without any padding."""
        return self.computed / max(1, self.real)


def batches_of(lengths: Ints, budget: int) -> Batches:
    """Rows sorted by length and cut so that rows x longest row stays within ``budget``; a longer row stands alone."""
    order = np.argsort(-lengths, kind="stable")
    cuts, computed = [0], 0
    while cuts[-1] < len(order):
        longest = max(1, int(lengths[order[cuts[-1]]]))
        end = min(len(order), cuts[-1] + max(1, budget // longest))
        computed += longest * (end - cuts[-1])
        cuts.append(end)
    return Batches(order, np.asarray(cuts), int(lengths.sum()), computed)


@dataclass(frozen=True, slots=True)
class Batch:
    """What a network reads.

    Attributes:
        ids: (rows, longest) tokens, padded.
        mask: (rows, longest) true for real tokens.
        segments: (rows, longest) 1 for the second text of a pair.
        table: (types, features) vectors that ``ids`` point into, for networks without a vocabulary.
    """

    ids: Tensor
    mask: Tensor
    segments: Tensor
    table: Tensor | None = None


def batch_of(tokens: Tokens, rows: Ints, pad: int, device: torch.device, table: Tensor | None = None) -> Batch:
    """The padded batch of these rows, on the device."""
    lengths = tokens.lengths[rows]
    position = np.arange(lengths.max())
    mask = position < lengths[:, None]
    at = np.where(mask, tokens.offsets[rows][:, None] + position, 0)
    ids = np.where(mask, tokens.ids[at], pad).astype(np.int64)
    segments = np.where(mask, tokens.segments[at], 0).astype(np.int64)
    there = [torch.from_numpy(a).to(device, non_blocking=True) for a in (ids, mask, segments)]
    return Batch(there[0], there[1], there[2], table)


def token_index(tokens: Tokens, rows: Ints) -> Ints:
    """Where each real token of these rows stands in their padded batch, laid flat; aligned with ``tokens.flat``."""
    lengths = tokens.lengths[rows]
    ends = np.cumsum(lengths)
    base = np.arange(len(rows)) * lengths.max() - ends + lengths
    return np.repeat(base, lengths) + np.arange(lengths.sum())
