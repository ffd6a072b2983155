"""The three nested keys: what changes the weights, what changes the predictions, what changes the number.

They are digests of content, not of configuration: a batch size of evaluation, a device or a folder's name is in none.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.data.load import fingerprint
from harness.spec import Job, ModelSpec, TaskSpec
from harness.strategies.base import STRATEGIES, selections

# What a family computes is part of its name: raised when equal inputs give other numbers than before.
VERSIONS = {"majority": 1, "chance": 1, "lexical": 1, "tiny": 2, "encoder": 2, "predictions": 1}
LENGTH = 12  # characters of a key; within one task, a million keys collide with a chance of 0.2 %


def digest(content: object) -> str:
    """The key of any plain content: the first characters of the sha256 of its canonical JSON."""
    return _short(_canonical(content))


def _canonical(content: object) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=False, default=list)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]


def train_content(job: Job, root: Path | None, identity: Mapping[str, object]) -> dict[str, Any]:
    """All that changes the weights.

    Args:
        identity: what the model says of its checkpoint (revision or sha256); empty for models without one.
    """
    content: dict[str, Any] = {
        "model": _model(job.model),
        "version": VERSIONS.get(job.model.family, 1),
        "identity": dict(identity),
        "pretraining": _pretraining(job, root),
    }
    if not job.trained:
        return content  # nothing is drawn, so no seed
    strategy = STRATEGIES[job.strategy]
    languages = job.sources if strategy.touches == "none" else (*job.sources, *job.targets)
    data = {f"{language}/train": fingerprint(job.train_task, language, "train", root) for language in languages}
    for by, task, several in (("source_dev", job.train_task, job.sources), ("target_dev", job.task, job.targets)):
        if by in selections(job):
            data |= {f"{language}/dev": fingerprint(task, language, "dev", root) for language in several}
    return content | {
        "type": job.train_task.type,
        "strategy": job.strategy,
        "seed": job.seed,
        "sources": job.sources,
        "data": data,
        "size": job.size,
        "balance": job.balance if len(job.sources) > 1 else None,
        "limit": job.limit,
        "shots": job.shots,
        "training": dataclasses.asdict(job.training),
        "few_shot": dataclasses.asdict(job.few_shot) if job.few_shot else None,
    }


def train_key(job: Job, root: Path | None, identity: Mapping[str, object]) -> str:
    """The key of the weights; tasks that train alike share it, and so the checkpoint."""
    return digest(train_content(job, root, identity))


def predict_content(job: Job, train: str) -> dict[str, Any]:
    """All that changes a prediction on any one target: the weights and how the task's test items are read.

    The data of each target is not here but in its cell: a new language must not make the old ones stale.
    """
    task = job.task
    return {
        "train_key": train,
        "task": task.name,
        "type": task.type,
        "labels": task.labels,
        "sources": job.sources,
        "limit": job.limit,
    }


def predict_key(job: Job, train: str) -> str:
    """The key of a job's predictions: the folder that its cells lie in."""
    return digest(predict_content(job, train))


def cell_key(predict: str, data: str, task: TaskSpec, signatures: tuple[str, ...]) -> str:
    """The key of a number: predictions, the target's data, the task's version and the metrics' signatures."""
    return digest({"predict_key": predict, "data": data, "version": task.version, "metrics": signatures})


def cell_keys(predict: str, data: Mapping[str, str], task: TaskSpec, signatures: tuple[str, ...]) -> dict[str, str]:
    """By target, what ``cell_key`` gives for its data; what all of them share is written once."""
    shared = _canonical({"predict_key": predict, "version": task.version, "metrics": signatures})
    # "data" is the first of the sorted names
    return {target: _short(f'{{"data": {_canonical(one)}, {shared[1:]}') for target, one in data.items()}


def _model(spec: ModelSpec) -> dict[str, Any]:
    content = dataclasses.asdict(spec)
    # the name is a label, the seen languages are knowledge about it, what it needs changes no number, and the training
    # numbers have a place of their own
    for field in ("name", "seen", "resources", "training", "checkpoint", "revision"):
        del content[field]
    return content


def _pretraining(job: Job, root: Path | None) -> dict[str, str]:
    if job.pretraining is None:
        return {}
    return {language: fingerprint(job.pretraining, language, "train", root) for language in job.pretraining.languages}
