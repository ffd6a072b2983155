"""What of a cluster can be used from here: Slurm, Ray, a tracking server, buckets. What is absent is no fault."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from harness.doctor.finding import Finding, Status
from harness.secrets import redacted, without_password
from harness.tracking.client import REQUEST, connected, database_of
from harness.tracking.words import words

PATIENCE = 5.0  # seconds for one question; less than all together have
SHOWN = 4  # partitions; a large cluster has dozens


def slurm() -> Finding:
    """Whether a sweep can be submitted here."""
    if shutil.which("sbatch") is None:
        return Finding("slurm", Status.OK, "no sbatch here: start sweeps on Slurm where you log in to the cluster")
    config, why = _answer("scontrol", "show", "config")
    if why:
        mend = "Ask who runs it: are slurmctld and munge up, and is SLURM_CONF theirs?"
        return Finding("slurm", Status.WARN, f"sbatch is here, but no controller answers ({why})", mend)
    told = dict(re.findall(r"^(\w+)\s*= (.*)$", config, flags=re.MULTILINE))
    partitions, _ = _answer("sinfo", "--noheader", "--format=%P|%a|%F")
    listed = [_partition(line) for line in partitions.split()]
    more = [f"{len(listed) - SHOWN} more"] if len(listed) > SHOWN else []
    parts = [
        f"partitions {', '.join(listed[:SHOWN] + more) or 'none'}",
        f"arrays of {told.get('MaxArraySize', '?')} tasks at most",
        "no preemption" if told.get("PreemptType", "").strip() in ("", "(null)", "preempt/none")
        else f"preemption: {told.get('PreemptMode', '?').strip().lower()}",
    ]  # fmt: skip
    detail = "; ".join(parts)
    if find_spec("hydra_plugins.hydra_submitit_launcher") is None:
        return Finding("slurm", Status.WARN, detail, "pip install 'multilingual-harness[slurm]'")
    if not any(" up " in one for one in listed):
        return Finding("slurm", Status.WARN, detail, "No partition is up: jobs would wait; ask who runs it.")
    return Finding("slurm", Status.OK, detail)


def _partition(line: str) -> str:
    """A partition of ``sinfo``, whose nodes are allocated/idle/other/total."""
    name, state, nodes = line.split("|")
    _, idle, _, total = nodes.split("/")
    return f"{name} {state} ({idle} of {total} nodes idle)"


def ray() -> Finding:
    """Whether the Ray that a sweep would use answers."""
    if find_spec("ray") is None:
        return Finding("ray", Status.OK, "not installed: pip install 'multilingual-harness[ray]'")
    version = importlib.metadata.version("ray")
    where = os.environ.get("RAY_ADDRESS") or "local"
    token = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
    silent = token.is_file() and "RAY_AUTH_MODE" not in os.environ
    hint = f"; where a cluster asks for the token in {token}, set RAY_AUTH_MODE=token" if silent else ""
    if where == "local":
        return Finding("ray", Status.OK, f"{version}; no RAY_ADDRESS: a Ray of its own on this machine{hint}")
    if not (why := _no_ray(where)):
        return Finding("ray", Status.OK, f"{version}; {where} answers")
    mend = "Does `ray start` run there, of the same version?" + (
        " Where it asks for a token: export RAY_AUTH_MODE=token." if silent else ""
    )
    return Finding("ray", Status.WARN, f"{version}; no Ray answers at {where} ({why})", mend)


def _no_ray(where: str) -> str:
    """Why none answers; empty where one does."""
    host, _, port = where.rpartition("/")[2].rpartition(":")
    try:
        if host and port.isdigit():  # Ray itself would try for minutes
            socket.create_connection((host, int(port)), timeout=PATIENCE / 2).close()
    except OSError as error:
        return words(error)
    if "://" in where:  # a client's port, which Ray's own check does not know
        return ""
    return _answer(sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", where)[1]


def server() -> Finding:
    """Whether the tracking server of ``MLFLOW_TRACKING_URI`` answers, and accepts this user; nothing is created."""
    given = os.environ.get("MLFLOW_TRACKING_URI")
    if not given:
        return Finding("server", Status.OK, "no MLFLOW_TRACKING_URI: runs are tracked in a database in the store")
    name, before = redacted(given), os.environ.get(REQUEST)
    os.environ[REQUEST] = f"{PATIENCE:.0f}"
    try:
        uri = without_password(given)
        if uri.startswith("http"):
            return Finding("server", Status.OK, f"{name}: {_mlflow(uri)}")
        if (database := database_of(uri)) is None:
            _query(uri)
        return Finding("server", Status.OK, f"{name}: {'a file' if database else 'the database answers'}")
    except Exception as error:  # noqa: BLE001  # whatever a server or a driver may raise
        mend = "Jobs go on without it; `harness sync` adds what it misses. How to start one: docs/tracking-server.md"
        return Finding("server", Status.WARN, f"{name}: {words(error)}", mend)
    finally:
        if before is not None:
            os.environ[REQUEST] = before


def _mlflow(uri: str) -> str:
    """What a server says of itself to this user."""
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    connected(uri).search_experiments(max_results=1)
    credentials = get_default_host_creds(uri)  # type: ignore[no-untyped-call]
    version = http_request(credentials, "/version", "GET").text.strip()  # type: ignore[no-untyped-call]
    user = os.environ.get("MLFLOW_TRACKING_USERNAME")
    here = importlib.metadata.version("mlflow")
    known = f"MLflow {version}" if re.fullmatch(r"[\d.\w]{1,20}", version) else "MLflow of an unknown version"
    return f"{known} answers{f', and accepts {user}' if user else ''}; here is {here}"


def _query(uri: str) -> None:
    from sqlalchemy import create_engine

    create_engine(uri, connect_args={"connect_timeout": int(PATIENCE)}).connect().close()


def s3() -> Finding:
    """Whether ``s3://`` can be named."""
    if find_spec("s3fs") is None:
        return Finding("s3", Status.OK, "not installed: pip install 'multilingual-harness[s3]' for s3:// URLs")
    return Finding("s3", Status.OK, f"s3fs {importlib.metadata.version('s3fs')}")


def _answer(*command: str) -> tuple[str, str]:
    """What a command says, and why it does not; one of them is empty."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)  # noqa: S603
    except subprocess.TimeoutExpired:
        return "", f"no answer in {PATIENCE:g} s"
    except OSError as error:
        return "", str(error)
    if done.returncode:
        return "", (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1].partition(". ")[0]
    return done.stdout, ""
