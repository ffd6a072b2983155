"""Where and with how many threads torch computes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch

BUDGET = {"cpu": 1024, "cuda": 130_000}
"""Padded tokens a batch, at most: a CPU is slower with more, which leave its caches, and a GPU wants to be filled.

A kernel takes 65,535 rows at most: so many have two tokens each, and none has fewer."""

PARTS, FEWEST = 16, 16384
"""A pool that is small for a GPU is computed in so many batches, as long as each has so many tokens: rows of one batch
should be about equally long."""

# the CPU's allocators and libraries have no error type of their own
SIGNS = ("can't allocate memory", "not enough memory", "out of memory", "bad_alloc", "ALLOC_FAILED")


def device() -> torch.device:
    """The GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def budget_of(tokens: int, device: torch.device) -> int:
    """Padded tokens a batch of a pool of so many tokens."""
    return min(BUDGET[device.type], max(FEWEST, tokens // PARTS))


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Compute with this many threads inside: another number gives other sums, and so other weights."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def workers(count: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that compute by themselves, each a part of the work.

    Threads that share each product wait for each other at every one, and the longer the busier the machine is.
    """
    before = torch.get_num_threads()
    with ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            yield pool
        finally:
            torch.set_num_threads(before)  # the number is each thread's own, but what new threads start with is not


def out_of_memory(error: Exception) -> bool:
    """Whether the error says that a batch was too large for the memory."""
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or any(sign in str(error) for sign in SIGNS)
