"""Work on every core: numpy lets other threads run while it computes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import TypeVar

from threadpoolctl import threadpool_limits

T = TypeVar("T")
R = TypeVar("R")


def alone() -> AbstractContextManager[object]:
    """A context in which a product of matrices takes one thread: these are small, and `each` has a thread a core."""
    limits: AbstractContextManager[object] = threadpool_limits(1, "blas")
    return limits


def each(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """The function's value for every item, in their order; an error of any is raised."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(function, items))
