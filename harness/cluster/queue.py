"""What Slurm says of the tasks of its arrays; nothing where it cannot be asked."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Collection
from dataclasses import dataclass

CANCELLED = "CANCELLED"
ENDED = frozenset(
    ["BOOT_FAIL", CANCELLED, "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "REVOKED", "TIMEOUT"]
)  # any other state is one of a task that runs, or will; a preempted one is queued again
PATIENCE = 60  # seconds that a busy controller may take to answer
LIMIT = 1001  # Slurm's own default


@dataclass(frozen=True, slots=True)
class Queued:
    """A task of an array, as ``squeue`` shows it.

    Attributes:
        reason: why it waits: Resources, Priority, BeginTime ...
        node: empty for one that waits.
    """

    state: str
    reason: str
    node: str

    @property
    def ended(self) -> bool:
        """Whether it neither runs nor will."""
        return self.state in ENDED


def queue(arrays: Collection[str]) -> dict[str, Queued] | None:
    """The tasks of arrays by id, as in 12_3; None where Slurm does not answer.

    Slurm forgets a task some minutes after its end (``MinJobAge``): who is not among them has ended long ago.
    """
    if not arrays:
        return {}
    command = ["squeue", "--noheader", "--array", "--states=all", "--format=%i|%T|%r|%N", f"--jobs={','.join(arrays)}"]
    done = _answer(command)
    if done is None or (done.returncode and "Invalid job id" not in done.stderr):
        return None
    lines = (line.strip().split("|") for line in done.stdout.splitlines() if line.strip())
    return {task: Queued(state, reason, node) for task, state, reason, node in lines}


def alive(arrays: Collection[str]) -> bool | None:
    """Whether a task of these arrays runs or waits; None where Slurm does not answer."""
    tasks = queue(arrays)
    return None if tasks is None else not all(task.ended for task in tasks.values())


def largest_array() -> int:
    """Tasks that one array may have here."""
    done = _answer(["scontrol", "show", "config"])
    found = re.search(r"^MaxArraySize\s*=\s*(\d+)", done.stdout if done else "", flags=re.MULTILINE)
    return int(found[1]) if found else LIMIT


def _answer(command: list[str]) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
