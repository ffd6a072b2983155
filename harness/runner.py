"""Runs jobs: trains what is missing, predicts all targets in one pass, scores them, and leaves records in the store."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness import scoring, tested
from harness.cluster import share
from harness.data.load import load
from harness.errors import DataError, HarnessError, TimeLimitError
from harness.models.base import Model, Prediction, Resumable, TrainingSet
from harness.recording import Progress, cell_record, write_job
from harness.retrieval.base import Corpora, Matching
from harness.retrieval.views import Views, vectors_of
from harness.spec import Job, Savepoint
from harness.storage import exchange
from harness.storage.store import ErrorRecord, Store
from harness.strategies.base import STRATEGIES
from harness.sweep.keyed import Keyed, done, keyed, missing, model_of
from harness.tasktype import TASK_TYPES

log = logging.getLogger("harness")


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a run reads and writes, and how it behaves; none of it changes a number.

    Attributes:
        root: folder of the real tasks' files.
        keep: whether checkpoints stay: ``none``, ``until_evaluated``, ``all``.
        minutes: how often a training run keeps how far it has come; None for never.
        wait: wait for a job that another process is running, or leave it to that process.
        again: run a job that failed once more; within a sweep none is, whatever else its process has to begin again.
        raise_errors: stop at the first failure instead of recording it.
    """

    store: Store
    root: Path | None
    keep: str = "until_evaluated"
    wait: bool = True
    raise_errors: bool = False
    minutes: float | None = None
    again: bool = True

    @property
    def cache(self) -> Path:
        """Where tokens and pretrained vectors lie, shared by all processes."""
        return self.store.root / "cache"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job: done, skipped (nothing was missing), elsewhere (another process has it), failed."""

    job: str
    task: str
    predict_key: str
    status: str
    seconds: float = 0.0
    message: str = ""

    def __str__(self) -> str:
        mark = {"done": "+", "skipped": "=", "elsewhere": "~", "failed": "!"}[self.status]
        return f"{mark} {self.job}  {self.seconds:.1f} s  {self.message}".rstrip()


def run(job: Job, setting: Setting, views: Views | None = None) -> Outcome:
    """Runs what is missing of a job; never raises for a failing one unless told to.

    A second process that runs the same job waits, or leaves it, as ``setting.wait`` says. A failure leaves an error
    record where the result would be.

    Args:
        views: what the job shares with those that search with other layers of its model.
    """
    start = time.perf_counter()
    predict = ""
    try:
        one = keyed(job, setting.root, setting.cache)
        predict = one.predict_key
        status = "skipped"
        if not done(one, setting.store) and (setting.again or not setting.store.read_error(job.task.name, predict)):
            with (
                share.room(job.model.resources, str(job)),  # whoever waits for it holds nothing that others wait for
                setting.store.lock(lock_of(one), setting.wait, what=predict) as mine,
            ):
                status = _run(one, setting, views) if mine else "elsewhere"
    except (Exception, TimeLimitError) as error:
        if setting.raise_errors or not predict:  # what has no key has no place for a record
            raise
        record = ErrorRecord.of(error, {"job": str(job)} | dataclasses.asdict(job))
        setting.store.write_error(job.task.name, predict, record)
        said = isinstance(error, (HarnessError, TimeLimitError))
        words = record.message if said else f"{record.exception}: {record.message}"
        return Outcome(str(job), job.task.name, predict, "failed", time.perf_counter() - start, words)
    return Outcome(str(job), job.task.name, predict, status, time.perf_counter() - start)


def lock_of(one: Keyed) -> str:
    """The lock of a job; those that share weights share it, so that the weights are trained once."""
    return one.train_key if one.job.trained else one.predict_key


def _run(one: Keyed, setting: Setting, views: Views | None) -> str:
    """Everything between the lock and the records."""
    job, store = one.job, setting.store
    exchange.look(store.root, job.task.name, one.predict_key)
    targets = missing(one, store)  # another process may have been here while this one waited
    if not targets and store.read_job(job.task.name, one.predict_key):
        return "skipped"
    progress = Progress()
    left = tuple(target for target in targets if not _rescored(one, target, store, progress))
    failed: dict[str, DataError] = {}
    if left:
        folder = _weights(job, one, setting, progress) if job.trained else None
        failed = _evaluate(one, left, folder, setting, progress, views)
    write_job(one, store, setting.root, progress)
    if failed:
        raise DataError("; ".join(f"{target}: {error}" for target, error in failed.items()))
    store.clear_error(job.task.name, one.predict_key)
    return "done"


def _rescored(one: Keyed, target: str, store: Store, progress: Progress) -> bool:
    """Whether stored predictions on unchanged data could be scored again; a changed scorer never retrains."""
    cell = store.read_cell(one.job.task.name, one.predict_key, target)
    if cell is None or cell.data != one.cells[target][0]:
        return False
    try:
        table = store.examples(one.job.task.name, one.predict_key, target)
    except HarnessError as error:
        log.warning("%s", error)
        return False
    with progress.clock("score"):
        try:
            scores, counted = scoring.recount(one.job.task, target, *scoring.stored(table))
        except HarnessError as error:
            # a metric that is new to the task may need what was not predicted for the others
            log.info("%s is predicted again: %s", target, error)
            return False
        store.write_cell(cell_record(one, target, scores, counted, cell.files), counted)
    return True


def _weights(job: Job, one: Keyed, setting: Setting, progress: Progress) -> Path:
    """The folder of the job's weights, trained now if there is none; bases first, each under its own lock."""
    folder = setting.store.checkpoint(one.train_key)
    if folder.exists():
        return folder
    with ExitStack() as held:
        bases = []
        for base in STRATEGIES[job.strategy].bases(job):
            base_keyed = keyed(base, setting.root, setting.cache)
            # held until these weights are made of them: another sweep may want to drop them
            held.enter_context(setting.store.lock(base_keyed.train_key, wait=True))
            bases.append(_weights(base, base_keyed, setting, progress))
        _train(one, job, tuple(bases), setting, progress)
    return folder


