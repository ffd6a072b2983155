"""Rank consistency of a stored job: how much the rank of one query's answer differs from language to language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.data.files import paired
from harness.errors import HarnessError
from harness.metrics.language_bias import LONE
from harness.metrics.rank_variance import rank_variance
from harness.metrics.retrieval import check, ranks_of
from harness.spec import TaskSpec
from harness.stats.bootstrap import interval
from harness.storage.store import Store

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Consistency:
    """Mean rank variance over the queries that every language has.

    Attributes:
        variance: see ``harness.metrics.rank_variance``; 0 where all languages agree.
        low: of its 95 % interval, over groups of queries; None with fewer than two groups.
        high: its upper end.
        queries: how many there are in all languages.
        languages: that were compared, sorted.
    """

    variance: float
    low: float | None
    high: float | None
    queries: int
    languages: tuple[str, ...]


def of_job(
    store: Store, task: TaskSpec, predict_key: str, direction: str = "backward", similarity: str = "cosine"
) -> Consistency:
    """The consistency over all targets of a job; it belongs to the job, and so to no cell.

    Args:
        store: where the job's tables lie.
        task: of the job.
        predict_key: of the job.
        direction: ``backward``: the same sentence in many languages looks for its source; ``forward``: the source
            looks for it in many languages; ``pooled``: in all at once. Questions have one direction, and the rank of
            the first right answer.
        similarity: as for ``retrieval_accuracy``.

    Raises:
        HarnessError: the task's languages do not share their queries, fewer than two have results, or their
            predictions hold no such ranks.
    """
    if paired(task):
        raise HarnessError(
            f"task {task.name}: each language has other queries, and ranks of different queries cannot be compared; "
            f"take a set that is parallel in all languages, as ntrex"
        )
    targets = store.targets(task.name, predict_key)
    tables = {target: store.examples(task.name, predict_key, target) for target in targets}
    return across(tables, direction, similarity)


def across(tables: Mapping[str, pd.DataFrame], direction: str = "backward", similarity: str = "cosine") -> Consistency:
    """The consistency over tables of examples, by language, as the store has them.

    Raises:
        HarnessError: as ``of_job``.
    """
    if len(tables) < 2:
        raise HarnessError(f"ranks are compared between languages, and there are results in {len(tables)}")
    ranks = {language: _ranks(table, direction, similarity) for language, table in sorted(tables.items())}
    first = tables[min(tables)]
    groups = dict(zip(first["example_id"], first["group_id"], strict=True))
    shared = [id for id in groups if all(id in one for one in ranks.values())]
    if not shared:
        raise HarnessError(f"no query is in all of {', '.join(ranks)}: ranks of different queries cannot be compared")
    measure = rank_variance()
    counts = measure.count(shared, [[one[id] for one in ranks.values()] for id in shared])
    bounds = interval(counts, [groups[id] for id in shared], measure)
    low, high = bounds or (None, None)
    return Consistency(measure.total(counts), low, high, len(shared), tuple(ranks))


def _ranks(table: pd.DataFrame, direction: str, similarity: str) -> dict[str, float]:
    """By id, the rank of the query's answer, or of the first of its answers."""
    predictions: list[Any] = [json.loads(text) for text in table["prediction"]]
    if predictions and isinstance(predictions[0], Mapping) and LONE in predictions[0]:
        found = [float(min(prediction[LONE].values())) for prediction in predictions]
    else:
        try:
            check(direction, similarity)
        except ValueError as error:
            raise HarnessError(str(error)) from error
        found = ranks_of(predictions, direction, similarity).mean(axis=1).tolist()
    return dict(zip(table["example_id"], found, strict=True))
