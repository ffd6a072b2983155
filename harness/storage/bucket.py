"""Folders in a bucket, named by fsspec's URLs: each has a mirror on this disk, a plain folder to all else."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, nearest
from harness.storage.atomic import DISK_FULL, unwritable, write_whole
from harness.storage.locks import held

ORIGIN, NOTES, LOCK = ".bucket", ".transferred.db", ".lock"
BATCH = 500  # files that travel together, noted when all of them have arrived
_LAST = "\U0010ffff"

Look = tuple[int, int, int]


def local(place: str | Path) -> Path:
    """The folder that a path or a URL means; of one in a bucket the mirror, which is made where there is none.

    Nothing is asked of the bucket yet.

    Raises:
        HarnessError: the URL holds credentials, names no bucket, or has a scheme that nobody knows.
    """
    scheme, url, rest = str(place).partition("://")
    if not url:
        return Path(place)
    import fsspec

    if re.search(r":[^@]*@|\?", rest):
        raise HarnessError(
            f"{scheme}://...: a URL is written into records and logs, so credentials have no place in it. "
            f"Leave them to the environment (AWS_PROFILE, AWS_ACCESS_KEY_ID ...) or fsspec's configuration."
        )
    if scheme in ("file", "local"):
        return Path(fsspec.url_to_fs(str(place))[1])
    if scheme not in (known := fsspec.available_protocols()):
        raise HarnessError(f"{place}: no such kind of bucket, {nearest(scheme, known)}")
    if not rest.strip("/"):
        raise HarnessError(f"{place}: no bucket is named; {scheme}://BUCKET/FOLDER is expected")
    url = str(place).rstrip("/")
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    name = f"{re.sub(r'[^A-Za-z0-9.]+', '-', url)}-{hashlib.sha256(url.encode()).hexdigest()[:8]}"
    root = caches.absolute() / "harness" / "buckets" / name
    if not (root / ORIGIN).exists():
        write_whole(root / ORIGIN, url.encode())
    return root


def mirror_of(root: Path) -> Mirror | None:
    """The mirror that a folder is; None for any other folder."""
    try:
        return Mirror(root, (root / ORIGIN).read_text())
    except (FileNotFoundError, NotADirectoryError):
        return None


def origin(root: Path | None) -> str:
    """A folder as messages name it: a mirror by its bucket."""
    mirror = mirror_of(root) if root is not None else None
    return mirror.url if mirror else str(root)


def bring(root: Path, path: Path) -> None:
    """Fetches one file that a mirror lacks; nothing where it is there, or where the folder is no mirror."""
    if not path.exists() and (mirror := mirror_of(root)):
        mirror.update(path.relative_to(root).as_posix())


@dataclass(frozen=True, slots=True)
class Mirror:
    """A folder here and the folder of a bucket that it is a copy of, in parts.

    A small database notes which version of each file came or went, and what it looked like here, so that what has not
    changed never travels again. Files appear whole, here and there; those of one batch in the order of ``_order``.
    """

    root: Path
    url: str

    def listing(self, below: str = "") -> dict[str, str]:
        """A mark of each file's version, by its name relative to the bucket's folder.

        Args:
            below: a folder in it, or one file.
        """
        with self._told("read") as (bucket, base):
            bucket.invalidate_cache()
            found = bucket.find(f"{base}/{below}".rstrip("/"), detail=True)
        named = {path.removeprefix(f"{base}/"): entry for path, entry in found.items()}
        # a key may hold `..`, which as a path would lead elsewhere
        return {name: _mark(entry) for name, entry in named.items() if not {"", ".", ".."} & set(name.split("/"))}

    def fetch(self, versions: Mapping[str, str]) -> None:
        """Makes the copies here what the bucket holds; those that are it already stay."""
        if self._stale(versions):
            with held(self.root / LOCK):  # of many processes one fetches
                self._get(stale := self._stale(versions), self._looks(stale))

    def update(self, below: str, wanted: Callable[[str], bool] = lambda _: True) -> None:
        """Brings what the bucket has anew, removes what it has no more; what was written here since stays."""
        with held(self.root / LOCK):
            notes = self._notes(below)  # first: what another process sends meanwhile must not look as if it were gone
            versions = self.listing(below)
            gone = [name for name, note in notes.items() if name not in versions and note[1:] == self._look(name)]
            for name in gone:
                (self.root / name).unlink(missing_ok=True)
            self._note(dict.fromkeys(gone))
            stale = self._stale({name: mark for name, mark in versions.items() if wanted(name)}, below)
            looks = self._looks(stale)  # first: what is written while it is looked for, or fetched, is seen by its look
            ours = set(self._written(below, notes))
            self._get({name: mark for name, mark in stale.items() if name not in ours}, looks)

    def unsent(self, below: str, wanted: Callable[[str], bool]) -> list[str]:
        """The files below a folder here that the bucket has not got, in the order in which they are to go."""
        return sorted(filter(wanted, self._written(below, self._notes(below))), key=_order)

    def send(self, folder: str, names: Collection[str], gone: str = "") -> None:
        """Writes files of one folder to the bucket, each whole: tables, then the records that vouch for them.

        Args:
            gone: a file that the bucket is not to have any more, once it has these.
        """
        looks = {name: look for name in names if (look := self._look(name))}
        for group in _grouped(looks):
            with self._told("written") as (bucket, base):
                bucket.put([str(self.root / name) for name in group], [f"{base}/{name}" for name in group])
        versions = self.listing(folder)
        if gone in versions:
            self.remove(gone)
        self._note({name: (versions[name], *look) for name, look in looks.items() if name in versions})

    def remove(self, name: str) -> None:
        """Removes a file from the bucket, if it is there."""
        with self._told("written") as (bucket, base), suppress(FileNotFoundError):
            bucket.rm_file(f"{base}/{name}")
        self._note({name: None})

    def probe(self) -> None:
        """Raises HarnessError unless the bucket can be written."""
        name = ".probe"  # one name, as whoever may write may not always remove
        with self._told("written") as (bucket, base):
            bucket.pipe_file(f"{base}/{name}", b"harness")
        with suppress(HarnessError):
            self.remove(name)

    def _stale(self, versions: Mapping[str, str], below: str = "") -> dict[str, str]:
        notes = self._notes(below)
        return {
            name: mark
            for name, mark in versions.items()
            if name not in notes or notes[name][0] != mark or notes[name][1:] != self._look(name)
        }

    def _written(self, below: str, notes: Mapping[str, tuple[Any, ...]]) -> Iterator[str]:
        """The files here that neither came from the bucket nor went there as they are, without hidden ones."""
        start = self.root / below
        for folder, _, names in os.walk(start) if start.is_dir() else [(str(start.parent), [], [start.name])]:
            for name in names:
                path = Path(folder, name).relative_to(self.root).as_posix()
                look = None if name.startswith(".") else self._look(path)
                if look and (path not in notes or notes[path][1:] != look):
                    yield path

    def _get(self, versions: Mapping[str, str], looks: Mapping[str, Look | None]) -> None:
        """Fetches files, each to where nothing has been written since it looked so."""
        names = sorted(versions, key=_order)
        for start in range(0, len(names), BATCH):
            batch = names[start : start + BATCH]
            self._get_batch({name: versions[name] for name in batch}, looks)

    def _get_batch(self, versions: Mapping[str, str], looks: Mapping[str, Look | None]) -> None:
        token = secrets.token_hex(6)
        drafts = {name: (self.root / name).with_name(f".{Path(name).name}.{token}.tmp") for name in versions}
        for draft in drafts.values():
            draft.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self._told("read") as (bucket, base):
                try:
                    bucket.get([f"{base}/{name}" for name in drafts], list(map(str, drafts.values())))
                except FileNotFoundError:  # removed since it was listed
                    if len(versions) > 1:
                        for name, mark in versions.items():
                            self._get_batch({name: mark}, looks)
                    return
            notes: dict[str, tuple[Any, ...]] = {}
            for name, draft in drafts.items():
                if looks[name] == self._look(name):
                    notes[name] = (versions[name], *(_look(draft) or ()))  # as it came, whoever writes there next
                    draft.replace(self.root / name)
            self._note(notes)
        finally:
            for draft in drafts.values():
                draft.unlink(missing_ok=True)

    def _look(self, name: str) -> Look | None:
        return _look(self.root / name)

    def _looks(self, names: Iterable[str]) -> dict[str, Look | None]:
        return {name: self._look(name) for name in names}

    def _notes(self, below: str = "") -> dict[str, tuple[Any, ...]]:
        with self._database() as database:
            found = database.execute(
                "SELECT * FROM transferred WHERE name = ? OR name BETWEEN ? AND ?",
                (below, f"{below}/" if below else "", (f"{below}/" if below else "") + _LAST),
            )
            return {name: tuple(note) for name, *note in found}

    def _note(self, notes: Mapping[str, tuple[Any, ...] | None]) -> None:
        with self._database() as database:
            for name, note in notes.items():
                if note is None:
                    database.execute("DELETE FROM transferred WHERE name = ?", (name,))
                else:
                    database.execute("INSERT OR REPLACE INTO transferred VALUES (?, ?, ?, ?, ?)", (name, *note))

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.root / NOTES, timeout=60)) as database, database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS transferred (name TEXT PRIMARY KEY, mark TEXT, size INTEGER, "
                "time INTEGER, inode INTEGER)"
            )
            yield database

    @contextmanager
    def _told(self, doing: str) -> Iterator[tuple[Any, str]]:
        """The file system of fsspec and its path of the folder; whatever it raises becomes an error for people."""
        import fsspec

        try:
            yield fsspec.url_to_fs(self.url)
        except HarnessError:
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in DISK_FULL:
                raise unwritable(self.root, error) from error
            words = (str(error).strip().splitlines() or [""])[0].rstrip(".")
            why = words if isinstance(error, ImportError) else f"{type(error).__name__}: {words}"
            raise HarnessError(f"{self.url} cannot be {doing} ({why}). {self._mend(error)}") from error

    def _mend(self, error: Exception) -> str:
        scheme = self.url.partition("://")[0]
        if isinstance(error, ImportError):
            return "pip install 'multilingual-harness[s3]'" if scheme in ("s3", "s3a") else "Install what it names."
        if isinstance(error, FileNotFoundError):
            return "Make the bucket, or mend the URL."
        if isinstance(error, PermissionError) or "Credentials" in type(error).__name__:
            return "Check the credentials: AWS_PROFILE, AWS_ACCESS_KEY_ID ..., or fsspec's configuration."
        return "Does its server answer from here (AWS_ENDPOINT_URL), and is the URL right?"


def _look(path: Path) -> Look | None:
    """What tells whether a file here was written since: size, time and inode; None where there is none."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


def _mark(entry: Mapping[str, Any]) -> str:
    """What changes with the content of a file: the tag of its version, or where a bucket gives none, all it tells."""
    return str(entry.get("ETag") or entry.get("etag") or sorted(entry.items()))


def _order(name: str) -> tuple[str, bool, str]:
    folder, _, own = name.rpartition("/")
    return folder, not own.endswith(".parquet"), own


def _grouped(names: Collection[str]) -> Iterator[list[str]]:
    """Tables, then all other files: what is sent together arrives in any order."""
    for tables in (True, False):
        if group := [name for name in names if name.endswith(".parquet") == tables]:
            yield group