def _train(one: Keyed, job: Job, bases: tuple[Path, ...], setting: Setting, progress: Progress) -> None:
    """Trains into the checkpoint folder of the job's train key."""
    strategy, kind = STRATEGIES[job.strategy], TASK_TYPES[job.train_task.type]
    model = model_of(job, setting.root, setting.cache)
    if kind.shape not in model.trains:
        raise HarnessError(f"a {job.model.family} model cannot be trained for {job.train_task.type}")
    corpora = strategy.corpora(job, lambda task, language, split: load(task, language, split, setting.root))
    data = TrainingSet(kind.shape, corpora, kind.tags(job.train_task), tested.dev(job, setting.root))
    for corpus in data.corpora:
        if not len(corpus):
            raise HarnessError(f"{job.train_task.name}: the training split of {corpus.language} is empty")
    with setting.store.checkpoint_draft(one.train_key) as draft, progress.clock("train"):
        start = strategy.start(job, bases, draft)
        train = model.train
        if setting.minutes is not None and isinstance(model, Resumable):
            train = partial(model.train, savepoint=Savepoint(setting.store.training(one.train_key), setting.minutes))
        progress.curves += train(data, strategy.training(job), job.seed, draft, start)


def _evaluate(
    one: Keyed,
    targets: Sequence[str],
    folder: Path | None,
    setting: Setting,
    progress: Progress,
    views: Views | None,
) -> dict[str, DataError]:
    """Predicts all targets in one pooled pass, then scores and writes them one by one.

    Returns:
        Targets whose data cannot be used, with the reason: the others do not wait for them.
    """
    job = one.job
    model = model_of(job, setting.root, setting.cache)
    kind = TASK_TYPES[job.task.type]
    pool = tested.shared(job, setting.root)
    sides, failed = tested.loaded(job, targets, pool, setting.root)
    if not sides:
        return failed
    if kind.match is not None:
        answers = _searched(job, kind.match, sides, pool, model, folder, progress, views)
    else:
        assert folder is not None
        with progress.clock("predict"):
            found = model.predict(folder, [corpus for corpus, *_ in sides.values()])
        answers = dict(zip(sides, STRATEGIES[job.strategy].predictions(job, found), strict=True))
    progress.tokens |= model.tokens
    for target, predictions in answers.items():
        corpus = sides[target][0]
        with progress.clock("score"):
            scores, table = scoring.score(job.task, corpus, predictions)
            setting.store.write_cell(cell_record(one, target, scores, table, corpus.files), table)
    return failed


def _searched(
    job: Job,
    match: Matching,
    sides: tested.Sides,
    pool: Corpora,
    model: Model,
    folder: Path | None,
    progress: Progress,
    views: Views | None,
) -> dict[str, list[Prediction]]:
    """What the tested sentences of every target find."""
    if not model.embeds:
        raise HarnessError(f"a {job.model.family} model gives no sentence vectors, which {job.task.name} needs")
    pool = match.shared(pool)
    unique = {corpus.key: corpus for several in [*sides.values(), pool] for corpus in several}
    with progress.clock("predict"):
        vectors = vectors_of(model, job.model, tuple(unique.values()), folder, views)
    with progress.clock("score"):
        return match.answers(job.task, sides, pool, vectors)
