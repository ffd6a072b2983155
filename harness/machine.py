"""Where this process runs, and what it may use there: cores and memory, control groups included."""

from __future__ import annotations

import os
import platform
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
GROUPS = Path("/proc/self/cgroup")


def place() -> str:
    """The node that this process runs on, and the job of Slurm that it belongs to, as in ``n1, Slurm job 12_3``."""
    node = os.environ.get("SLURMD_NODENAME") or platform.node()
    array, task = (os.environ.get(f"SLURM_ARRAY_{name}_ID") for name in ("JOB", "TASK"))
    job = f"{array}_{task}" if array and task else os.environ.get("SLURM_JOB_ID")
    return f"{node}, Slurm job {job}" if job else node


def cores(cgroup: Path = CGROUP, groups: Path = GROUPS) -> int:
    """Cores that this process may use: its affinity, or the quota of its control group where that is less; at least 1.

    Args:
        cgroup: where control groups are mounted, version 1 or 2.
        groups: the file that says which of them this process is in.
    """
    quotas = [len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1]
    pairs = [words.split() for words in _limits(cgroup, groups, "", "cpu.max")]
    quota_1, period_1 = (_limits(cgroup, groups, "cpu", f"cpu.cfs_{name}_us") for name in ("quota", "period"))
    pairs += [list(pair) for pair in zip(quota_1, period_1, strict=True)]
    # no limit is "max" in version 2 and -1 in version 1
    quotas += [int(quota) // int(period) for quota, period in pairs if quota not in ("max", "-1")]
    return max(1, min(quotas))


def memory(cgroup: Path = CGROUP, groups: Path = GROUPS) -> int:
    """Bytes that this process may use: the machine's, or the limit of its control group where that is less."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    limits += [int(words) for words in _limits(cgroup, groups, "", "memory.max") if words != "max"]
    limits += [int(words) for words in _limits(cgroup, groups, "memory", "memory.limit_in_bytes")]
    return min(limits)


def _limits(cgroup: Path, groups: Path, controller: str, name: str) -> list[str]:
    """A limit's value in this process's group and in every group above it; ``controller`` is empty in version 2."""
    try:
        lines = [line.split(":", 2) for line in groups.read_text().splitlines()]
    except OSError:
        return []
    root = cgroup / controller
    group = next((path.lstrip("/") for _, controllers, path in lines if controller in controllers.split(",")), "")
    # inside a container the path may be that of the host; then only the groups that are visible count
    folders = [root / group, *(folder for folder in (root / group).parents if folder.is_relative_to(root))]
    return [(folder / name).read_text().strip() for folder in folders if (folder / name).is_file()]
