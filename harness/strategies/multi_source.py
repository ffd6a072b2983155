"""Joint training on several source languages, balanced, with the budget that a single source would have."""

from __future__ import annotations

from harness.data.examples import Corpus, Example
from harness.data.splits import first_groups, sample
from harness.spec import Job
from harness.strategies.base import STRATEGIES, Load, Strategy


def corpora(job: Job, load: Load) -> tuple[Corpus[Example], ...]:
    """The sources' training splits, balanced.

    With ``balance=shared`` they have together what one source has (the smallest of them, or ``size``), so that a row
    of several sources and a row of one differ in their languages and not in their amount; of a parallel set, every
    source brings other items. With ``balance=each`` every source brings as much as one would.

    Raises:
        DataError: a source has fewer examples than its share.
    """
    loaded = [load(job.train_task, source, "train") for source in job.sources]
    if job.limit is not None:
        loaded = [first_groups(corpus, job.limit) for corpus in loaded]
    budget = job.size if job.size is not None else min(map(len, loaded))
    if job.balance == "each":
        return tuple(sample(corpus, budget, job.seed) for corpus in loaded)
    # the first sources, in alphabetical order, take what does not divide evenly
    shares = [budget // len(loaded) + (i < budget % len(loaded)) for i in range(len(loaded))]
    starts = [sum(shares[:i]) for i in range(len(loaded))]
    return tuple(
        sample(corpus, share, job.seed, skip) for corpus, share, skip in zip(loaded, shares, starts, strict=True)
    )


STRATEGIES.add("multi_source")(Strategy(touches="none", corpora=corpora, needs=frozenset({"several_sources"})))
