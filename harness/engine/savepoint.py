"""How far a training run has come, on disk, so that one that was killed goes on where it was and ends in the same bits.

A folder with one file of tensors, which holds a checksum of all that is in it. It is a convenience: what cannot be
written or read costs time, and nothing else.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import time
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from harness.engine.products import CPUINFO
from harness.errors import HarnessError
from harness.spec import Savepoint, Training
from harness.storage.atomic import ensure_space

FORMAT = 1  # raised when states are stored otherwise, or another program would go on from one
STATE, NEXT = "state.safetensors", "next.safetensors"
NETWORK, BEST, OPTIMIZER = "network/", "best/", "optimizer/"
LOSSES, RANDOM, RANDOM_CUDA = "losses", "random", "random_cuda"

log = logging.getLogger(__name__)


class Measured(NamedTuple):
    """A value at a step: ``loss`` of that step's batch, or ``dev``."""

    name: str
    step: int
    value: float


@dataclass(slots=True)
class Progress:
    """What the next step depends on beside the network, its optimiser and the random state.

    Attributes:
        budget: padded tokens that go through the network at once; lower than at the start where memory ran out.
        step: the last one that was taken.
        losses: of each step.
        measured: on dev.
        best: the highest value on dev and its weights.
    """

    budget: int
    step: int = 0
    losses: list[Tensor] = field(default_factory=list)
    measured: list[Measured] = field(default_factory=list)
    best: tuple[float, dict[str, Tensor]] | None = None


class Saved:
    """The state of one training run on disk: read where it begins, written from time to time.

    Args:
        savepoint: where, and how often.
        net: what is trained.
        optimizer: at its beginning, with a state of its own for each parameter.
        training: the numbers.
        more: what else must be the same where the run goes on, so that it ends as if it had never stopped.
    """

    def __init__(
        self, savepoint: Savepoint, net: nn.Module, optimizer: torch.optim.Optimizer, training: Training, **more: int
    ) -> None:
        self._savepoint = savepoint
        self._net = net
        self._optimizer = optimizer
        self._same = {
            "format": FORMAT,
            **{package: version(package) for package in ("torch", "numpy", "transformers")},
            "hardware": _hardware(_place(net)),
            "threads": torch.get_num_threads(),
            **asdict(training),
            **more,
        }
        self._due = self._next()
        self._works = True

    def read(self) -> Progress | None:
        """How far this very run has come; network, optimiser and random state are put where they were.

        None, and nothing is touched, where there is no state, or, with a warning, one that is damaged or of another
        run.
        """
        folder = self._savepoint.folder
        if not (folder / STATE).exists():
            return None
        try:
            plain, tensors = _stored(folder / STATE)
            differing = _differing(plain["same"], self._same) or _shapes(tensors, self._net)
            if differing:
                raise ValueError(differing)
            measured = [Measured(*point) for point in plain["measured"]]
            losses = [*tensors[LOSSES].to(_place(self._net), copy=True)]
            progress = Progress(plain["budget"], plain["step"], losses, measured)
        except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
            log.warning("%s: this training state cannot be used (%s); training starts anew", folder, error)
            return None
        _put(self._net, self._optimizer, tensors)
        if plain["best"] is not None:
            progress.best = plain["best"], _part(tensors, BEST)
        log.info("training goes on at step %d of %d (%s)", progress.step, self._same["of_steps"], folder)
        return progress

    def write(self, progress: Progress) -> None:
        """Replaces the state where it is time to; the one before stays until the new one is whole.

        What cannot be written is said once, and not tried again.
        """
        if not self._works or time.monotonic() < self._due:
            return
        try:
            self._write(progress)
        except (OSError, RuntimeError, SafetensorError, HarnessError) as error:  # RuntimeError: weights that are tied
            self._works = False
            log.warning("%s: no training state is kept any more (%s)", self._savepoint.folder, error)
        self._due = self._next()

    def _next(self) -> float:
        return time.monotonic() + 60 * self._savepoint.minutes

    def _write(self, progress: Progress) -> None:
        folder = self._savepoint.folder
        tensors = _tensors(self._net, self._optimizer, progress)
        plain = json.dumps(
            {
                "same": self._same,
                "step": progress.step,
                "budget": progress.budget,
                "measured": progress.measured,
                "best": None if progress.best is None else progress.best[0],
            }
        )
        # as much again must stay free: the weights at the end matter more than the way to them
        ensure_space(folder, 2 * sum(value.nbytes for value in tensors.values()))
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.iterdir():  # by a run that was killed while it wrote
            if left.name != STATE:
                left.unlink()
        save_file(tensors, folder / NEXT, {"plain": plain, "checksum": _checksum(plain, tensors)})
        with (folder / NEXT).open("rb") as file:
            os.fsync(file.fileno())
        (folder / NEXT).replace(folder / STATE)


