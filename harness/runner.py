"""Runs jobs: trains what is missing, predicts all targets in one pass, scores them, and leaves records in the store."""

from __future__ import annotations

import dataclasses
import logging
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harness import keys, matching, scoring
from harness.data.examples import Corpus, Example
from harness.data.load import available, fingerprint, load
from harness.data.splits import check_disjoint, first_groups
from harness.errors import HarnessError
from harness.models.base import MODELS, Curve, Model, TrainingSet
from harness.spec import Job, ModelSpec, TaskSpec
from harness.store import CellRecord, ErrorRecord, JobRecord, Store
from harness.strategies.base import STRATEGIES
from harness.tasktype import TASK_TYPES

log = logging.getLogger("harness")
PACKAGES = ("torch", "transformers", "datasets", "scikit-learn", "numpy")


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


@dataclass(slots=True)
class Progress:
    """What a running job has found out so far, for its record."""

    timings: dict[str, float] = field(default_factory=dict)
    curves: list[Curve] = field(default_factory=list)
    tokens: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def clock(self, phase: str) -> Iterator[None]:
        """Adds the time of the block to a phase."""
        start = time.perf_counter()
        yield
        self.timings[phase] = self.timings.get(phase, 0.0) + time.perf_counter() - start


@dataclass(frozen=True, slots=True)
class Keyed:
    """A job with its keys, and what each of its cells would be called."""

    job: Job
    identity: Mapping[str, object]
    train_key: str
    predict_key: str
    cells: Mapping[str, tuple[str, str]]  # target -> (data fingerprint, cell key)


def keyed(job: Job, root: Path | None, cache: Path) -> Keyed:
    """The job with its keys; reads file digests, not files."""
    identity = model_of(job, root, cache).identity() if job.model.checkpoint else {}
    train = keys.train_key(job, root, identity)
    predict = keys.predict_key(job, train)
    signatures = scoring.signatures(job.task)
    cells = {}
    for target in job.targets:
        data = _data(job, target, root)
        cells[target] = (data, keys.cell_key(predict, data, job.task, signatures))
    return Keyed(job, identity, train, predict, cells)


def _data(job: Job, target: str, root: Path | None) -> str:
    """What the number on a target depends on: its test items, and in retrieval the queries and the pool."""
    if TASK_TYPES[job.task.type].shape != "sentence":
        return fingerprint(job.task, target, "test", root)
    (source,) = job.sources
    sides = [fingerprint(job.task, target, "test", root, source), fingerprint(job.task, source, "test", root, target)]
    if _pools(job.task):
        sides += [fingerprint(job.task, language, "test", root) for language in available(job.task, "test", root)]
    return keys.digest(sides)


def missing(one: Keyed, store: Store) -> tuple[str, ...]:
    """Targets without a record of exactly this number."""
    found = {target: store.read_cell(one.job.task.name, one.predict_key, target) for target in one.cells}
    return tuple(
        target for target, (_, key) in one.cells.items() if (cell := found[target]) is None or cell.cell_key != key
    )


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
        if missing(one, setting.store):
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
    if not targets:
        return "skipped"
    progress = Progress()
    left = tuple(target for target in targets if not _rescored(one, target, store, progress))
    if left:
        folder = _weights(job, one, setting, progress) if job.trained else None
        _evaluate(one, left, folder, setting, progress)
    _write_job(one, setting, progress)
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
        store.write_cell(_record(one, target, scores, len(counted), counted["group_id"].nunique(), cell.files), counted)
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
    if TASK_TYPES[job.task.type].shape == "sentence":
        corpora, answers = _retrieve(job, targets, model, folder, setting, progress)
    else:
        assert folder is not None
        corpora = [_limited(load(job.task, target, "test", setting.root), job) for target in targets]
        _refuse_leaks(job, corpora, setting)
        with progress.clock("predict"):
            answers = STRATEGIES[job.strategy].predictions(job, model.predict(folder, corpora))
    progress.tokens |= getattr(model, "tokens", {})
    for target, corpus, predictions in zip(targets, corpora, answers, strict=True):
        with progress.clock("score"):
            scores, table = scoring.score(job.task, corpus, predictions)
            groups = table["group_id"].nunique()
            setting.store.write_cell(_record(one, target, scores, len(table), groups, corpus.files), table)


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
    if _pools(job.task):
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


