"""Outputs of a network for every row or every token of a pool, in the pool's order."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from harness.engine.batches import Batch, batch_of, batches_of, token_index
from harness.engine.device import BUDGET, out_of_memory
from harness.engine.tokens import Ints, Tokens

log = logging.getLogger(__name__)


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
    """
    out: Tensor | None = None
    budget = budget or BUDGET[device.type]
    left: Ints = np.arange(len(tokens))
    warned = False
    with tqdm(total=len(tokens.ids), unit="token", desc="predict", delay=2, disable=None, leave=False) as progress:
        while len(left):
            batches = batches_of(tokens.lengths[left], budget)
            done = 0
            try:
                for part in batches:
                    rows = left[part]
                    found = compute(batch_of(tokens, rows, pad, device, table))
                    if per_token:
                        index = torch.from_numpy(token_index(tokens, rows)).to(device, non_blocking=True)
                        found = found.flatten(0, 1).index_select(0, index)
                    if out is None:
                        total = len(tokens.ids) if per_token else len(tokens)
                        out = torch.empty((total, *found.shape[1:]), dtype=found.dtype, device=device)
                    place = tokens.flat(rows) if per_token else rows
                    out[torch.from_numpy(place).to(device, non_blocking=True)] = found
                    done += len(rows)
                    progress.update(int(tokens.lengths[rows].sum()))
                left = left[:0]
            except RuntimeError as error:
                longest = int(tokens.lengths[left[batches.order[done]]])
                if not out_of_memory(error) or budget < 2 * longest:  # a row alone cannot be made smaller
                    raise
                budget //= 2
                left = left[batches.order[done:]]
                if not warned:
                    log.warning("not enough memory: batches of %d tokens from here on, or of fewer", budget)
                    warned = True
    return np.zeros(0, np.float32) if out is None else out.float().cpu().numpy()
