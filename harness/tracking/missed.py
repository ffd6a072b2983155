"""Notes in the store of what MLflow has not got yet: written before it is told, removed when it knows."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.secrets import redacted
from harness.storage.atomic import write_whole
from harness.sweep.keys import digest
from harness.tracking.client import place_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.storage.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class JobNote:
    """A job whose run is to be written.

    Attributes:
        uri: the server or database that it is for, as ``place_of`` has it.
        parent: the sweep that it ran in.
    """

    uri: str
    experiment: str
    task: str
    predict_key: str
    parent: str | None

    @property
    def name(self) -> str:
        """The name of the note's file."""
        return f"{self.predict_key}-{digest([self.uri, self.experiment])}.job"


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepNote:
    """A sweep whose run is to be created, or to be ended.

    Attributes:
        sweep: the harness's own id of it.
        started: ms since 1970.
        status: as what it ended; None while it runs.
    """

    uri: str
    experiment: str
    sweep: str
    title: str
    tags: dict[str, str]
    config: str
    started: int
    status: str | None = None

    @property
    def name(self) -> str:
        """The name of the note's file."""
        return f"{self.sweep}.sweep"


def leave(store: Store, note: JobNote | SweepNote) -> None:
    """Writes a note; on a disk that refuses, ``harness sync`` finds out without it."""
    with suppress(HarnessError, OSError):
        write_whole(_folder(store) / note.name, redacted(json.dumps(asdict(note), ensure_ascii=False)).encode())


def take_away(store: Store, name: str) -> None:
    """Removes a note, if there is one."""
    (_folder(store) / name).unlink(missing_ok=True)


def job_notes(store: Store, uri: str) -> list[JobNote]:
    """Every job that a server has missed, sorted by key."""
    notes = [JobNote(**content) for content in _read(store, "*-*.job")]
    return [note for note in notes if note.uri == place_of(uri)]


def sweep_notes(store: Store, sweep: str = "*") -> list[SweepNote]:
    """Every sweep that MLflow does not know to have ended, or the one of this id."""
    return [SweepNote(**content) for content in _read(store, f"{sweep}.sweep")]


def _read(store: Store, pattern: str) -> Iterator[dict[str, Any]]:
    for path in sorted(_folder(store).glob(pattern)):
        with suppress(FileNotFoundError, ValueError):  # taken away by another process; or damaged
            yield json.loads(path.read_bytes())


def _folder(store: Store) -> Path:
    return store.cache / "untracked"
