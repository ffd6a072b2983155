"""The best rate of a matrix product that is measured on this machine: what any evaluation could reach at most."""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor, nn

from harness.engine.packed import PackedLinear

SIZES = ((1024, 384, 1536), (1024, 1536, 384), (1024, 1024, 1024), (2048, 2048, 2048))
DEVICE_SIZES = ((8192, 8192, 8192), (16384, 4096, 4096))


def cpu_peak(dtype: torch.dtype, rounds: int = 15) -> float:
    """Multiply-adds a second, times two, of the fastest product: torch's own or oneDNN's, shared by threads or not."""
    return max(_rate(size, way, rounds) for size in SIZES for way in _ways(size, dtype))


Way = tuple[Callable[[Tensor], object], Sequence[Tensor]]


def _ways(size: tuple[int, int, int], dtype: torch.dtype) -> list[Way]:
    rows, inner, outer = size
    given = [torch.randn(rows, inner).to(dtype) for _ in range(torch.get_num_threads())]
    layer = nn.Linear(inner, outer, bias=False)
    linear = copy.deepcopy(layer).to(dtype)
    found: list[Way] = [(linear, given[:1]), (linear, given)]
    try:
        packed = PackedLinear(layer, dtype)
    except (AttributeError, NotImplementedError, RuntimeError):  # as in the harness, where it may be missing too
        return found
    return [*found, (packed, given[:1]), (packed, given)]


@torch.inference_mode()
def _rate(size: tuple[int, int, int], way: Way, rounds: int) -> float:
    product, given = way
    work = 2.0 * size[0] * size[1] * size[2] * len(given)
    if len(given) == 1:
        return work / _seconds(lambda: product(given[0]), rounds)

    def alone(rows: Tensor) -> None:
        with torch.inference_mode():
            for _ in range(10):
                product(rows)

    with ThreadPoolExecutor(len(given), initializer=torch.set_num_threads, initargs=(1,)) as pool:
        found = 10 * work / _seconds(lambda: list(pool.map(alone, given)), rounds)
    torch.set_num_threads(len(given))
    return found


def _seconds(call: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds + 2):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times[2:])


@torch.inference_mode()
def cuda_peak(dtype: torch.dtype, rounds: int = 20) -> float:
    """The same of the GPU, on large products of random numbers."""
    rates = []
    for rows, inner, outer in DEVICE_SIZES:
        left = torch.randn(rows, inner, device="cuda", dtype=dtype)
        right = torch.randn(inner, outer, device="cuda", dtype=dtype)
        for _ in range(3):
            left @ right
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(rounds):
            left @ right
        torch.cuda.synchronize()
        rates.append(2.0 * rows * inner * outer * rounds / (time.perf_counter() - start))
    return max(rates)
