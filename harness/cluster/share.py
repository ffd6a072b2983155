"""Processes that share this machine: a job begins when its memory fits beside the others', with a GPU of its own.

Under Slurm and Ray, which see to both, nothing here does anything.
"""

from __future__ import annotations

import logging
import math
import os
import platform
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from harness.machine import memory
from harness.spec import Resources
from harness.storage.locks import held, holder

log = logging.getLogger("harness")

GUARDED = ("SLURM_JOB_ID", "RAY_RAYLET_PID")  # variables of workers whose engine counts memory and devices itself
DEVICES = "CUDA_VISIBLE_DEVICES"
PAUSE = 0.2  # seconds between two looks at what the others hold
_bound: list[str] = []  # the device that this process began with; CUDA stays with it


@contextmanager
def room(needs: Resources, job: str) -> Iterator[None]:
    """Holds what a job needs of this machine for the time of the block; first waits for it, and says so.

    A job that nobody else runs beside begins in any case. Whoever waits is not overtaken. What a process holds ends
    with it, however it dies.

    Args:
        job: what is said to wait.
    """
    if any(name in os.environ for name in GUARDED):
        yield
        return
    with ExitStack() as mine:
        folder = _folder()
        if needs.gpus:
            _device(job, folder, mine)
        with held(folder / "turn"):
            _memory(needs.memory_gb, job, folder, mine)
        yield


def _folder() -> Path:
    # of this machine, in case the folder is shared, and of this user: others can neither read nor lock these files
    return Path(tempfile.gettempdir()) / f"harness-share-{platform.node()}-{os.getuid()}"


def _memory(gb: int, job: str, folder: Path, mine: ExitStack) -> None:
    """Enters one's own memory among what is held; whoever calls has the turn."""
    total = math.ceil(memory() / 1e9)
    said = False
    while (others := _others(folder)) and sum(others) + gb > total:
        if not said:
            words = "%s waits for %d GB: %d of %d GB are taken by %d other jobs on this machine"
            log.warning(words, job, gb, sum(others), total, len(others))
            said = True
        time.sleep(PAUSE)
    # its name says how much, its lock that it still is
    mine.enter_context(held(folder / f"{threading.get_native_id()}-{gb}.gb"))


def _others(folder: Path) -> list[int]:
    """Gigabytes of every job that holds some; what dead ones have left is removed."""
    found = []
    for path in folder.glob("*.gb"):
        if holder(path) is None:
            path.unlink(missing_ok=True)  # nobody takes one without the turn
        else:
            found.append(int(path.stem.split("-")[1]))
    return found


def _device(job: str, folder: Path, mine: ExitStack) -> None:
    """Takes a device that no other process has, before CUDA is asked for any."""
    visible = _bound or _visible()
    said = False
    while visible:
        for name in visible:
            with ExitStack() as one:
                if one.enter_context(held(folder / f"{name.replace('/', '-')}.cuda", wait=False)):
                    mine.push(one.pop_all())
                    os.environ[DEVICES] = name
                    _bound[:] = [name]
                    return
        if not said:
            log.warning("%s waits for a GPU: %s are taken by other jobs on this machine", job, ", ".join(visible))
            said = True
        time.sleep(PAUSE)


def _visible() -> list[str]:
    """The devices that this process may use, as ``CUDA_VISIBLE_DEVICES`` would name them."""
    import torch

    if not (count := torch.cuda.device_count()):  # by NVML: CUDA itself would not read the variable again
        return []
    given = [name.strip() for name in os.environ.get(DEVICES, "").split(",") if name.strip()]
    return given[:count] or [str(i) for i in range(count)]
