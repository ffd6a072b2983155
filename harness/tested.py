"""The test data of a job: of each target what is tested, and in a search what it is looked for among."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.data.examples import Corpus, Example
from harness.data.load import load
from harness.data.splits import check_disjoint, first_groups
from harness.errors import DataError
from harness.retrieval.base import CANDIDATES, Corpora, Side, of_side
from harness.spec import Job
from harness.strategies.base import STRATEGIES
from harness.tasktype import TASK_TYPES

Sides = dict[str, Corpora]
"""By target, the tested corpus first; in a search also the others, which may differ from target to target."""


def shared(job: Job, root: Path | None) -> Corpora:
    """What all targets of a search share; nothing where answers are predicted."""
    match = TASK_TYPES[job.task.type].match
    return tuple(_side(job, side, root) for side in match.pool(job.task, root)) if match else ()


def loaded(job: Job, targets: Sequence[str], pool: Corpora, root: Path | None) -> tuple[Sides, dict[str, DataError]]:
    """The test data of all targets that have usable data, and the reasons of the others.

    Args:
        pool: what they share.
    """
    match = TASK_TYPES[job.task.type].match
    sides: Sides = {}
    failed: dict[str, DataError] = {}
    for target in targets:
        try:
            wanted = match.sides(job.task, job.sources[0], target) if match else (Side(target),)
            found = tuple(_side(job, side, root) for side in wanted)
            found = match.own(job.task, found, pool) if match else found
            _refuse_leaks(job, found[0], root)
        except DataError as error:
            failed[target] = error
        else:
            sides[target] = found
    return sides, failed


def dev(job: Job, root: Path | None) -> Corpora:
    """What one of the epochs is selected by: the sources' dev sets, or the target's."""
    select = STRATEGIES[job.strategy].training(job).select
    if select == "source_dev":
        return tuple(_limited(load(job.train_task, source, "dev", root), job) for source in job.sources)
    if select == "target_dev":
        return tuple(_limited(load(job.task, target, "dev", root), job) for target in job.targets)
    return ()


def _side(job: Job, side: Side, root: Path | None) -> Corpus[Example]:
    corpus = load(of_side(job.task, side), side.language, side.split, root, side.beside)
    # a first part of candidates that belong to no language would hold hardly any answer
    return corpus if side.language == CANDIDATES else _limited(corpus, job)


def _limited(corpus: Corpus[Example], job: Job) -> Corpus[Example]:
    return corpus if job.limit is None else first_groups(corpus, job.limit)


def _refuse_leaks(job: Job, tested: Corpus[Example], root: Path | None) -> None:
    """Raises DataError if anything that the weights were made or chosen by is tested on."""
    if not job.trained:
        return
    touched = () if STRATEGIES[job.strategy].touches == "none" else job.targets
    for language in (*job.sources, *touched):
        check_disjoint(load(job.train_task, language, "train", root), tested)
    for corpus in dev(job, root):
        check_disjoint(corpus, tested)