def _pools(task: TaskSpec) -> bool:
    """Whether one of the task's metrics looks for answers in the pool of all languages."""
    return any("direction:pooled" in signature for signature in scoring.signatures(task))


def _limited(corpus: Corpus[Example], job: Job) -> Corpus[Example]:
    return corpus if job.limit is None else first_groups(corpus, job.limit)


def _refuse_leaks(job: Job, tested: Sequence[Corpus[Example]], setting: Setting) -> None:
    for source in job.sources:
        trained = load(job.train_task, source, "train", setting.root)
        for corpus in tested:
            check_disjoint(trained, corpus)


def _record(one: Keyed, target: str, scores: scoring.Scores, n: int, groups: int, files: tuple[str, ...]) -> CellRecord:
    job = one.job
    data, key = one.cells[target]
    return CellRecord(
        cell_key=key,
        predict_key=one.predict_key,
        train_key=one.train_key,
        suite=job.suite,
        task=job.task.name,
        task_version=job.task.version,
        model=job.model.name,
        strategy=job.strategy,
        sources=job.sources,
        target=target,
        seed=job.seed,
        shots=job.shots,
        size=job.size,
        limit=job.limit,
        scores=scores,
        main_metric=next(iter(scores)),
        n=n,
        groups=groups,
        data=data,
        files=files,
        provenance=job.task.provenance.value,
        touches=STRATEGIES[job.strategy].touches,
    )


def _write_job(one: Keyed, setting: Setting, progress: Progress) -> None:
    job, store = one.job, setting.store
    before = store.read_job(job.task.name, one.predict_key)
    done = {target for target in job.targets if store.read_cell(job.task.name, one.predict_key, target)}
    if before:
        done |= set(before.targets)
        # a resumed job took the time of both runs
        progress.timings = {
            phase: progress.timings.get(phase, 0.0) + before.timings.get(phase, 0.0)
            for phase in before.timings.keys() | progress.timings.keys()
        }
    content = keys.train_content(job, setting.root, one.identity)
    store.write_job(
        JobRecord(
            train_key=one.train_key,
            predict_key=one.predict_key,
            task=job.task.name,
            model=dataclasses.asdict(job.model),
            strategy=job.strategy,
            sources=job.sources,
            targets=tuple(sorted(done)),
            seed=job.seed,
            training=dataclasses.asdict(STRATEGIES[job.strategy].training(job)),
            versions=_versions(),
            timings=progress.timings,
            tokens=progress.tokens or (before.tokens if before else {}),
            backend=model_of(job, setting.root, setting.cache).backend,
            checkpoint=job.model.checkpoint or None,
            status="done" if done >= set(job.targets) else "partial",
            host=platform.node(),
            curves=[{"name": point.name, "step": point.step, "value": point.value} for point in progress.curves]
            or (before.curves if before else []),
            spec={"train": content, "predict": keys.predict_content(job, one.train_key)},
        )
    )


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), "harness": version("multilingual-harness")} | {
        package: version(package) for package in PACKAGES
    }


_models: dict[str, Model] = {}


def model_of(job: Job, root: Path | None, cache: Path) -> Model:
    """The job's model, one instance a process, so that base weights load once for all jobs that share them."""
    spec: ModelSpec = job.model
    name = keys.digest([dataclasses.asdict(spec), str(cache), str(root)])
    if name not in _models:
        pretraining: dict[str, Corpus[Example]] = {}
        if job.pretraining is not None:
            task = job.pretraining
            pretraining = {language: load(task, language, "train", root) for language in task.languages}
        _models[name] = MODELS[spec.family](spec, cache, pretraining)
    return _models[name]
