"""Linear layers by oneDNN with their weights packed once: on some processors twice as fast as torch's own.

Only where a check on this machine finds them equal and faster; otherwise a network stays as it is.
"""

from __future__ import annotations

import logging
import statistics
import time
from functools import lru_cache
from typing import cast

import torch
from torch import Tensor, nn

EAGER, PACKED = "eager", "onednn-packed"
LEAST = 128  # a narrower layer gains nothing
ROWS = 1024  # tokens that the packing is laid out for; any other number works as well
GAIN = 1.2  # times faster than torch, or it is not worth another way of computing
EQUAL = 1e-5  # of the largest output

log = logging.getLogger(__name__)


class PackedLinear(nn.Module):
    """A linear layer for inference on a CPU in float32, with a GELU on top where one follows it."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), ROWS)
        self.bias = None if linear.bias is None else linear.bias.detach()
        self.then = "none"

    def forward(self, rows: Tensor) -> Tensor:
        """What ``nn.Linear``, and the GELU, give, up to rounding."""
        # the last word chooses the GELU: "none" is the exact one
        return cast("Tensor", torch.ops.mkldnn._linear_pointwise(rows, self.weight, self.bias, self.then, [], "none"))


def pack(net: nn.Module) -> str:
    """The name of what computes the network's linear layers from here on; wide ones are replaced where that is faster.

    The network is changed, can be called in inference mode only, and has no weights left to save.
    """
    wide = [name for name, layer in net.named_modules() if _wide(layer)]
    if not wide or not worthwhile(torch.get_num_threads()):
        return EAGER
    for name in wide:
        parent, _, own = name.rpartition(".")
        owner = net.get_submodule(parent)
        setattr(owner, own, PackedLinear(cast("nn.Linear", getattr(owner, own))))
    for block in net.modules():
        _fuse(block)
    return PACKED


def _fuse(block: nn.Module) -> None:
    """Makes the GELU of a transformer block part of the layer before it, which saves a pass over the memory."""
    dense, act = getattr(block, "dense", None), getattr(block, "intermediate_act_fn", None)
    if isinstance(dense, PackedLinear) and getattr(act, "act", act) is nn.functional.gelu:
        dense.then = "gelu"
        block.intermediate_act_fn = nn.Identity()


def _wide(layer: nn.Module) -> bool:
    return (
        type(layer) is nn.Linear
        and min(layer.in_features, layer.out_features) >= LEAST
        and layer.weight.dtype == torch.float32
        and layer.weight.device.type == "cpu"
    )


@lru_cache(maxsize=4)
@torch.inference_mode()
def worthwhile(threads: int) -> bool:  # noqa: ARG001  # what is faster depends on their number
    """Whether packed layers are equal to torch's and faster, on this machine; measured once a process."""
    draw = torch.Generator().manual_seed(0)
    rows = torch.randn(ROWS, 384, generator=draw)
    # made without drawing from the generator that training uses
    linear: nn.Linear = nn.utils.skip_init(nn.Linear, 384, 1536)  # type: ignore[no-untyped-call]
    nn.init.normal_(linear.weight, std=0.02, generator=draw)
    nn.init.zeros_(linear.bias)
    try:
        packed = PackedLinear(linear)
        ours, theirs = packed(rows), linear(rows)
    except (AttributeError, NotImplementedError, RuntimeError) as error:  # not part of torch's stable interface
        log.info("no packed linear layers here: %s", str(error).splitlines()[0])
        return False
    if (ours - theirs).abs().max() > EQUAL * theirs.abs().max():
        return False
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(9):  # in turns, so that whatever else the machine does slows both
        for layer, taken in zip((packed, linear), times, strict=True):
            start = time.perf_counter()
            layer(rows)
            taken.append(time.perf_counter() - start)
    fast, slow = map(statistics.median, times)
    return slow > GAIN * fast
