"""A sweep by Hydra's joblib launcher, which stops when one of its worker processes dies: here what is left goes on."""

from __future__ import annotations

import signal
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from harness.cluster.work import Measure, measure
from harness.errors import HarnessError
from harness.launch.manifest import weights_of
from harness.launch.summary import say
from harness.machine import place
from harness.runner import lock_of
from harness.storage.locks import FOR
from harness.sweep.keyed import Keyed
from harness.sweep.plan import Plan, unfinished

NAME = "joblib"
OFTEN = 2  # deaths without anything gained in between; once may be anybody's


class _BrokenError(SystemExit):
    """Goes through Hydra, which would print any other error with a traceback.

    Attributes:
        dead: exit codes of the workers that died, by the number of the process.
    """

    def __init__(self, dead: Mapping[int, int]) -> None:
        super().__init__(1)
        self.dead = dead


@dataclass(frozen=True, slots=True)
class _Deaths:
    """How often processes died at a job, and how far it was the last time."""

    times: int = 0
    far: Measure = (0, 0, 0)

    def another(self, far: Measure) -> _Deaths:
        return _Deaths(1 if far > self.far else self.times + 1, far)


def launch(
    planned: Plan,
    wanted: Collection[str],
    begin: Callable[[Collection[str]], None],
    give_up: Callable[[Mapping[str, str]], None],
) -> None:
    """Has workers run jobs (predict keys), and new workers those that are left when one of them dies.

    Args:
        begin: has Hydra launch these jobs.
        give_up: records of jobs, by predict key, why they are not begun again: whatever process is at them dies.

    Raises:
        HarnessError: joblib refuses what it was told.
        SystemExit: a worker died, and a failure is to end the sweep.
    """
    deaths: dict[str, _Deaths] = {}
    in_vain = 0
    while wanted:
        try:
            with _watched():
                begin(wanted)
            return
        except _BrokenError as broken:
            left = unfinished(planned)
            at = [one for one in left if _was_at(one, planned, broken.dead)]
            how = ", ".join(sorted({_end(code) for code in broken.dead.values()})) or "without a word"
            where = f"at {', '.join(str(one.job) for one in at)}" if at else "between two jobs"
            said = f"a worker process died ({how}) {where}"
            if planned.setting.raise_errors:
                say.print(said)
                raise
        for one in at:
            deaths[one.predict_key] = deaths.get(one.predict_key, _Deaths()).another(_far(one, planned))
        killers = {one.predict_key for one in at if deaths[one.predict_key].times == OFTEN}
        why = (
            f"its process died {OFTEN} times ({how}): if memory ran out, lower hydra.launcher.n_jobs or raise "
            "model.resources.memory_gb"
        )
        give_up(dict.fromkeys(killers, why))
        in_vain = 0 if at or len(left) < len(wanted) else in_vain + 1
        wanted = {one.predict_key for one in left} - killers
        say.print(f"{said}; the workers begin anew, jobs left: {len(wanted)}")
        if in_vain == OFTEN:
            say.print("workers die before they begin a job: going on here, one at a time")
            return


@contextmanager
def _watched() -> Iterator[None]:
    """For the time of the block, the death of a worker is a ``_BrokenError``, and what joblib refuses is said."""
    from hydra_plugins.hydra_joblib_launcher import _core
    from joblib.externals.loky import process_executor

    launch, exit_codes = _core.launch, process_executor.get_exitcodes_terminated_worker
    dead: dict[int, int] = {}

    def noted(processes: Mapping[int, Any]) -> Any:
        words = exit_codes(processes)  # waits for them
        dead.update({number: one.exitcode for number, one in [*processes.items()] if one.exitcode is not None})
        return words  # and now the other workers are killed

    def launched(**given: Any) -> Any:
        try:
            return launch(**given)
        except process_executor.BrokenProcessPool as error:
            raise _BrokenError(dead) from error
        except ValueError as error:
            if error.__cause__ is not None:  # a worker's
                raise
            raise _RefusedError from error

    with (
        patch.object(process_executor, "get_exitcodes_terminated_worker", noted),
        patch.object(_core, "launch", launched),
    ):
        try:
            yield
        except _RefusedError as refused:
            raise HarnessError(f"hydra/launcher=joblib: {refused.__cause__}") from refused


class _RefusedError(SystemExit):
    """Goes through Hydra too."""


def _was_at(one: Keyed, planned: Plan, dead: Collection[int]) -> bool:
    """Whether one of these processes was the last to hold the lock of a job that did not end."""
    said = planned.setting.store.last_holder(lock_of(one))  # which jobs of the same weights share
    mine = said.endswith(f"{FOR}{one.predict_key}")
    return mine and any(said.startswith(f"{place()}, process {number},") for number in dead)


def _far(one: Keyed, planned: Plan) -> Measure:
    keys = (one.job.task.name, one.predict_key, tuple(weights_of(one, planned.setting)))
    return measure(planned.setting.store, (keys,))


def _end(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
