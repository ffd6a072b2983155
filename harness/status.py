"""What `harness status` prints: the sweeps of a store that are under way, from the store alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from harness.errors import HarnessError
from harness.manifest import Running, running
from harness.store import Store


@dataclass(frozen=True, slots=True)
class Status:
    """How far a sweep is.

    Attributes:
        done: jobs; likewise ``queued``.
        running: jobs that somebody holds, and who; jobs that share weights wait for each other.
        failed: jobs with their reasons.
        per_hour: jobs that ended since the sweep began, an hour; None before the first.
        end: when it ends at that rate, ISO 8601 in UTC; None where nobody can say, or where nobody works at it.
    """

    done: int
    queued: int
    running: dict[str, str]
    failed: dict[str, str]
    per_hour: float | None
    end: str | None


def show(results: Path, as_json: bool) -> None:
    """Prints every sweep under way.

    Raises:
        HarnessError: there is no store.
    """
    if not results.is_dir():
        raise HarnessError(f"{results}: no store there yet; `harness run` makes one, --results points to another")
    store = Store(results)
    found = [(sweep, status(store, sweep, datetime.now(UTC))) for sweep in running(store)]
    if as_json:
        plain = [asdict(sweep) | {"jobs": len(sweep.jobs)} | asdict(far) for sweep, far in found]
        click.echo(json.dumps(plain, indent=1, ensure_ascii=False))
        return
    for sweep, far in found:
        click.echo("\n".join(_lines(sweep, far)))
    if not found:
        click.echo(f"{results}: no sweep is under way")


def status(store: Store, sweep: Running, at: datetime) -> Status:
    """How far a sweep is at a moment."""
    began = datetime.fromisoformat(sweep.started)
    held: dict[str, str] = {}
    failed: dict[str, str] = {}
    done = since = 0
    for job in sweep.jobs:
        record = store.read_job(job.task, job.predict_key)
        if record is not None and set(job.targets) <= set(store.targets(job.task, job.predict_key)):
            done += 1
            since += datetime.fromisoformat(record.created) >= began
        elif (error := store.read_error(job.task, job.predict_key)) is not None:
            failed[job.name] = f"{error.exception}: {error.message}"
        elif (who := store.holder(job.lock)) is not None:
            held[job.name] = who
    queued = len(sweep.jobs) - done - len(failed) - len(held)
    hours = (at - began) / timedelta(hours=1)
    rate = since / hours if since and hours > 0 else None
    end = at + timedelta(hours=(queued + len(held)) / rate) if rate and (held or sweep.alive) else None
    return Status(
        done=done,
        queued=queued,
        running=held,
        failed=failed,
        per_hour=rate,
        end=end.isoformat(timespec="minutes") if end else None,
    )


def _lines(sweep: Running, one: Status) -> Iterator[str]:
    yield f"harness run {sweep.command}"
    launched = "" if sweep.alive else "; its launching process is gone: the same command goes on with what is left"
    yield f"  since {sweep.started} by {sweep.launcher} on {sweep.host}{launched}"
    counts = f"{one.done} done, {len(one.running)} running, {one.queued} queued, {len(one.failed)} failed"
    pace = f"; {one.per_hour:.0f} jobs an hour" if one.per_hour else ""
    end = f", the last about {one.end}" if one.end else ""
    yield f"  {len(sweep.jobs)} jobs: {counts}{pace}{end}"
    for name, who in one.running.items():
        yield f"  running: {name} ({who})"
    for name, why in one.failed.items():
        yield f"  failed: {name}: {why}"
