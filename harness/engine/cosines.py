"""Products of unit vectors: by oneDNN where torch's own are slow, the same to the last bit by any number of threads.

Which computes them is a matter of the processor and of a check that they are equal, never of a time taken: the same
machine must always give the same ranks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.engine.device import threads, workers
from harness.engine.packed import EQUAL
from harness.engine.products import slow
from harness.machine import cores

Floats = NDArray[np.floating[Any]]
Map = Callable[..., Iterator[Any]]

SMALL = 2**22  # cosines: a search among fewer is computed by one thread, and many such searches by many threads
TILE = 1024  # candidates of a product that one thread computes

_turns = threading.Lock()


@contextmanager
def hands(size: int) -> Iterator[Map]:
    """A ``map`` for the parts of a search among so many cosines: by this thread alone, or by all cores.

    Large searches take turns, so that whoever searches in many threads holds few of them at once.
    """
    if size <= SMALL:
        with threads(1):
            yield map
    else:
        with _turns, workers(cores()) as pool:
            yield pool.map


def cosines(queries: Floats, candidates: Floats, run: Map = map) -> Floats:
    """``queries @ candidates.T``, in tiles of columns that ``hands`` compute: each by one thread."""
    # a read-only array is copied, since torch warns of it
    left, right = (torch.from_numpy(np.require(side, requirements=["C", "W"])) for side in (queries, candidates))
    if len(right) <= TILE:
        return cast("Floats", _product(left, right).numpy())
    found = left.new_empty(len(left), len(right))

    def fill(start: int) -> None:
        found[:, start : start + TILE] = _product(left, right[start : start + TILE])

    list(run(fill, range(0, len(right), TILE)))
    return cast("Floats", found.numpy())


def _product(left: Tensor, right: Tensor) -> Tensor:
    with torch.inference_mode():
        return _onednn(left, right) if left.dtype == torch.float32 and usable() else left @ right.T


def _onednn(left: Tensor, right: Tensor) -> Tensor:
    return cast("Tensor", torch.ops.mkldnn._linear_pointwise(left, right, None, "none", [], ""))


@lru_cache(maxsize=1)
def usable() -> bool:
    """Whether oneDNN gives what torch does, up to rounding, where torch's own products are slow."""
    if not slow():
        return False
    draw = torch.Generator().manual_seed(0)
    left, right = (torch.nn.functional.normalize(torch.randn(256, 384, generator=draw)) for _ in range(2))
    try:
        return bool((_onednn(left, right) - left @ right.T).abs().max() <= EQUAL)
    except (AttributeError, NotImplementedError, RuntimeError):  # not part of torch's stable interface
        return False
