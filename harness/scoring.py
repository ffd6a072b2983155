"""Predictions turned into numbers: counts per example, a score with its interval per metric signature."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.data.examples import Corpus, Example
from harness.metrics.base import AnyMetric, metric
from harness.metrics.tags import coded
from harness.spec import TaskSpec
from harness.stats.bootstrap import intervals
from harness.storage.records import Score
from harness.tasktype import TASK_TYPES

if TYPE_CHECKING:
    import pandas as pd

Scores = dict[str, Score]


def metrics_of(task: TaskSpec, language: str) -> tuple[AnyMetric, ...]:
    """The metrics that a task reports in a language, the main one first; those of its type where it names none.

    The first span F1 over tags with prefixes is followed, at the end, by those of each of the task's labels.
    """
    named = task.metrics or TASK_TYPES[task.type].metrics
    found = {one.signature: one for one in (_metric(signature, task, language) for signature in named)}
    overall = next(
        (it for it in found if it.startswith("span_f1|") and "scheme:raw" not in it and "type:" not in it), ""
    )
    each = (_metric(f"{overall}|type:{label}", task, language) for label in task.labels if overall)
    return tuple({**found, **{one.signature: one for one in each}}.values())


def _metric(signature: str, task: TaskSpec, language: str) -> AnyMetric:
    return metric(signature, labels=task.labels, language=language)


def signatures(task: TaskSpec) -> tuple[str, ...]:
    """The full signatures of a task's metrics, the main one first; they are the same in every language."""
    return tuple(one.signature for one in metrics_of(task, ""))


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
        corpus.language,
        [example.id for example in corpus],
        [example.group for example in corpus],
        gold,
        predictions,
    )


def recount(
    task: TaskSpec,
    language: str,
    ids: Sequence[str],
    groups: Sequence[str],
    gold: Sequence[Any],
    predictions: Sequence[Any],
) -> tuple[Scores, pd.DataFrame]:
    """As ``score``, from the language and the ids, groups, gold answers and predictions as they were stored."""
    import pandas as pd

    scores: Scores = {}
    columns: dict[str, Any] = {
        "example_id": list(ids),
        "group_id": list(groups),
        "gold": [json.dumps(answer, ensure_ascii=False) for answer in gold],
        "prediction": [json.dumps(answer, ensure_ascii=False) for answer in predictions],
    }
    measures = metrics_of(task, language)
    if any(one.name == "span_f1" for one in measures):
        gold, predictions = coded(gold, predictions)  # once for the spans of all labels
    tables = [one.count(gold, predictions) for one in measures]
    for one, counts, bounds in zip(measures, tables, intervals(tables, groups, measures), strict=True):
        low, high = bounds if bounds is not None else (None, None)
        scores[one.signature] = Score(score=one.total(counts), low=low, high=high)
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
