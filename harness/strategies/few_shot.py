"""Few-shot transfer: from the zero-shot checkpoint of the same sources and seed, fixed steps on k target examples."""

from __future__ import annotations

from dataclasses import replace

from harness.data.examples import Corpus, Example
from harness.data.splits import first_groups, sample
from harness.spec import Job, Training
from harness.strategies.base import STRATEGIES, Load, Strategy


def split(job: Job) -> tuple[Job, ...]:
    """One job a target: each has its own k examples, so its own weights."""
    return tuple(replace(job, targets=(target,)) for target in job.targets if target not in job.sources)


def bases(job: Job) -> tuple[Job, ...]:
    """The job without target labels: the same sources, the same seed."""
    strategy = "zero_shot" if len(job.sources) == 1 else "multi_source"
    return (replace(job, strategy=strategy, shots=0, few_shot=None),)


def corpora(job: Job, load: Load) -> tuple[Corpus[Example], ...]:
    """Some (k) examples of the target's training split; the same items in every language of a parallel set."""
    (target,) = job.targets
    corpus = load(job.train_task, target, "train")
    if job.limit is not None:
        corpus = first_groups(corpus, job.limit)
    return (sample(corpus, job.shots, job.seed),)


def training(job: Job) -> Training:
    """The strategy's own numbers: fixed steps, since there is no target dev to stop by."""
    assert job.few_shot is not None
    return job.few_shot


STRATEGIES.add("few_shot")(
    Strategy(
        touches="k",
        corpora=corpora,
        needs=frozenset({"continuing_model", "target_train"}),
        split=split,
        bases=bases,
        training=training,
    )
)
