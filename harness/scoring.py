"""Predictions turned into numbers: counts per example, a score with its interval per metric signature."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.data.examples import Corpus, Example
from harness.metrics.base import Metric, metric
from harness.records import Score
from harness.spec import TaskSpec
from harness.stats.bootstrap import interval
from harness.tasktype import TASK_TYPES

if TYPE_CHECKING:
    import pandas as pd

Scores = dict[str, Score]


def metrics_of(task: TaskSpec) -> tuple[Metric, ...]:
    """The metrics that a task reports, the main one first; those of its type where it names none."""
    return tuple(metric(signature) for signature in task.metrics or TASK_TYPES[task.type].metrics)


def signatures(task: TaskSpec) -> tuple[str, ...]:
    """The full signatures of a task's metrics, the main one first."""
    return tuple(one.signature for one in metrics_of(task))


def score(task: TaskSpec, corpus: Corpus[Example], predictions: Sequence[Any]) -> tuple[Scores, pd.DataFrame]:
    """Scores per signature with their 95 % intervals, and the table of what they were made of.

    Returns:
        ``{signature: {score, low, high}}`` in native units, the interval None where there are fewer than two groups;
        and a frame of one row an example: example_id, group_id, gold, prediction (JSON), then one column a count,
        named ``signature::column``.

    Raises:
        HarnessError: the predictions do not fit the examples.
    """
    gold = [TASK_TYPES[task.type].gold(example) for example in corpus]
    return recount(
        task,
        [example.id for example in corpus],
        [example.group for example in corpus],
        gold,
        predictions,
    )


def recount(
    task: TaskSpec, ids: Sequence[str], groups: Sequence[str], gold: Sequence[Any], predictions: Sequence[Any]
) -> tuple[Scores, pd.DataFrame]:
    """As ``score``, from ids, groups, gold answers and predictions as they were stored."""
    import pandas as pd

    scores: Scores = {}
    columns: dict[str, Any] = {
        "example_id": list(ids),
        "group_id": list(groups),
        "gold": [json.dumps(answer, ensure_ascii=False) for answer in gold],
        "prediction": [json.dumps(answer, ensure_ascii=False) for answer in predictions],
    }
    for one in metrics_of(task):
        counts = one.count(gold, predictions)
        bounds = interval(counts, groups, one.score)
        low, high = bounds if bounds is not None else (None, None)
        scores[one.signature] = Score(score=float(one.score(counts.sum(axis=0))), low=low, high=high)
        columns |= {
            f"{one.signature}::{name}": np.ascontiguousarray(counts[:, i]) for i, name in enumerate(one.columns)
        }
    return scores, pd.DataFrame(columns)


def stored(table: pd.DataFrame) -> tuple[list[str], list[str], list[Any], list[Any]]:
    """Ids, groups, gold answers and predictions of a stored table, as ``recount`` takes them."""
    return (
        table["example_id"].tolist(),
        table["group_id"].tolist(),
        [_untuple(json.loads(answer)) for answer in table["gold"]],
        [_untuple(json.loads(answer)) for answer in table["prediction"]],
    )


def _untuple(answer: Any) -> Any:
    return tuple(answer) if isinstance(answer, list) else answer
