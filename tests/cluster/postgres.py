"""A throwaway PostgreSQL and an MLflow server on it, on free ports, for the time of a block."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PASSWORD = "p4ss/w@rd:of+the&database"  # every sign that a URI must escape
PATIENT = (
    "--timeout-worker-healthcheck 120"  # uvicorn ends a worker that is silent for longer: one that was stopped, say
)
OWNER = "postgres"  # PostgreSQL refuses to run as root


def programs() -> Path | None:
    """The folder of PostgreSQL's programs, the newest; None where it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


@dataclass
class Database:
    """A cluster of one database ``mlflow``, owned by a user ``mlflow``.

    Attributes:
        safe: it waits for the disk.
    """

    folder: Path
    port: int
    safe: bool = False
    process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        """Where it is; the password is in ``PGPASSWORD``."""
        return f"postgresql+psycopg2://mlflow@127.0.0.1:{self.port}/mlflow"

    def create(self) -> None:
        """Makes the files of the cluster, with its user."""
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        if os.getuid() == 0:
            shutil.chown(self.folder, OWNER, OWNER)
            shutil.chown(secret, OWNER, OWNER)
        self._run("initdb", "-D", "data", "-U", "mlflow", "--auth=scram-sha-256", "--pwfile=password", "--no-sync")

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        # without the disk's promise a crash of the machine would lose data, a crash of the database does not
        sync = f"fsync={'on' if self.safe else 'off'}"
        options = ["-p", str(self.port), "-k", str(self.folder), "-c", "listen_addresses=127.0.0.1", "-c", sync]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [_program("postgres"), "-D", "data", *options], stdout=log, stderr=log, **self._as_owner()
            )
        wait_for(lambda: self._run("pg_isready", "-h", "127.0.0.1", "-p", str(self.port), check=False) == 0, 30)

    def stop(self) -> None:
        """Ends it at once, connections and all."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)  # an immediate shutdown, without the children's leave
            self.process.wait(30)
            self.process = None

    def query(self, sql: str, database: str = "mlflow") -> str:
        """What a query answers, unaligned."""
        words = [_program("psql"), *self._client(), "-d", database, "-Atc", sql]
        return subprocess.run(words, env=self.environment, check=True, capture_output=True, text=True).stdout

    def dump(self) -> str:
        """All that it holds, as SQL."""
        words = [_program("pg_dump"), *self._client(), "-d", "mlflow"]
        return subprocess.run(words, env=self.environment, check=True, capture_output=True, text=True).stdout

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs."""
        return {**os.environ, "PGPASSWORD": PASSWORD}

    def _client(self) -> tuple[str, ...]:
        return "-h", "127.0.0.1", "-p", str(self.port), "-U", "mlflow"

    def _run(self, program: str, *arguments: str, check: bool = True) -> int:
        words = [_program(program), *arguments]
        return subprocess.run(words, check=check, stdout=subprocess.DEVNULL, **self._as_owner()).returncode

    def _as_owner(self) -> dict[str, object]:
        who = {"user": OWNER, "group": OWNER, "extra_groups": []} if os.getuid() == 0 else {}
        return {"cwd": self.folder} | who


@dataclass
class Server:
    """An MLflow server on a database, its artifacts in a folder."""

    database: Database
    folder: Path
    port: int
    workers: int = 2
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        words = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", self.database.uri,
                 "--artifacts-destination", str(self.folder / "artifacts"), "--host", "127.0.0.1",
                 "--port", str(self.port), "--workers", str(self.workers), "--uvicorn-opts", PATIENT]  # fmt: skip
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                words,
                cwd=self.folder,
                env=self.database.environment | dict(self.environment),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(self.answers, 300)

    def answers(self) -> bool:
        """Whether it does."""
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def signal(self, number: int) -> None:
        """Sends a signal to all of its processes."""
        if self.process is not None:
            os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """Ends all of its processes at once."""
        if self.process is not None:
            self.signal(signal.SIGKILL)
            self.process.wait(30)
            self.process = None


@contextmanager
def running(workers: int = 2, safe: bool = False) -> Iterator[Server]:
    """A server on a fresh database; both are gone after the block.

    Args:
        safe: the database waits for the disk, as a real one does.
    """
    with tempfile.TemporaryDirectory(prefix="mlflow-postgres-", ignore_cleanup_errors=True) as name:
        root = Path(name)
        root.chmod(0o755)  # the database's own user looks into it
        for part in ("database", "server"):
            (root / part).mkdir()
        database = Database(root / "database", free_port(), safe)
        server = Server(database, root / "server", free_port(), workers)
        try:
            database.create()
            database.start()
            database.query("create database mlflow", "postgres")
            server.start()
            yield server
        finally:
            server.kill()
            database.stop()


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: object, seconds: float) -> None:
    """Returns once the condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.1)


def _program(name: str) -> str:
    folder = programs()
    assert folder is not None
    return str(folder / name)
