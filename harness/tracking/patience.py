"""Work for a tracking server within a bound: a job that has its results does not wait for a server.

A job waits at most `PATIENCE` seconds, attempts and pauses together. A server that failed is then left alone for half a
minute, a minute, and so on up to ten, so that an outage costs a process ten seconds at most in each of these times.
One warning an outage, and one line when it is over.
"""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from harness.secrets import redacted
from harness.tracking.client import database_of, ready
from harness.tracking.words import words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

log = logging.getLogger(__name__)

PATIENCE = 10.0  # seconds that a job waits for a server, at most
TURN = 60.0  # for a database file: many processes take turns at it
PAUSES = (0.5, 1.0, 2.0)  # seconds between attempts
QUIET, LONGEST = 30.0, 600.0  # seconds without an attempt after a failure: the first time, and at most

T = TypeVar("T")


@dataclass(slots=True)
class _Outage:
    """A server that failed.

    Attributes:
        quiet: seconds for which it is left alone.
        until: when that ends, on the monotonic clock.
        late: what it has been asked and has not answered yet.
    """

    quiet: float
    until: float
    late: _Attempt[Any] | None


_outages: dict[str, _Outage] = {}  # by URI


class _Attempt(Thread, Generic[T]):
    """Work that goes on for itself when nobody waits for it any longer, and ends with its process.

    A slow server so gets what it can take.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        super().__init__(daemon=True, name="tracking")
        self._work = work
        self.result: T | None = None
        self.error: Exception | None = None

    def run(self) -> None:
        """Does the work, and keeps what it raises."""
        try:
            self.result = self._work()
        except Exception as error:  # noqa: BLE001  # whatever a server, a driver or a disk may raise, the job is done
            self.error = error


def attempt(
    uri: str,
    work: Callable[[], T],
    wait: float | None = None,
    insist: bool = False,
    mend: str = "",
) -> T | None:
    """What ``work`` returns; None where the server failed, did not answer in time, or is left alone for now.

    Args:
        work: may be called several times, and may still be at it when this returns.
        wait: seconds; those of a job by default.
        insist: asks a server that should be left alone, too.
        mend: the command that does later what this did not, as the warning names it.
    """
    ready()
    before = _outages.get(uri)
    wait = wait or (TURN if database_of(uri) else PATIENCE)
    end = time.monotonic() + wait
    if before is not None and not _over(before, wait, insist):
        return None
    # while it is out one attempt is enough to learn whether it is back
    trying = _Attempt(partial(persistent, work, end, () if before else PAUSES))
    trying.start()
    trying.join(max(end - time.monotonic(), 0))
    if not trying.is_alive() and trying.error is None:
        if _outages.pop(uri, None):
            log.info("tracking at %s answers again", redacted(uri))
        return trying.result
    _failed(uri, before, trying, wait, mend)
    return None


def _over(outage: _Outage, wait: float, insist: bool) -> bool:
    """Whether a server that failed may be asked again: after its time, or once it has answered after all."""
    late = outage.late
    if late is not None:
        late.join(wait if insist else 0)
        if late.is_alive():
            return False
        if late.error is None:
            return True
    return insist or time.monotonic() >= outage.until


def persistent(work: Callable[[], T], end: float = math.inf, pauses: Sequence[float] | None = None) -> T:
    """What ``work`` returns, at one of a few attempts; raises what the last one raised.

    Args:
        end: on the monotonic clock; no attempt begins after it.
    """
    for pause in PAUSES if pauses is None else pauses:
        try:
            return work()
        except Exception:
            if time.monotonic() + pause > end:
                raise
        time.sleep(pause)
    return work()


def _failed(uri: str, before: _Outage | None, trying: _Attempt[Any], wait: float, mend: str) -> None:
    late = trying if trying.is_alive() else None
    error = trying.error
    why = f"no answer in {wait:g} s" if late or error is None else words(error)
    if error is not None and not late and refused(error):
        log.warning("tracking at %s refuses a run (%s): its results are safe", redacted(uri), why)
        return
    if before is None:
        later = f", {mend} fills the gap" if mend else ""
        log.warning("tracking at %s failed (%s): results are safe%s", redacted(uri), why, later)
    quiet = min(before.quiet * 2, LONGEST) if before else QUIET
    _outages[uri] = _Outage(quiet, time.monotonic() + quiet, late)


def refused(error: BaseException) -> bool:
    """Whether a server that is well has refused this one thing, at every attempt: others may go through."""
    ask = getattr(error, "get_http_status_code", None)
    status = ask() if ask else getattr(getattr(error, "response", None), "status_code", None)
    return status in (400, 409, 413, 422)
