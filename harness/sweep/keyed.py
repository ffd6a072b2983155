"""Jobs with their keys, and what of them the store does not hold yet."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness import scoring
from harness.data.examples import Corpus, Example
from harness.data.load import fingerprint, load
from harness.models.base import MODELS, Model
from harness.retrieval.base import of_side
from harness.spec import Job
from harness.storage.store import Store
from harness.sweep import keys, lacking
from harness.sweep.lacking import Wanted
from harness.tasktype import TASK_TYPES


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
    data = {target: data_of(job, target, root) for target in job.targets}
    cells = keys.cell_keys(predict, data, job.task, signatures)
    return Keyed(job, identity, train, predict, {target: (data[target], cells[target]) for target in job.targets})


def data_of(job: Job, target: str, root: Path | None) -> str:
    """What the number on a target depends on: its test items, and where neighbours are looked for, all that is."""
    found = TASK_TYPES[job.task.type].match
    if found is None:
        return fingerprint(job.task, target, "test", root)
    (source,) = job.sources
    sides = (*found.sides(job.task, source, target), *found.pool(job.task, root))
    return keys.digest([fingerprint(of_side(job.task, s), s.language, s.split, root, s.beside) for s in sides])


def wanted(one: Keyed) -> Wanted:
    """What the store must hold of a job."""
    return Wanted(one.job.task.name, one.predict_key, {target: key for target, (_, key) in one.cells.items()})


def missing(one: Keyed, store: Store) -> tuple[str, ...]:
    """Targets without a record of exactly this number."""
    return lacking.missing(wanted(one), store)


def done(one: Keyed, store: Store) -> bool:
    """Whether the store holds everything of a job: its cells, and its own record."""
    return not missing(one, store) and store.read_job(one.job.task.name, one.predict_key) is not None


_models: dict[str, Model] = {}


def model_of(job: Job, root: Path | None, cache: Path) -> Model:
    """The job's model, one instance a process, so that base weights load once for all jobs that share them."""
    spec = job.model
    name = keys.digest([dataclasses.asdict(spec), str(cache), str(root)])
    if name not in _models:
        pretraining: dict[str, Corpus[Example]] = {}
        if job.pretraining is not None:
            task = job.pretraining
            pretraining = {language: load(task, language, "train", root) for language in task.languages}
        _models[name] = MODELS[spec.family](spec, cache, pretraining)
    return _models[name]