def _tensors(net: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress) -> dict[str, Tensor]:
    found = {NETWORK + name: value for name, value in net.state_dict().items()}
    for number, state in optimizer.state_dict()["state"].items():
        found |= {f"{OPTIMIZER}{number}/{name}": value for name, value in state.items()}
    if progress.best is not None:
        found |= {BEST + name: value for name, value in progress.best[1].items()}
    found |= {LOSSES: torch.stack(progress.losses), RANDOM: torch.get_rng_state()}
    if _place(net).type == "cuda":
        found[RANDOM_CUDA] = torch.cuda.get_rng_state()
    return {name: value.detach().cpu().contiguous() for name, value in found.items()}


def _put(net: nn.Module, optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    net.load_state_dict(_part(tensors, NETWORK))
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in _part(tensors, OPTIMIZER).items():
        number, _, key = name.partition("/")
        state.setdefault(int(number), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    torch.set_rng_state(tensors[RANDOM])
    if RANDOM_CUDA in tensors:
        torch.cuda.set_rng_state(tensors[RANDOM_CUDA])


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    # copies: what was read is mapped from the file, and keeps its space after the next state has replaced it
    return {name.removeprefix(prefix): value.clone() for name, value in tensors.items() if name.startswith(prefix)}


def _stored(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    with safe_open(path, framework="pt") as file:
        about = file.metadata() or {}
        tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
    if about["checksum"] != _checksum(about["plain"], tensors):
        raise ValueError("it is damaged")
    plain: dict[str, Any] = json.loads(about["plain"])
    return plain, tensors


def _checksum(plain: str, tensors: Mapping[str, Tensor]) -> str:
    found = zlib.crc32(plain.encode())
    for name, value in sorted(tensors.items()):
        found = zlib.crc32(f"{name} {value.dtype} {tuple(value.shape)}".encode(), found)
        found = zlib.crc32(value.reshape(-1).view(torch.uint8).numpy().data, found)
    return f"{found:08x}"


def _differing(stored: Mapping[str, object], same: Mapping[str, object]) -> str:
    """The first of what must be the same and is not, in words; empty where there is none."""
    names = (name for name in {**same, **stored} if stored.get(name) != same.get(name))
    return next((f"{name} was {stored.get(name)} and is {same.get(name)}" for name in names), "")


def _shapes(tensors: Mapping[str, Tensor], net: nn.Module) -> str:
    """What of the network is not as it was stored; nothing, where the program is the same."""
    theirs = {name: (value.dtype, value.shape) for name, value in tensors.items() if name.startswith(NETWORK)}
    ours = {NETWORK + name: (value.dtype, value.shape) for name, value in net.state_dict().items()}
    return "" if theirs == ours else "its network has other weights"


def _place(net: nn.Module) -> torch.device:
    return next(net.parameters()).device


def _hardware(place: torch.device) -> str:
    """What computes: others round otherwise."""
    if place.type == "cuda":
        return torch.cuda.get_device_name(place)
    return f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}, {_model()}"


def _model() -> str:
    """The processor's own name, where the system tells it."""
    try:
        lines = CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
