"""The run of a sweep, which the runs of its jobs lie below; created when the server is there, early or late."""

from __future__ import annotations

import time
import uuid
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from harness.secrets import redacted
from harness.tracking.client import KIND, mend, opened, place_of, turn
from harness.tracking.missed import SweepNote, leave, sweep_notes, take_away
from harness.tracking.patience import attempt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mlflow import MlflowClient

    from harness.storage.store import Store

SWEEP, PARENT = "harness.sweep", "mlflow.parentRunId"

_known: dict[str, str] = {}  # runs of sweeps, by sweep


@contextmanager
def sweep(store: Store, uri: str, experiment: str, name: str, tags: Mapping[str, str], config: str) -> Iterator[str]:
    """A sweep that is tracked for the time of the block: its id, by which ``log_job`` puts runs below its run.

    The run ends as ``FINISHED``, or as ``FAILED`` where the block raises. It holds the resolved configuration.
    """
    note = SweepNote(
        uri=place_of(uri),
        experiment=experiment,
        sweep=uuid.uuid4().hex,
        title=redacted(name)[:250],
        tags={name: redacted(value) for name, value in tags.items()},
        config=redacted(config),
        started=time.time_ns() // 1_000_000,
    )
    status = "FAILED"
    try:
        with store.lock(_lock(note)):
            leave(store, note)
            attempt(uri, partial(_tell, store, uri, note), mend=mend(store.root, uri, experiment))
            yield note.sweep
            status = "FINISHED"
    finally:
        note = replace(note, status=status)
        leave(store, note)
        attempt(uri, partial(_tell, store, uri, note), insist=True, mend=mend(store.root, uri, experiment))


def _tell(store: Store, uri: str, note: SweepNote) -> None:
    with turn(uri):
        write_sweep(*opened(uri, note.experiment), store, note)


def write_sweep(client: MlflowClient, experiment: str, store: Store, note: SweepNote) -> None:
    """Brings the run of a sweep up to date, which is created where there is none, and ended where the sweep has."""
    run = run_of_sweep(client, experiment, store, note.sweep)
    if run is not None:
        client.log_text(run, note.config, "config.yaml")
        if note.status is not None:
            client.set_terminated(run, note.status)
    if note.status is not None:
        take_away(store, note.name)


def ended(store: Store, uri: str, experiment: str) -> list[SweepNote]:
    """The sweeps whose runs there are to be ended; one whose process died without a word was killed."""
    found = []
    for note in sweep_notes(store):
        if (note.uri, note.experiment) != (place_of(uri), experiment):
            continue
        with store.lock(_lock(note), wait=False) as dead:
            if dead:
                found.append(replace(note, status=note.status or "KILLED"))
    return found


def run_of_sweep(client: MlflowClient, experiment: str, store: Store, sweep: str) -> str | None:
    """The run of a sweep, created where there is none; None where the sweep is over and its run was deleted."""
    if sweep not in _known:
        with store.lock(f"track-{sweep}"):
            found = client.search_runs([experiment], f"tags.`{SWEEP}` = '{sweep}'", order_by=["attributes.run_id"])
            notes = sweep_notes(store, sweep)
            if not found and not notes:
                return None
            _known[sweep] = str(found[0].info.run_id) if found else _create(client, experiment, notes[0])
    return _known[sweep]


def _create(client: MlflowClient, experiment: str, note: SweepNote) -> str:
    tags = {KIND: "sweep", SWEEP: note.sweep} | note.tags
    return str(client.create_run(experiment, note.started, tags=tags, run_name=note.title).info.run_id)


def _lock(note: SweepNote) -> str:
    return f"tracked-{note.sweep}"
