"""Arrays in a folder that all processes share: made once, memory-mapped, and made anew where they are damaged."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError

Array = NDArray[Any]

SUMS = "crc32"  # the file that vouches for the others
PART = 2**20  # bytes that are read at once

log = logging.getLogger(__name__)


def shared(folder: Path, make: Callable[[], Mapping[str, Array]]) -> dict[str, Array]:
    """The arrays of a folder by name, empty ones left out, made and written where they are not there whole.

    Args:
        folder: there completely or not at all.
        make: the arrays; called only where they are needed.

    Raises:
        HarnessError: what was just written reads otherwise.
    """
    if folder.is_dir():
        found = _read(folder)
        if found is not None:
            return found
        log.warning("%s is damaged; what it held is computed again", folder)
        _drop(folder)
    arrays, found = make(), None
    while found is None and not folder.is_dir():  # another process that saw the damage may drop what is new, too
        _write(arrays, folder)
        found = _read(folder)
    if found is None and (found := _read(folder)) is None:
        raise HarnessError(f"{folder}: what was just written reads otherwise: choose a results folder on another disk")
    return found


def _write(arrays: Mapping[str, Array], folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".draft-"))
    try:
        for name, array in arrays.items():
            if len(array):  # an empty array cannot be memory-mapped; its missing file says as much
                np.save(draft / f"{name}.npy", array)
        (draft / SUMS).write_text(_sums(draft), encoding="ascii")
        draft.replace(folder)
    except OSError:
        # another process may have been first, with the same arrays
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _read(folder: Path) -> dict[str, Array] | None:
    """The arrays; None where a byte is not as it was written."""
    try:
        if (folder / SUMS).read_text(encoding="ascii") != _sums(folder):
            return None
        return {path.stem: np.load(path, mmap_mode="r") for path in folder.glob("*.npy")}
    except (FileNotFoundError, UnicodeDecodeError):  # of another process's dropping it, or of damage
        return None


def _sums(folder: Path) -> str:
    return "".join(f"{path.name} {_sum(path):08x}\n" for path in sorted(folder.glob("*.npy")))


def _sum(path: Path) -> int:
    found = 0
    with path.open("rb", buffering=0) as file:
        while part := file.read(PART):
            found = crc32(part, found)
    return found


def _drop(folder: Path) -> None:
    """Removes the folder at once, for whoever looks at the same time."""
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".damaged-"))
    try:
        folder.replace(aside)
    except FileNotFoundError:  # another process was faster
        pass
    finally:
        shutil.rmtree(aside, ignore_errors=True)
