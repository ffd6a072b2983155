"""Matrix products of float32 by oneDNN while a network is trained: on some processors twice as fast as torch's own.

Which computes them is a matter of the processor and of a check that they are equal, never of a time taken: the same
machine must always give the same weights.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn

from harness.engine.packed import EAGER, EQUAL, LEAST

ONEDNN = "onednn"
CPUINFO = Path("/proc/cpuinfo")


@contextmanager
def products(net: nn.Module) -> Iterator[str]:
    """The name of what computes the products of a training run inside: oneDNN where that is faster and equal."""
    if not any(_wide(parameter) for parameter in net.parameters()) or not usable():
        yield EAGER
        return
    with _onednn():
        yield ONEDNN


def _wide(parameter: Tensor) -> bool:
    return (
        parameter.ndim == 2
        and min(parameter.shape) >= LEAST
        and parameter.dtype == torch.float32
        and parameter.device.type == "cpu"
    )


@contextmanager
def _onednn() -> Iterator[None]:
    """Hands products to oneDNN by the one switch there is, which allows it to take bfloat16 for them.

    It does so on processors with matrix units for that; on others it computes in float32. ``usable`` looks which.
    """
    switch = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before = switch.fp32_precision
    switch.fp32_precision = "bf16"
    try:
        yield
    finally:
        switch.fp32_precision = before


@lru_cache(maxsize=1)
def usable() -> bool:
    """Whether oneDNN computes the products of a linear layer's training, up to rounding, where torch's own are slow."""
    if not slow():
        return False
    draw = torch.Generator().manual_seed(0)
    rows, weight, gradient = (torch.randn(*size, generator=draw) for size in ((1024, 384), (1536, 384), (1024, 1536)))
    pairs = ((rows, weight.t()), (gradient, weight), (gradient.t(), rows))  # forward, and both ways back
    theirs = [left @ right for left, right in pairs]
    with _onednn():
        ours = [left @ right for left, right in pairs]
    same = [torch.equal(one, other) for one, other in zip(ours, theirs, strict=True)]
    near = [(one - other).abs().max() <= EQUAL * other.abs().max() for one, other in zip(ours, theirs, strict=True)]
    return all(near) and not all(same)  # bits that agree are torch's own: the switch did nothing


def slow() -> bool:
    """Whether torch's own products are slow here: MKL takes its fast paths on its maker's processors alone."""
    return torch.backends.mkl.is_available() and "GenuineIntel" not in _vendor()  # type: ignore[no-untyped-call]


def _vendor() -> str:
    try:
        return CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()
