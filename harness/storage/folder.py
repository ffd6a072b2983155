"""A job's folder: its records as they lay there when they were read, checked when they are asked for."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.storage.contents import contents
from harness.storage.records import CellRecord, DamageError, ErrorRecord, JobRecord, R, fields

JOB, ERROR = "job.json", "error.json"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Folder:
    """What was read of a job; a damaged record is moved aside by whoever asks for it.

    Attributes:
        files: by name, in their order, what is there of that which was asked for.
    """

    path: str
    task: str
    predict_key: str
    files: Mapping[str, bytes]

    @property
    def targets(self) -> list[str]:
        """The targets with a record."""
        return targets(self.files)

    def cells(self) -> dict[str, CellRecord]:
        """By target, the cells that can be trusted."""
        return {target: CellRecord(**found) for target, found in self._cells()}

    def cell_keys(self) -> dict[str, str]:
        """The keys of these cells alone, in half the time."""
        return {target: found["cell_key"] for target, found in self._cells()}

    def job(self) -> JobRecord | None:
        """The job's own record, or None where there is none that can be trusted."""
        return self._record(JobRecord, JOB)

    def error(self) -> ErrorRecord | None:
        """The failure, or None where the job did not fail."""
        return self._record(ErrorRecord, ERROR)

    def _cells(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for target in self.targets:
            name = f"{target}.json"
            found = self._fields(CellRecord, name)
            if found is None:
                continue
            place = found["task"], found["predict_key"], found["target"]
            if place == (self.task, self.predict_key, target):
                yield target, found
            else:
                self._set_aside(name, f"it is the cell {'/'.join(place)}")

    def _record(self, kind: type[R], name: str) -> R | None:
        found = self._fields(kind, name) if name in self.files else None
        return None if found is None else kind(**found)

    def _fields(self, kind: type[R], name: str) -> dict[str, Any] | None:
        try:
            return fields(kind, self.files[name])
        except DamageError as damage:
            self._set_aside(name, str(damage))
            return None
        except HarnessError as error:
            raise HarnessError(f"{self.path}/{name}: {error}") from error

    def _set_aside(self, name: str, why: str) -> None:
        """Moves a record out of the way, unless it has been written again since it was read."""
        path = Path(self.path, name)
        if next(contents([str(path)])) == self.files[name]:
            set_aside(path, why)


def read(path: Path, wanted: Sequence[str] | None = None) -> Folder:
    """What lies in a folder ``.../<task>/<predict_key>``.

    Args:
        wanted: names of records, looked at whether they are there or not; all that are there where none are named.
    """
    folder = str(path)
    files = [name for name in names(path) if name.endswith(".json")] if wanted is None else wanted
    found = zip(files, contents([f"{folder}/{name}" for name in files]), strict=True)
    return Folder(
        folder, path.parent.name, path.name, {name: content for name, content in found if content is not None}
    )


def targets(files: Iterable[str]) -> list[str]:
    """The targets whose records are among files, in the order of these."""
    return [name.removesuffix(".json") for name in files if name.endswith(".json") and name not in (JOB, ERROR)]


def names(folder: Path) -> list[str]:
    """Names in a folder, sorted, without hidden ones (drafts and temporary files); empty where it does not exist."""
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))  # noqa: PTH208  # 5x faster
    except (FileNotFoundError, NotADirectoryError):
        return []


def set_aside(path: Path, why: str) -> None:
    """Renames a damaged file out of the way, so that it can be looked at and what it held is computed again."""
    n = 1
    while (aside := path.with_name(f"{path.name}.damaged-{n}")).exists():
        n += 1
    try:
        path.rename(aside)
    except FileNotFoundError:  # another reader was faster
        return
    log.warning("%s is damaged (%s): moved to %s; what it held is computed again", path, why, aside.name)
