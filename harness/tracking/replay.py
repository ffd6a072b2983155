"""What MLflow has missed, written from the store: after a sweep what is noted, by ``sync`` all that there is."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.secrets import redacted
from harness.tracking.client import REQUEST, mend, opened, place_of, turn
from harness.tracking.job_runs import write
from harness.tracking.missed import JobNote, job_notes
from harness.tracking.patience import attempt, persistent, refused
from harness.tracking.sweep_runs import ended, write_sweep
from harness.tracking.words import words

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from harness.storage.store import Store

AFTER = 120.0  # seconds that the end of a sweep gives to what its jobs could not write
FIRST = 20  # seconds for a replay's first request, which tells whether anybody answers
UNHURRIED = "60"  # for one of the others, which hold nobody up


@dataclass(frozen=True, slots=True)
class Synced:
    """What a replay of the store did: runs written or brought up to date, and runs that were so already."""

    written: int
    unchanged: int


def catch_up(store: Store, uri: str) -> Synced:
    """Writes what is noted as missed at this server, until it fails or two minutes are over.

    Returns:
        How many runs were written; ``unchanged`` are those that are left.
    """
    notes = job_notes(store, uri)
    done: set[str] = set()

    def work() -> None:
        for note in notes:
            if note.name not in done:
                with turn(uri):
                    client, experiment = opened(uri, note.experiment)
                    try:
                        write(client, experiment, store, note)
                        done.add(note.name)
                    except Exception as error:
                        if not refused(error):
                            raise

    if notes:
        # an attempt of the usual length tells whether it answers at all
        experiment = notes[0].experiment
        later = mend(store.root, uri, experiment)
        answer = attempt(uri, partial(_opened, uri, experiment), insist=True, mend=later)
        if answer is not None:
            attempt(uri, work, wait=AFTER, insist=True, mend=later)
    return Synced(written=len(done), unchanged=len(notes) - len(done))


def sync(store: Store, uri: str, experiment: str) -> Synced:
    """Brings the runs of all jobs in the store up to date; a second call changes nothing.

    Raises:
        HarnessError: the server or the database does not answer, or refuses some of the runs; all others are written.
    """
    given = os.environ.get(REQUEST)
    changed: list[bool] = []
    refusals: list[str] = []
    try:
        os.environ[REQUEST] = given or str(FIRST)
        client, number = persistent(partial(_opened, uri, experiment), time.monotonic() + FIRST)
        os.environ[REQUEST] = given or UNHURRIED
        for ended_sweep in ended(store, uri, experiment):
            with turn(uri):
                persistent(partial(write_sweep, client, number, store, ended_sweep))
        parents = {note.predict_key: note.parent for note in job_notes(store, uri) if note.experiment == experiment}
        for task, key in store.jobs():
            note = JobNote(
                uri=place_of(uri), experiment=experiment, task=task, predict_key=key, parent=parents.get(key)
            )
            with turn(uri):  # one job at a time, so that a running sweep does not wait for all of them
                try:
                    changed.append(persistent(partial(write, client, number, store, note)))
                except Exception as error:
                    if not refused(error):
                        raise
                    refusals.append(f"{task} {key}: {words(error)}")
    except HarnessError:
        raise
    except Exception as error:
        raise HarnessError(f"tracking at {redacted(uri)} failed: {words(error)}") from error
    if refusals:
        raise HarnessError(f"{redacted(uri)} refused {len(refusals)} runs, such as {refusals[0]}; the others are there")
    return Synced(written=sum(changed), unchanged=len(changed) - sum(changed))


def _opened(uri: str, experiment: str) -> tuple[MlflowClient, str]:
    with turn(uri):
        return opened(uri, experiment)
