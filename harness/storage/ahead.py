"""Work on the parts of something large, done by other processes a few parts ahead of whoever takes what comes out."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

P = TypeVar("P")
T = TypeVar("T")

PROCESSES = 4  # at most, as a store has one disk


def ahead(work: Callable[[P], T], parts: Iterable[P]) -> Iterator[T]:
    """What the work makes of each part, in their order; no more than a few results wait to be taken."""
    processes = min(PROCESSES, 2 * (os.cpu_count() or 1))
    waiting: deque[Future[T]] = deque()
    # not forked: a process with threads (of a bucket, say) must not be
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for part in parts:
            waiting.append(pool.submit(work, part))
            if len(waiting) > 2 * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
