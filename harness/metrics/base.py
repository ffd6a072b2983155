"""A metric is a matrix and a formula: count each example once, then score any sum of the counts.

The formula works over the last axis, so the same lines score a corpus, every language, every group and a thousand
bootstrap replicates (``weights @ counts``). What is no function of sums, as a correlation of ranks, is a
``WholeMetric``: it has counts too, and needs all their rows at once.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.registry import Registry

Counts = NDArray[np.float64]

SIGNED = (-1.0, 1.0)
"""The range of correlations and of differences."""

FACTS = ("labels", "language")  # what a task tells a metric that asks for it; no settings
LARGEST = 1e100  # whose square is still a number
ROUNDED = 1e-9  # what a sum of weights may be beside a range


@dataclass(frozen=True, slots=True)
class _Counted:
    """What every metric has: a signature, how to count one example, and between what its scores lie."""

    signature: str
    columns: tuple[str, ...]
    count: Callable[[Sequence[Any], Sequence[Any]], Counts]
    score: Callable[[Counts], NDArray[np.float64]]
    range: tuple[float, float] = field(default=(0.0, 1.0), kw_only=True)

    @property
    def name(self) -> str:
        """The signature without its settings."""
        return self.signature.split("|", 1)[0]

    def apart(self, *scores: float) -> float:
        """How far two scores can lie apart; infinitely, where one of these is beyond a range that nobody said."""
        low, high = self.range
        return high - low if all(low - ROUNDED <= score <= high + ROUNDED for score in scores) else inf


@dataclass(frozen=True, slots=True)
class Metric(_Counted):
    """How to count one example and how to score sums of counts.

    Attributes:
        signature: name and settings, ``name|setting:value|...`` with settings in alphabetical order; it stands
            in every record and decides, with the counts, what the number means.
        columns: names of the counts, one per column.
        range: the lowest and the highest score that there can be: intervals end there.
        count: ``(gold, predicted) -> (examples, columns)``; one row an example, in order.
        score: ``(..., columns) -> (...)``, in the metric's native unit, never NaN; sums of no examples score 0.
    """

    def total(self, counts: Counts) -> float:
        """The score of all examples together, from their counts, (examples, columns)."""
        # laid out by columns, numpy adds in pairs; else row by row, which rounds far more where examples are many
        return float(self.score(np.ascontiguousarray(counts.T).sum(axis=1)))


@dataclass(frozen=True, slots=True)
class WholeMetric(_Counted):
    """How to count one example and how to score all rows of counts at once.

    Attributes:
        signature: as of a ``Metric``.
        columns: as of a ``Metric``.
        range: as of a ``Metric``.
        count: as of a ``Metric``.
        score: ``(..., examples, columns) -> (...)``, in the metric's native unit, never NaN; no examples score 0.
        repeated: the same for rows that count several times each or not at all, without copies of them: ``(examples,
            columns), (replicates, examples) -> (replicates,)``; None where it has no such formula.
    """

    repeated: Callable[[Counts, NDArray[np.uint8]], NDArray[np.float64]] | None = None

    def total(self, counts: Counts) -> float:
        """The score of all examples together, from their counts, (examples, columns)."""
        return float(self.score(counts))


AnyMetric = Metric | WholeMetric
MetricFactory = Callable[..., AnyMetric]
METRICS: Registry[MetricFactory] = Registry("metric", "harness.metrics")


def parse_signature(signature: str) -> tuple[str, dict[str, str]]:
    """Name and settings of ``name|key:value|flag``; a bare flag means ``flag: "yes"``.

    Raises:
        HarnessError: a setting stands twice.
    """
    name, *settings = signature.split("|")
    found: dict[str, str] = {}
    for key, colon, value in (setting.partition(":") for setting in settings):
        if key in found:
            raise HarnessError(f"metric signature {signature!r}: the setting {key!r} stands twice")
        found[key] = value if colon else "yes"
    return name, found


def metric(signature: str, *, labels: Sequence[str] = (), language: str = "") -> AnyMetric:
    """The metric that a signature names, as tasks and suites write it.

    Args:
        signature: name and settings.
        labels: of the task; a fact that metrics which count by label ask for.
        language: of the texts, canonical; a fact that metrics with rules by language ask for. Facts are no settings:
            they stand in no signature, and without them a metric still has its signature, but may refuse to count.

    Raises:
        HarnessError: the name is unknown (with the nearest known one), a setting does not fit, or the metric has no
            rules for the language.
    """
    name, settings = parse_signature(signature)
    factory = METRICS[name]
    asked = inspect.signature(factory).parameters
    facts = {fact: value for fact, value in zip(FACTS, (tuple(labels), language), strict=True) if fact in asked}
    try:
        return factory(**settings, **facts)
    except (TypeError, ValueError) as error:
        raise HarnessError(f"metric signature {signature!r}: {error}") from error


def evaluate(measure: AnyMetric, gold: Sequence[Any], predicted: Sequence[Any]) -> float:
    """The score of one list of predictions, in the metric's native unit."""
    return measure.total(measure.count(gold, predicted))


def check_paired(gold: Sequence[Any], predicted: Sequence[Any]) -> None:
    """Nothing, where each example has one prediction.

    Raises:
        HarnessError: there are not as many of the one as of the other.
    """
    if len(gold) != len(predicted):
        raise HarnessError(f"{len(predicted)} predictions for {len(gold)} examples: each example needs exactly one")


def paired(gold: Sequence[Any], predicted: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Each gold answer with its prediction.

    Raises:
        HarnessError: there are not as many of the one as of the other.
    """
    check_paired(gold, predicted)
    return zip(gold, predicted, strict=True)


def is_number(value: object) -> bool:
    """Whether something is a number that a sum has a place for: finite, and not above 1e100."""
    plain = value.item() if isinstance(value, np.generic) else value
    return isinstance(plain, float | int) and abs(plain) <= LARGEST


def cutoff(k: str) -> int:
    """The setting ``k`` of a metric: the number of ranks that count.

    Raises:
        ValueError: it is none above 0.
    """
    if not (k.isascii() and k.isdecimal() and int(k) > 0):
        raise ValueError(f"k is a number of ranks, 1 or more; got {k!r}")
    return int(k)


def ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Part over whole; 0 where there is nothing to divide by."""
    found: NDArray[np.float64] = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return found


def share(sums: Counts) -> NDArray[np.float64]:
    """The first column over the second, ``(..., 2) -> (...)``: the formula of every mean over examples."""
    part, whole = np.moveaxis(np.asarray(sums, dtype=np.float64), -1, 0)
    return ratio(part, whole)
