"""Zero-shot transfer: train on one source language, look at no target label."""

from __future__ import annotations

from harness.data.examples import Corpus, Example
from harness.data.splits import first_groups, sample
from harness.spec import Job
from harness.strategies.base import STRATEGIES, Load, Strategy


def corpora(job: Job, load: Load) -> tuple[Corpus[Example], ...]:
    """The source's training split, cut to the job's limit and size."""
    (source,) = job.sources
    corpus = load(job.train_task, source, "train")
    if job.limit is not None:
        corpus = first_groups(corpus, job.limit)
    return (sample(corpus, job.size, job.seed) if job.size is not None else corpus,)


STRATEGIES.add("zero_shot")(Strategy(touches="none", corpora=corpora))
