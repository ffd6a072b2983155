"""A real Slurm on this machine: several one-core nodes, in a folder of their own; no systemd, no cgroups.

Debian's ``slurm-wlm`` and ``munge`` are enough (``apt-get install slurm-wlm munge``); their services need not run.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
CONF = """\
ClusterName=lab
SlurmctldHost=localhost
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SlurmdTimeout=5
KillWait=2
OverTimeLimit=0
JobRequeue=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
MaxArraySize={arrays}
SchedulerParameters=sched_interval=1,sched_min_interval=0,batch_sched_delay=1,bf_interval=1
SlurmdParameters=config_overrides
TaskProlog={folder}/prolog
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1 GraceTime=1
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=2 PreemptMode=OFF
"""


@dataclass(frozen=True)
class Lab:
    """A cluster that is up.

    Attributes:
        environment: what a process needs in order to reach it.
        nodes: names.
    """

    folder: Path
    environment: dict[str, str]
    nodes: tuple[str, ...]

    def ask(self, *command: str) -> str:
        """What a command of Slurm answers."""
        done = subprocess.run(
            command, env=os.environ | self.environment, capture_output=True, text=True, check=False, timeout=60
        )
        return done.stdout if done.returncode == 0 else ""

    def states(self) -> dict[str, str]:
        """The state of each node, as ``sinfo`` has it."""
        return dict(line.split() for line in self.ask("sinfo", "-h", "-N", "-p", "main", "-o", "%N %T").splitlines())

    def tasks(self) -> dict[str, tuple[str, str]]:
        """State and node of every task that is queued or running; the node is empty for one that waits."""
        lines = self.ask("squeue", "-h", "-r", "-o", "%i|%T|%N").splitlines()
        return {task: (state, node) for task, state, node in (line.split("|") for line in lines)}

    def kill(self, node: str) -> None:
        """Takes a node away as a power cut does: its daemon and everything that it runs, at once.

        Slurm finds that out by itself after ``SlurmdTimeout``, half a minute here; it is told instead.
        """
        with suppress(FileNotFoundError):
            _end(int((self.folder / f"slurmd-{node}.pid").read_text()), signal.SIGKILL)
        for _ in range(3):  # a step that was just starting
            for process in self.processes(node):
                _end(process, signal.SIGKILL)
            time.sleep(0.05)
        self.ask("scontrol", "update", f"nodename={node}", "state=down", "reason=killed")

    def again(self, task: str) -> None:
        """Waits until a task that was queued again runs; the two minutes that Slurm makes it wait are passed over."""

        def state() -> str:
            return self.tasks().get(task, ("GONE", ""))[0]

        def begun() -> bool:
            if state() == "PENDING":
                self.ask("scontrol", "update", f"jobid={task}", "starttime=now")
            return state() in ("RUNNING", "GONE")

        wait_for(lambda: state() == "PENDING", 60, f"{task} is not queued again")
        time.sleep(2)  # what a node may run is told by a stamp in seconds, and must be newer than what it may no more
        wait_for(begun, 90, f"{task} does not start again")

    def processes(self, node: str) -> list[int]:
        """What runs on a node, the keepers of its steps first."""
        mine = f"SLURMD_NODENAME={node}".encode(), f"SLURM_CONF={self.environment['SLURM_CONF']}".encode()
        jobs, keepers = [], set()
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError, ValueError):
                if set(mine) <= set((path / "environ").read_bytes().split(b"\0")):
                    jobs.append(int(path.name))
                    parent = (path / "stat").read_text().rsplit(")", 1)[1].split()[1]
                    if (Path("/proc") / parent / "comm").read_text().startswith("slurmstepd"):
                        keepers.add(int(parent))
        return [*keepers, *jobs]

    def back(self, node: str) -> None:
        """Starts a node, and waits until it takes jobs."""
        subprocess.run(
            ["slurmd", "-f", self.environment["SLURM_CONF"], "-N", node],
            env=os.environ | self.environment, check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        wait_for(lambda: self.states().get(node) in ("idle", "mixed", "allocated"), 60, f"{node} does not come up")


def why_not() -> str | None:
    """Why no Slurm can be started here; None where it can."""
    absent = [name for name in DAEMONS if shutil.which(name) is None]
    if absent:
        return f"no {', '.join(absent)} here: apt-get install slurm-wlm munge"
    return None if os.geteuid() == 0 else "Slurm's daemons need root"


@contextmanager
def slurm(
    folder: Path, nodes: int = 3, arrays: int = 1001, environments: Mapping[str, Mapping[str, str]] | None = None
) -> Iterator[Lab]:
    """A cluster of one-core nodes for the time of the block; all that it starts ends with it.

    Args:
        folder: an empty one, for all that the cluster writes.
        arrays: Slurm's MaxArraySize.
        environments: variables that the tasks of a node have.
    """
    names = tuple(f"n{i}" for i in range(1, nodes + 1))
    ports = _free_ports(nodes + 1)
    listed = "\n".join(
        f"NodeName={name} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port} CPUs=1 RealMemory=16000 State=UNKNOWN"
        for name, port in zip(names, ports[1:], strict=True)
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "state").mkdir()
    conf = folder / "slurm.conf"
    conf.write_text(CONF.format(folder=folder, ports=ports, nodes=listed, arrays=arrays))
    _prolog(folder / "prolog", environments or {})
    lab = Lab(folder, {"SLURM_CONF": str(conf)}, names)
    try:
        _munge(folder)
        _start(["slurmctld", "-f", str(conf)], lab)
        for name in names:
            lab.back(name)
        wait_for(lambda: set(lab.states().values()) == {"idle"}, 60, "the nodes do not come up")
        yield lab
    finally:
        _down(lab)


def _prolog(path: Path, environments: Mapping[str, Mapping[str, str]]) -> None:
    """What Slurm runs before a task: each ``export`` that it prints is a variable of the task.

    The script of a batch, which starts the task, has none of them: Slurm's own programs stay as they are.
    """
    lines = [
        f'[ "$SLURMD_NODENAME" != {node} ] || [ -z "$SLURM_STEP_ID" ] || echo "export {name}={value}"'
        for node, environment in environments.items()
        for name, value in environment.items()
    ]
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)


def _munge(folder: Path) -> None:
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o600)
    words = {"key-file": key, "socket": folder / "munge.socket", "pid-file": folder / "munged.pid",
             "log-file": folder / "munged.log", "seed-file": folder / "munge.seed"}  # fmt: skip
    # --force: a temporary folder is not as private as munge would like
    command = ["munged", "--force", *(f"--{name}={path}" for name, path in words.items())]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def _start(command: Sequence[str], lab: Lab) -> None:
    subprocess.run(command, env=os.environ | lab.environment, check=True, capture_output=True, timeout=60)


def _down(lab: Lab) -> None:
    lab.ask("scancel", "--quiet", "--me")
    for node in lab.nodes:
        lab.kill(node)
    for name in ("slurmctld.pid", "munged.pid"):
        with suppress(FileNotFoundError, ValueError):
            process = int((lab.folder / name).read_text())
            _end(process, signal.SIGTERM)
            with suppress(AssertionError):
                wait_for(lambda process=process: not Path(f"/proc/{process}").exists(), 10, "")
            _end(process, signal.SIGKILL)


def _end(process: int, how: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, how)


def _free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


def wait_for(condition: Callable[[], object], seconds: float, otherwise: str) -> None:
    """Returns once the condition holds.

    Raises:
        AssertionError: it does not in time.
    """
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, otherwise
        time.sleep(0.1)
