"""A metric is a matrix and a formula: count each example once, then score any sum of the counts.

The formula works over the last axis, so the same lines score a corpus, every language, every group and a thousand
bootstrap replicates (``weights @ counts``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.registry import Registry

Counts = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Metric:
    """How to count one example and how to score sums of counts.

    Attributes:
        signature: name and settings, ``name|setting:value|...`` with settings in alphabetical order; it stands
            in every record and decides, with the counts, what the number means.
        columns: names of the counts, one per column.
        count: ``(gold, predicted) -> (examples, columns)``; one row an example, in order.
        score: ``(..., columns) -> (...)``, in the metric's native unit, never NaN; sums of no examples score 0.
    """

    signature: str
    columns: tuple[str, ...]
    count: Callable[[Sequence[Any], Sequence[Any]], Counts]
    score: Callable[[Counts], NDArray[np.float64]]

    @property
    def name(self) -> str:
        """The signature without its settings."""
        return self.signature.split("|", 1)[0]


MetricFactory = Callable[..., Metric]
METRICS: Registry[MetricFactory] = Registry("metric", "harness.metrics")


def parse_signature(signature: str) -> tuple[str, dict[str, str]]:
    """Name and settings of ``name|key:value|flag``; a bare flag means ``flag: "yes"``."""
    name, *settings = signature.split("|")
    pairs = (setting.partition(":") for setting in settings)
    return name, {key: value if colon else "yes" for key, colon, value in pairs}


def metric(signature: str) -> Metric:
    """The metric that a signature names, as tasks and suites write it.

    Raises:
        HarnessError: the name is unknown (with the nearest known one) or a setting does not fit.
    """
    name, settings = parse_signature(signature)
    try:
        return METRICS[name](**settings)
    except (TypeError, ValueError) as error:
        raise HarnessError(f"metric signature {signature!r}: {error}") from error


def evaluate(measure: Metric, gold: Sequence[Any], predicted: Sequence[Any]) -> float:
    """The score of one list of predictions, in the metric's native unit."""
    return float(measure.score(measure.count(gold, predicted).sum(axis=0)))
