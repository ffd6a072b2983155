"""What this machine has, checked: one finding a question, with a mend for each fault."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path

import harness
from harness.data import hub
from harness.doctor.cluster import ray, s3, server, slurm
from harness.doctor.finding import Finding, Status, asked
from harness.errors import HarnessError
from harness.machine import cores, memory
from harness.storage.atomic import nearest_folder, write_whole
from harness.storage.bucket import Mirror, mirror_of
from harness.storage.locks import held
from harness.tracking.client import ready

__all__ = ["Finding", "Status", "cores", "diagnose"]

CONSTRAINTS = Path(harness.__file__).parent.parent / "constraints.txt"
GB = 1e9
LEAST_DISK, LEAST_MEMORY = 5 * GB, 4 * GB  # a base model, its optimiser and one checkpoint
PATIENCE = 1.0  # seconds that a locked database may take


def diagnose(results: Path, data_root: Path | None, workers: int = 1, threads: int = 1) -> list[Finding]:
    """What was found on this machine and on what a sweep reaches from it; nothing is changed."""
    found = [
        _python(),
        *_packages(CONSTRAINTS),
        _device(),
        _cores(workers, threads),
        _memory(),
        _disk(results),
        *_folder(results),
        _threading(),
        _tracking(results / "mlflow.db"),
    ]
    if os.environ.get("MLFLOW_TRACKING_URI"):
        ready()  # imports are no matter for several threads
    mirror = mirror_of(results)
    return [
        *found,
        s3(),
        *asked(
            {
                **({"bucket": partial(_bucket_of_results, mirror)} if mirror else {}),
                "data": partial(_data, data_root),
                "network": _network,
                "slurm": slurm,
                "ray": ray,
                "server": server,
            }
        ),
    ]


def _python() -> Finding:
    return Finding("python", Status.OK, f"{platform.python_version()} ({sys.executable})")


def _packages(constraints: Path) -> list[Finding]:
    """One finding for every package that is missing or not of the tested version; one if all are as tested."""
    if not constraints.exists():
        return [Finding("packages", Status.OK, "no constraints.txt beside the package: versions not compared")]
    pins = re.findall(r"^([\w.-]+)==(\S+)", constraints.read_text(), flags=re.MULTILINE)
    needed = {re.split(r"[^\w.-]", line)[0] for line in _requirements() if "extra ==" not in line}
    found = []
    for name, tested in pins:
        try:
            here = importlib.metadata.version(name).split("+")[0]  # 2.13.0+cpu is 2.13.0
        except importlib.metadata.PackageNotFoundError:
            if name in needed:
                found.append(Finding(name, Status.FAIL, "not installed", f"pip install {name}=={tested}"))
            continue
        if here != tested:
            mend = f"pip install {name}=={tested}, should something not work."
            found.append(Finding(name, Status.WARN, f"{here}; tested with {tested}", mend))
    return found or [Finding("packages", Status.OK, f"{len(pins)} as tested, or optional and absent")]


def _requirements() -> list[str]:
    try:
        return importlib.metadata.requires("multilingual-harness") or []
    except importlib.metadata.PackageNotFoundError:
        return []


def _device() -> Finding:
    try:
        import torch
    except (ImportError, OSError) as error:
        return Finding("device", Status.FAIL, f"torch cannot be imported: {error}", "Install torch (see the README).")
    if torch.cuda.is_available():
        names = ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
        return Finding("device", Status.OK, f"cuda: {names}")
    if torch.version.cuda:
        mend = "Check the driver with nvidia-smi, or install the CPU build of torch."
        return Finding("device", Status.WARN, "cpu, though this torch is built for CUDA", mend)
    return Finding("device", Status.OK, "cpu")


def _cores(workers: int, threads: int) -> Finding:
    granted = cores()
    detail = f"{granted} granted of {os.cpu_count()}; {workers} workers x {threads} threads"
    if workers * threads > granted:
        mend = f"Lower hydra.launcher.n_jobs or model.threads to {granted} in all: spinning threads stall each other."
        return Finding("cores", Status.WARN, detail, mend)
    return Finding("cores", Status.OK, detail)


def _memory() -> Finding:
    limit = memory()
    if limit < LEAST_MEMORY:
        return Finding("memory", Status.WARN, f"{limit / GB:.1f} GB", "Fine-tune small models only, with one worker.")
    return Finding("memory", Status.OK, f"{limit / GB:.1f} GB")


def _disk(results: Path) -> Finding:
    there = nearest_folder(results)
    free = shutil.disk_usage(there).free
    if free < LEAST_DISK:
        mend = "Free some space, choose another results folder, or set checkpoint.keep=none."
        return Finding("disk", Status.WARN, f"{free / GB:.1f} GB free at {there}", mend)
    return Finding("disk", Status.OK, f"{free / GB:.1f} GB free at {there}")


def _folder(results: Path) -> list[Finding]:
    """Whether results can be written and locked: tried in a folder that is removed again."""
    there = nearest_folder(results)
    try:
        with tempfile.TemporaryDirectory(prefix=".doctor-", dir=there) as folder:
            write_whole(Path(folder) / "probe", b"probe")
            return [Finding("results", Status.OK, f"{there} can be written"), _locks(Path(folder) / "lock")]
    except (OSError, HarnessError) as error:
        mend = "Choose another results folder, or mend its permissions."
        return [Finding("results", Status.FAIL, f"{results}: {error}", mend)]


def _locks(path: Path) -> Finding:
    try:
        with held(path) as first, held(path, wait=False) as second:
            if first and not second:
                return Finding("locks", Status.OK, "kernel locks exclude each other")
    except HarnessError as error:
        return Finding("locks", Status.FAIL, str(error), "Use a local disk for results.")
    return Finding("locks", Status.FAIL, f"two holders of one lock at {path.parent}", "Use a local disk for results.")


def _network() -> Finding:
    if variable := hub.told_offline():
        return Finding("network", Status.OK, f"offline by {variable}: only local files and caches are used")
    host = re.sub(r"^https?://|[/:].*$", "", os.environ.get("HF_ENDPOINT", "https://huggingface.co"))
    if hub.online():
        return Finding("network", Status.OK, f"{host} answers")
    mend = "Set HF_HUB_OFFLINE=1, so that no look-up waits for it."
    return Finding("network", Status.WARN, f"{host} does not answer within {hub.PATIENCE:.0f} s", mend)


def _threading() -> Finding:
    wanted = {"OMP_WAIT_POLICY": "PASSIVE", "OMP_DYNAMIC": "FALSE"}
    here = {name: os.environ.get(name, "unset") for name in wanted}
    detail = ", ".join(f"{name}={value}" for name, value in here.items())
    if any(here[name].upper() != value for name, value in wanted.items()):
        mend = "export " + " ".join(f"{name}={value}" for name, value in wanted.items())
        return Finding("threads", Status.WARN, detail, mend)
    return Finding("threads", Status.OK, detail)


def _data(root: Path | None) -> Finding:
    if root is None:
        mend = "Set HARNESS_DATA or data.root to run tasks from local files."
        return Finding("data", Status.WARN, "no data root: only the embedded benchmark and the hub", mend)
    if mirror := mirror_of(root):
        return _bucket_of_data(mirror)
    if not root.is_dir():
        return Finding("data", Status.FAIL, f"{root} is no folder", "Set HARNESS_DATA or data.root to one that exists.")
    parts = sorted(path.name for path in root.iterdir() if path.is_dir())
    if not parts:
        return Finding("data", Status.WARN, f"{root} holds no folders", "Put the tasks' files there.")
    return Finding("data", Status.OK, f"{root}: {', '.join(parts)}")


def _bucket_of_data(mirror: Mirror) -> Finding:
    try:
        parts = sorted({name.partition("/")[0] for name in mirror.listing() if "/" in name})
    except HarnessError as error:
        return Finding("data", Status.FAIL, str(error), "Without it, only the embedded benchmark and the hub are read.")
    if not parts:
        return Finding("data", Status.WARN, f"{mirror.url} holds no folders", "Put the tasks' files there.")
    return Finding("data", Status.OK, f"{mirror.url}: {', '.join(parts)}; fetched to {mirror.root} as they are needed")


def _bucket_of_results(mirror: Mirror) -> Finding:
    try:
        mirror.probe()
    except HarnessError as error:
        return Finding("bucket", Status.FAIL, str(error), "Name a results folder on this machine until then.")
    return Finding("bucket", Status.OK, f"{mirror.url} can be written; its mirror is {mirror.root}")


def _tracking(database: Path) -> Finding:
    if not database.exists():
        return Finding("tracking", Status.OK, f"{database} does not exist yet; the first run creates it")
    try:
        with closing(
            sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=PATIENCE)
        ) as connection:
            runs = connection.execute("SELECT COUNT(*) FROM runs").fetchone()[0]
    except sqlite3.Error as error:
        mend = "Move it away; `harness sync` writes it again from the store."
        return Finding("tracking", Status.FAIL, f"{database}: {error}", mend)
    return Finding("tracking", Status.OK, f"{database}: {runs} runs")
