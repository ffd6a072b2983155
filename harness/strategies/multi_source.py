"""Joint training on several source languages, balanced, with the budget that a single source would have."""

from __future__ import annotations

from harness.data.examples import Corpus, Example
from harness.data.splits import first_groups, sample
from harness.spec import Job
from harness.strategies.base import STRATEGIES, Load, Strategy


def corpora(job: Job, load: Load) -> tuple[Corpus[Example], ...]:
    """The sources' training splits with equal numbers of examples.

    With ``balance=shared`` they have together what one source has (the smallest of them, or ``size``), so that a row
    of several sources and a row of one differ in their languages and not in their amount; with ``balance=each`` every
    source brings that many.
    """
    loaded = [load(job.train_task, source, "train") for source in job.sources]
    if job.limit is not None:
        loaded = [first_groups(corpus, job.limit) for corpus in loaded]
    budget = min(map(len, loaded))
    if job.size is not None:
        budget = min(budget, job.size)
    if job.balance == "each":
        shares = [budget] * len(loaded)
    else:
        # the first sources, in alphabetical order, take what does not divide evenly
        shares = [budget // len(loaded) + (i < budget % len(loaded)) for i in range(len(loaded))]
    return tuple(sample(corpus, share, job.seed) for corpus, share in zip(loaded, shares, strict=True))


STRATEGIES.add("multi_source")(Strategy(touches="none", corpora=corpora, needs=frozenset({"several_sources"})))
