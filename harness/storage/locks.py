"""Kernel locks between processes: held while a context lasts, released by any death of the holder."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.machine import place
from harness.storage.atomic import unwritable
from harness.storage.records import now

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOR = ", for "

_open: set[int] = set()


def _forget_in_child() -> None:
    """Closes inherited locks: a forked child that outlives its parent must not keep what the parent held."""
    for descriptor in _open:
        os.close(descriptor)
    _open.clear()


os.register_at_fork(after_in_child=_forget_in_child)


@contextmanager
def held(path: Path, wait: bool = True, what: str = "") -> Iterator[bool]:
    """True while this process holds the lock at ``path``; False, at once, where ``wait`` is off and another holds it.

    The file is created and never removed: its existence means nothing, and removing it would let two holders in.
    A second ``held`` on the same path waits in the same process and thread too, so locks do not nest.

    Args:
        what: what it is held for; ``last_holder`` tells.

    Raises:
        HarnessError: the folder cannot be written, or its file system knows no kernel locks.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise unwritable(path, error) from error
    _open.add(descriptor)
    try:
        mine = _acquire(descriptor, path, wait)
        if mine:
            _sign(descriptor, what)
        yield mine
    finally:
        if descriptor in _open:  # not in a forked child, which has closed it already
            _open.remove(descriptor)
            os.close(descriptor)


def _acquire(descriptor: int, path: Path, wait: bool, kind: int = fcntl.LOCK_EX) -> bool:
    try:
        # a signal whose handler returns restarts the call (PEP 475); one whose handler raises, as Ctrl-C does, ends it
        fcntl.flock(descriptor, kind if wait else kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise HarnessError(
            f"{path}: the file system refuses locks ({error.strerror}). "
            "Choose a results folder on a local disk, or mount the share with flock support."
        ) from error
    return True


def holder(path: Path) -> str | None:
    """Host and process that hold the lock at ``path``, and since when; None where nobody does."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if _acquire(descriptor, path, wait=False, kind=fcntl.LOCK_SH):
            return None
        return os.read(descriptor, 400).decode("utf-8", "replace").partition(FOR)[0]
    finally:
        os.close(descriptor)


def last_holder(path: Path) -> str:
    """Who holds the lock at ``path`` or held it last, and what for; empty where nobody ever did."""
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _sign(descriptor: int, what: str) -> None:
    """Writes who holds the lock into its file; it says so only while the lock is held."""
    with suppress(OSError):  # a full disk; the lock holds all the same
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{place()}, process {os.getpid()}, since {now()}{FOR}{what}".encode())
