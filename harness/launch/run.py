"""A sweep from its plan to its end: what is missing is launched or joined, then summed up and analysed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from harness import swept
from harness.cluster import resources
from harness.cluster.queue import CANCELLED
from harness.errors import HarnessError
from harness.launch import hydra, joining
from harness.launch.begin import begin
from harness.launch.command import Command, read
from harness.launch.left import record_lost
from harness.launch.manifest import clean, manifest
from harness.launch.summary import say, show, summarise
from harness.launch.untouched import untouched
from harness.storage import exchange
from harness.sweep.plan import Plan, failures, plan, refuse_nothing, unfinished

DONE, FAILED, USAGE = 0, 1, 2
MISTAKES = ("HarnessError", "DataError", "NotApplicableError")


def run(arguments: Sequence[str], as_json: bool = False) -> int:
    """Runs what is missing of a command line; the exit code.

    0; 1 when a job of a sweep or its analysis failed; 2 when a single job failed for a mistake of a person.

    Raises:
        HarnessError: the command line asks for something that does not exist or does not apply.
    """
    command = read(arguments)
    if command is None:
        hydra.launch(arguments)
        return DONE
    asked = command.asked
    to_analyse = swept.wanted(asked.composed[0].config) and asked.multirun
    planned = plan(asked)
    refuse_nothing(planned)
    show(planned)
    parent = _through(planned, command)
    clean(planned)
    summarise(planned, as_json)
    failed = failures(planned)
    sent = _sent(planned)
    if to_analyse and not swept.analysed(planned, asked, parent, quiet=as_json):
        return FAILED
    if failed and not asked.multirun and all(error.exception in MISTAKES for error in failed.values()):
        return USAGE
    return DONE if sent and not failed else FAILED


def _sent(planned: Plan) -> bool:
    """Whether all results are where they are to be: those that only the mirror of a bucket has are sent now."""
    try:
        jobs = [(one.job.task.name, one.predict_key) for one in planned.jobs]
        exchange.send_rest(planned.setting.store.root, jobs)
    except HarnessError as error:
        say.print(str(error), style="red")
        return False
    return True


def _through(planned: Plan, command: Command) -> str | None:
    """Launches what is missing and joins who is at it already, until all is done or has failed; the tracking run.

    Of two that start at once, the second finds the first's manifest.
    """
    store, parent = planned.setting.store, None
    while planned.open:
        with untouched(planned), ExitStack() as stack:
            with store.lock("sweeps"):
                others = joining.elsewhere(planned)
                mine = planned.open.keys() - others.keys()
                if mine and command.launcher not in resources.REMOTE:
                    mine = set(planned.open)  # what is sent nowhere is not doubled: locks keep a job to one process
                listed = mine if others else None
                told = manifest(planned, command.text, command.launcher, listed)
                path = stack.enter_context(told) if mine else None
            if path is not None:
                parent = begin(planned, command, path, mine)
        planned = _left(planned) if others else replace(planned, open={})
        if planned.open:
            ended = joining.wait(store, others)
            record_lost(planned, resources.SLURM, {key: f"task {task}: {CANCELLED}" for key, task in ended.items()})
            planned = _left(planned)
    return parent


def _left(planned: Plan) -> Plan:
    """The plan with nothing open but what neither ended nor failed."""
    return replace(planned, open={one.predict_key: tuple(one.cells) for one in unfinished(planned)})
