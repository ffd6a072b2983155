"""Files and folders that appear whole or not at all, and errors that say what to do when the disk refuses."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from typing import TYPE_CHECKING

from harness.errors import HarnessError

if TYPE_CHECKING:
    from pathlib import Path

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_MENDS = {
    errno.ENOSPC: "Free some space (checkpoint.keep=none keeps no weights), or choose another results folder.",
    errno.EDQUOT: "The disk quota is used up: free some space, or choose another results folder.",
    errno.EROFS: "The file system is read-only: choose another results folder.",
    errno.EACCES: "Mend the permissions, or choose another results folder.",
    errno.ENOTDIR: "A file stands where a folder is needed: move it away, or choose another results folder.",
    errno.EEXIST: "A file stands where a folder is needed: move it away, or choose another results folder.",
}


def unwritable(path: Path, error: OSError) -> HarnessError:
    """The error for a person: which path could not be written, why, and what to do."""
    mend = _MENDS.get(error.errno or 0, "Choose another results folder.")
    return HarnessError(f"cannot write {path}: {error.strerror or error}. {mend}")


def write_whole(path: Path, content: bytes) -> None:
    """Leaves ``content`` at ``path``, durably; at any moment a reader sees the old file or the new one, never a part.

    Raises:
        HarnessError: the folder cannot be written or the disk is full; nothing is left behind.
    """
    # in the same folder, because a rename is atomic only within one file system; hidden, because scans skip such names
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)  # noqa: PTH105  # the name that fault injection and strace know
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error


def flush_folder(folder: Path) -> None:
    """Forces every file below ``folder`` to the disk, so that a rename of the folder never outruns its contents."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def nearest_folder(path: Path) -> Path:
    """``path``, or the nearest of the folders above it that exists."""
    return next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())


def ensure_space(path: Path, needed: int) -> None:
    """Raises HarnessError unless ``needed`` bytes are free on the disk that holds ``path`` (which need not exist)."""
    free = shutil.disk_usage(nearest_folder(path)).free
    if free < needed:
        raise HarnessError(
            f"{path} needs {needed / 1e9:.2f} GB, {free / 1e9:.2f} GB are free on its disk. {_MENDS[errno.ENOSPC]}"
        )
