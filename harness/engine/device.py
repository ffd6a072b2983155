"""Where and with how many threads torch computes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

BUDGET = {"cpu": 2048, "cuda": 16384}
"""Padded tokens a batch. A CPU is slower with larger ones, which leave its caches; a GPU wants to be filled,
as far as padding allows."""


def device() -> torch.device:
    """The GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Compute with this many threads inside: another number gives other sums, and so other weights."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def out_of_memory(error: RuntimeError) -> bool:
    """Whether the error says that a batch was too large for the memory."""
    # the CPU's allocator has no error type of its own
    return isinstance(error, torch.cuda.OutOfMemoryError) or "can't allocate memory" in str(error)
