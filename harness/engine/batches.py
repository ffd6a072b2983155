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


def batches_of(lengths: Ints, budget: int, sizes: Ints | None = None) -> Batches:
    """Rows sorted by length and cut so that rows x longest row stays within ``budget``; a longer row stands alone.

    Args:
        lengths: (rows,) tokens of each.
        budget: padded tokens a batch.
        sizes: what is sorted and cut instead of rows: items of so many rows, each as long as its longest.
    """
    order = np.argsort(-lengths, kind="stable")
    ordered = np.ones_like(order) if sizes is None else sizes[order]
    rows_before = np.concatenate([[0], np.cumsum(ordered)])
    cuts, computed = [0], 0
    while cuts[-1] < len(order):
        first = rows_before[cuts[-1]]
        longest = max(1, int(lengths[order[cuts[-1]]]))
        end = int(np.searchsorted(rows_before, first + budget // longest, side="right")) - 1
        cuts.append(max(cuts[-1] + 1, end))
        computed += longest * int(rows_before[cuts[-1]] - first)
    return Batches(order, np.asarray(cuts), int((lengths[order] * ordered).sum()), computed)


@dataclass(frozen=True, slots=True)
class Items:
    """Rows in parts that no batch of a training step may divide: each row alone, or those of an example together.

    Attributes:
        starts: (items + 1,) the first row of each.
        lengths: (items,) tokens of each item's longest row.
    """

    starts: Ints
    lengths: Ints

    @property
    def sizes(self) -> Ints:
        """(items,) rows of each."""
        return np.diff(self.starts)

    def rows(self, items: Ints) -> Ints:
        """The rows of these items, item after item."""
        sizes = self.sizes[items]
        return np.repeat(self.starts[items] - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())


def items_of(tokens: Tokens, *, together: bool) -> Items:
    """Every row alone or, ``together``, all rows of an example as one item."""
    if not together:
        return Items(np.arange(len(tokens) + 1), tokens.lengths)
    starts = np.flatnonzero(np.diff(tokens.example, prepend=-1))
    return Items(np.append(starts, len(tokens)), np.maximum.reduceat(tokens.lengths, starts))


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
