"""Outputs of a network for every row or every token of a pool, in the pool's order."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from tqdm import tqdm

from harness.engine.batches import Batch, Resident, batches_of
from harness.engine.device import budget_of, out_of_memory, workers
from harness.engine.tokens import Ints, Tokens
from harness.errors import HarnessError

log = logging.getLogger(__name__)

KERNELS = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
"""Of attention on a GPU. cuDNN's, left out, is prepared anew for every shape, and here are hundreds of them."""

Cut = tuple[int, int]
Done = tuple[Cut, Tensor, Tensor]  # the rows, the places of their outputs in the pool's order, the outputs


@torch.inference_mode()
def forward(
    compute: Callable[[Batch], Tensor],
    tokens: Tokens,
    device: torch.device,
    *,
    per_token: bool,
    pad: int = 0,
    table: Tensor | None = None,
    budget: int | None = None,
) -> NDArray[np.float32]:
    """What ``compute`` gives for all rows, without padding.

    On a CPU each of torch's threads computes batches of its own. On a GPU nothing waits for it until all is computed.

    Args:
        compute: ``(rows, longest, ...)`` for a batch where ``per_token``, else ``(rows, ...)``.
        tokens: the pool.
        device: where ``compute`` wants its batches.
        per_token: whether tokens or rows have outputs.
        pad: the token that rows are filled up with.
        table: vectors that the tokens point into, where the network has no vocabulary.
        budget: padded tokens a batch; halved, with one warning, each time that memory does not suffice.

    Returns:
        ``(tokens, ...)`` aligned with ``tokens.ids`` where ``per_token``, else ``(rows, ...)``.

    Raises:
        HarnessError: there is not even memory for one row.
    """
    out: Tensor | None = None
    budget = budget or budget_of(len(tokens.ids), device)
    resident = Resident(tokens, pad, device, table)
    left: Ints = np.arange(len(tokens))
    warned = False

    def one(cut: Cut) -> Done:
        rows, there = order[slice(*cut)], on_device[slice(*cut)]
        with torch.inference_mode():  # which each thread has to be told
            batch, at = resident.batch(rows, there)
            found = compute(batch)
            return (cut, at, found.flatten(0, 1)[batch.real]) if per_token else (cut, there, found)

    with (
        tqdm(total=len(tokens.ids), unit="token", desc="predict", delay=2, disable=None, leave=False) as progress,
        _workers(device) as run,
    ):
        while len(left):
            batches = batches_of(tokens.lengths[left], budget)
            order = left[batches.order]
            on_device = torch.from_numpy(order).to(device)
            done = 0
            try:
                for (start, done), places, found in run(one, pairwise(batches.cuts.tolist())):
                    if out is None:
                        total = len(tokens.ids) if per_token else len(tokens)
                        out = found.new_empty((total, *found.shape[1:]))
                    out.index_copy_(0, places, found)
                    progress.update(int(tokens.lengths[order[start:done]].sum()))
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
                longest = int(tokens.lengths[order[done]])
                if budget < 2 * longest:  # a row alone cannot be made smaller
                    raise HarnessError(
                        f"not enough memory for one row of {longest} tokens: pass a smaller model.max_length"
                    ) from error
                budget //= 2
                if not warned:
                    log.warning("not enough memory: batches of %d tokens from here on, or of fewer", budget)
                    warned = True
            left = order[done:]
    return np.zeros(0, np.float32) if out is None else out.cpu().float().numpy()


Run = Callable[[Callable[[Cut], Done], Iterable[Cut]], Iterator[Done]]


@contextmanager
def _workers(device: torch.device) -> Iterator[Run]:
    """A ``map`` over batches, in order: one after the other on a GPU, on a CPU as many at once as torch has threads."""
    if device.type != "cpu":
        with sdpa_kernel(KERNELS):
            yield map
        return
    count = torch.get_num_threads()
    if count == 1:
        yield map
        return
    with workers(count) as pool:

        def run(one: Callable[[Cut], Done], cuts: Iterable[Cut]) -> Iterator[Done]:
            begun: deque[Future[Done]] = deque()
            try:
                for cut in cuts:
                    begun.append(pool.submit(one, cut))
                    if len(begun) > 2 * count:  # so that nobody waits; and no more, since one may fail
                        yield begun.popleft().result()
                while begun:
                    yield begun.popleft().result()
            finally:
                wait([future for future in begun if not future.cancel()])

        yield run
