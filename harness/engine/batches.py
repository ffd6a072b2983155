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
        lengths: (rows,) real tokens of each row; not on the device, so that shapes are known without waiting for it.
        real: (tokens,) where each real token stands in the padded batch, laid flat, row after row.
        table: (types, features) vectors that ``ids`` point into, for networks without a vocabulary.
    """

    ids: Tensor
    mask: Tensor
    segments: Tensor
    lengths: Ints
    real: Tensor
    table: Tensor | None = None


class Resident:
    """A pool's tokens on the device, copied once: batches are cut from them where they are computed.

    Args:
        tokens: the pool.
        pad: the token that rows are filled up with.
        device: where the batches are wanted.
        table: vectors that the tokens point into, where the network has no vocabulary.
    """

    def __init__(self, tokens: Tokens, pad: int, device: torch.device, table: Tensor | None = None) -> None:
        self._lengths = tokens.lengths
        self._pad = pad
        self._table = table
        # a copy of its own: the arrays may be memory-mapped, and are not to be written
        self._ids, self._segments, self._starts, self._counts = (
            torch.from_numpy(np.array(part, dtype=np.int64)).to(device)
            for part in (tokens.ids, tokens.segments, tokens.offsets[:-1], self._lengths)
        )

    def batch(self, rows: Ints, there: Tensor | None = None) -> tuple[Batch, Tensor]:
        """The padded batch of these rows, and where each of its real tokens stands in the pool, (tokens,).

        Nothing here waits for the device.

        Args:
            rows: numbers of the rows.
            there: the same numbers on the device, where they are there already.
        """
        lengths = self._lengths[rows]
        longest, total = int(lengths.max()), int(lengths.sum())
        there = torch.from_numpy(rows).to(self._ids.device) if there is None else there
        counts = self._counts[there]
        line = torch.repeat_interleave(counts, output_size=total)
        within = torch.arange(total, device=line.device) - (counts.cumsum(0) - counts)[line]
        at = self._starts[there][line] + within
        real = line * longest + within

        def padded(values: Tensor, fill: int) -> Tensor:
            empty = values.new_full((len(rows) * longest,), fill)
            return empty.index_copy_(0, real, values[at]).view(len(rows), longest)

        mask = torch.arange(longest, device=line.device) < counts[:, None]
        return Batch(padded(self._ids, self._pad), mask, padded(self._segments, 0), lengths, real, self._table), at
