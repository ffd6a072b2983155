"""Runs jobs: trains what is missing, predicts all targets in one pass, scores them, and leaves records in the store."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import keys, matching, scoring
from harness.data.examples import Corpus, Example, Shape
from harness.data.load import available, load
from harness.data.splits import check_disjoint, first_groups
from harness.errors import HarnessError
from harness.keyed import Keyed, keyed, missing, model_of, pools
from harness.models.base import Model, TrainingSet
from harness.recording import Progress, cell_record, write_job
from harness.spec import Job
from harness.store import ErrorRecord, Store
from harness.strategies.base import STRATEGIES
from harness.tasktype import TASK_TYPES

log = logging.getLogger("harness")


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a run reads and writes, and how it behaves; none of it changes a number.

    Attributes:
        root: folder of the real tasks' files.
        keep: whether checkpoints stay: ``none``, ``until_evaluated``, ``all``.
        wait: wait for a job that another process is running, or leave it to that process.
        raise_errors: stop at the first failure instead of recording it.
    """

    store: Store
    root: Path | None
    keep: str = "until_evaluated"
    wait: bool = True
    raise_errors: bool = False

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


def run(job: Job, setting: Setting) -> Outcome:
    """Runs what is missing of a job; never raises for a failing one unless told to.

    A second process that runs the same job waits, or leaves it, as ``setting.wait`` says. A failure leaves an error
    record where the result would be.
    """
    start = time.perf_counter()
    predict = ""
    try:
        one = keyed(job, setting.root, setting.cache)
        predict = one.predict_key
        status = "skipped"
        if missing(one, setting.store) or setting.store.read_job(job.task.name, predict) is None:
            # jobs that share weights share the lock, so that the weights are trained once
            with setting.store.lock(one.train_key if job.trained else predict, wait=setting.wait) as mine:
                status = _run(one, setting) if mine else "elsewhere"
    except Exception as error:
        if setting.raise_errors:
            raise
        predict = predict or keys.digest(str(job))  # a job whose data cannot be read has no key of its own
        record = ErrorRecord.of(error, {"job": str(job)} | dataclasses.asdict(job))
        setting.store.write_error(job.task.name, predict, record)
        words = str(error) if isinstance(error, HarnessError) else f"{type(error).__name__}: {error}"
        return Outcome(str(job), job.task.name, predict, "failed", time.perf_counter() - start, words)
    return Outcome(str(job), job.task.name, predict, status, time.perf_counter() - start)


def _run(one: Keyed, setting: Setting) -> str:
    """Everything between the lock and the records."""
    job, store = one.job, setting.store
    targets = missing(one, store)  # another process may have been here while this one waited
    if not targets and store.read_job(job.task.name, one.predict_key):
        return "skipped"
    progress = Progress()
    left = tuple(target for target in targets if not _rescored(one, target, store, progress))
    if left:
        folder = _weights(job, one, setting, progress) if job.trained else None
        _evaluate(one, left, folder, setting, progress)
    write_job(one, store, setting.root, progress)
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
        scores, counted = scoring.recount(one.job.task, *scoring.stored(table))
        store.write_cell(cell_record(one, target, scores, counted, cell.files), counted)
    return True


def _weights(job: Job, one: Keyed, setting: Setting, progress: Progress) -> Path:
    """The folder of the job's weights, trained now if there is none; bases first, each under its own lock."""
    store, strategy = setting.store, STRATEGIES[job.strategy]
    folder = store.checkpoint(one.train_key)
    if folder.exists():
        return folder
    bases = []
    for base in strategy.bases(job):
        base_keyed = keyed(base, setting.root, setting.cache)
        # held while it trains: afterwards the weights stay until no job of the sweep waits for them
        with store.lock(base_keyed.train_key, wait=True):
            bases.append(_weights(base, base_keyed, setting, progress))
    corpora = strategy.corpora(job, lambda task, language, split: load(task, language, split, setting.root))
    for corpus in corpora:
        if not len(corpus):
            raise HarnessError(f"{job.train_task.name}: the training split of {corpus.language} is empty")
    dev: tuple[Corpus[Example], ...] = ()
    if job.training.select == "source_dev":
        dev = tuple(_limited(load(job.train_task, source, "dev", setting.root), job) for source in job.sources)
    kind = TASK_TYPES[job.train_task.type]
    data = TrainingSet(kind.shape, corpora, kind.tags(job.train_task), dev)
    model = model_of(job, setting.root, setting.cache)
    with store.checkpoint_draft(one.train_key) as draft, progress.clock("train"):
        start = strategy.start(job, tuple(bases), draft)
        progress.curves += model.train(data, strategy.training(job), job.seed, draft, start)
    return folder


def _evaluate(one: Keyed, targets: Sequence[str], folder: Path | None, setting: Setting, progress: Progress) -> None:
    """Predicts all targets in one pooled pass, then scores and writes them one by one."""
    job = one.job
    model = model_of(job, setting.root, setting.cache)
    if TASK_TYPES[job.task.type].shape is Shape.SENTENCE:
        corpora, answers = _retrieve(job, targets, model, folder, setting, progress)
    else:
        assert folder is not None
        corpora = [_limited(load(job.task, target, "test", setting.root), job) for target in targets]
        _refuse_leaks(job, corpora, setting)
        with progress.clock("predict"):
            answers = STRATEGIES[job.strategy].predictions(job, model.predict(folder, corpora))
    progress.tokens |= model.tokens
    for target, corpus, predictions in zip(targets, corpora, answers, strict=True):
        with progress.clock("score"):
            scores, table = scoring.score(job.task, corpus, predictions)
            setting.store.write_cell(cell_record(one, target, scores, table, corpus.files), table)


def _retrieve(
    job: Job, targets: Sequence[str], model: Model, folder: Path | None, setting: Setting, progress: Progress
) -> tuple[list[Corpus[Example]], list[list[Any]]]:
    """Ranks per target: forward, backward, and in the pool of all languages where the task asks for it."""
    (source,) = job.sources
    sides = [
        tuple(
            _limited(load(job.task, one, "test", setting.root, other), job)
            for one, other in ((source, target), (target, source))
        )
        for target in targets
    ]
    pool: list[Corpus[Example]] = []
    if pools(job.task):
        pool = [
            _limited(load(job.task, code, "test", setting.root), job)
            for code in available(job.task, "test", setting.root)
        ]
    unique = {corpus.key: corpus for pair in [*sides, tuple(pool)] for corpus in pair}
    with progress.clock("predict"):
        vectors = dict(zip(unique, model.embed(list(unique.values()), folder), strict=True))
    with progress.clock("score"):
        answers: list[list[Any]] = [matching.match(query, found, vectors) for query, found in sides]
        if pool:
            ranks = matching.pooled(sides[0][0], pool, vectors)
            answers = [
                [(*pair, rank) for pair, rank in zip(pairs, ranks[target], strict=True)]
                for target, pairs in zip(targets, answers, strict=True)
            ]
    return [found for _, found in sides], answers


def _limited(corpus: Corpus[Example], job: Job) -> Corpus[Example]:
    return corpus if job.limit is None else first_groups(corpus, job.limit)


def _refuse_leaks(job: Job, tested: Sequence[Corpus[Example]], setting: Setting) -> None:
    touched = () if STRATEGIES[job.strategy].touches == "none" else job.targets
    for language in (*job.sources, *touched):
        trained = load(job.train_task, language, "train", setting.root)
        for corpus in tested:
            check_disjoint(trained, corpus)
