"""Linear layers by oneDNN with their weights packed once: on some processors twice as fast as torch's own.

In float32 only where a check on this machine finds them equal and faster; otherwise a network stays as it is. In
bfloat16 the products alone are of few bits: what is added up over the layers, normalised or weighed by attention is
float32, which costs next to nothing and leaves a quarter of the error.
"""

from __future__ import annotations

import logging
import statistics
import time
from functools import lru_cache
from typing import cast

import torch
from torch import Tensor, nn

from harness.engine.device import threads

EAGER, PACKED = "eager", "onednn-packed"
LEAST = 128  # a narrower layer gains nothing
ROWS = 1024  # tokens that the packing is laid out for; any other number works as well
GAIN = 1.2  # times faster than torch, or it is not worth another way of computing
EQUAL = 1e-5  # of the largest output
NEAR = {torch.float32: EQUAL, torch.bfloat16: 1e-2}

log = logging.getLogger(__name__)


class PackedLinear(nn.Module):
    """A linear layer for inference on a CPU, with a GELU on top where one follows it.

    Args:
        linear: the layer.
        dtype: of the product; what comes out has the type of what goes in, unless ``then`` is set.
    """

    def __init__(self, linear: nn.Linear, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.dtype = dtype
        self.weight = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach().to(dtype), ROWS)
        self.bias = None if linear.bias is None else linear.bias.detach().to(dtype)
        self.then = "none"

    def forward(self, rows: Tensor) -> Tensor:
        """What ``nn.Linear``, and the GELU, give, up to rounding."""
        # the last word chooses the GELU: "none" is the exact one
        found = torch.ops.mkldnn._linear_pointwise(rows.to(self.dtype), self.weight, self.bias, self.then, [], "none")
        # only another product reads what a GELU gives
        return cast("Tensor", found if self.then == "gelu" else found.to(rows.dtype))


def pack(net: nn.Module, dtype: torch.dtype = torch.float32) -> str:
    """The name of what computes the network's linear layers from here on, in ``dtype``.

    Wide ones are packed where that is worthwhile; a network without any is cast as a whole. It is changed, can be
    called in inference mode only, and has no weights left to save.
    """
    wide = [name for name, layer in net.named_modules() if _wide(layer)]
    if not wide or dtype not in NEAR or not worthwhile(dtype):
        net.to(dtype)
        return EAGER
    for name in wide:
        parent, _, own = name.rpartition(".")
        owner = net.get_submodule(parent)
        setattr(owner, own, PackedLinear(cast("nn.Linear", getattr(owner, own)), dtype))
    for block in net.modules():
        _fuse(block)
    return PACKED


def _fuse(block: nn.Module) -> None:
    """Makes the GELU of a transformer block part of the layer before it, which saves a pass over the memory."""
    inner, outer = getattr(block, "intermediate", None), getattr(block, "output", None)
    dense, act = getattr(inner, "dense", None), getattr(inner, "intermediate_act_fn", None)
    packed = isinstance(dense, PackedLinear) and isinstance(getattr(outer, "dense", None), PackedLinear)
    if packed and getattr(act, "act", act) is nn.functional.gelu:
        cast("PackedLinear", dense).then = "gelu"
        cast("nn.Module", inner).intermediate_act_fn = nn.Identity()


def _wide(layer: nn.Module) -> bool:
    return (
        type(layer) is nn.Linear
        and min(layer.in_features, layer.out_features) >= LEAST
        and layer.weight.dtype == torch.float32
        and layer.weight.device.type == "cpu"
    )


@lru_cache(maxsize=2)
@torch.inference_mode()
def worthwhile(dtype: torch.dtype) -> bool:
    """Whether packed layers are equal to torch's and, in float32, faster, on this machine; measured once a process."""
    draw = torch.Generator().manual_seed(0)
    rows = torch.randn(ROWS, 384, generator=draw).to(dtype)
    # made without drawing from the generator that training uses
    linear: nn.Linear = nn.utils.skip_init(nn.Linear, 384, 1536)  # type: ignore[no-untyped-call]
    nn.init.normal_(linear.weight, std=0.02, generator=draw)
    nn.init.zeros_(linear.bias)
    try:
        packed = PackedLinear(linear, dtype)
        ours, theirs = packed(rows), linear.to(dtype)(rows)
    except (AttributeError, NotImplementedError, RuntimeError) as error:  # not part of torch's stable interface
        log.info("no packed linear layers here: %s", str(error).splitlines()[0])
        return False
    if (ours - theirs).abs().max() > NEAR[dtype] * theirs.abs().max():
        return False
    if dtype != torch.float32:
        return True  # which way it is computed decides how exact it is, and must not depend on a time taken
    times: tuple[list[float], list[float]] = ([], [])
    with threads(1):  # each thread has batches of its own
        for _ in range(9):  # in turns, so that whatever else the machine does slows both
            for layer, taken in zip((packed, linear), times, strict=True):
                start = time.perf_counter()
                layer(rows)
                taken.append(time.perf_counter() - start)
    fast, slow = map(statistics.median, times)
    return slow > GAIN * fast
