"""Amounts of data as distances: from a to b it is the nearer, the more there is to learn from; always logarithms."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from harness.distances.base import Context, Distance, Kind, Need, by_pair, frame, register
from harness.errors import NotApplicableError


def train_size(source: float, target: float) -> float:  # noqa: ARG001
    """Minus the logarithm of the source's training examples."""
    return -math.log10(source)


def size_ratio(source: float, target: float) -> float:
    """Logarithm of the target's training examples per example of the source: LangRank's ratio upside down."""
    return math.log10(target / source)


def pretraining_source(source: float, target: float) -> float:  # noqa: ARG001
    """Minus the logarithm of the source's pretraining data, one added: a language that was never seen is at 0."""
    return -math.log10(1 + source)


def pretraining_target(source: float, target: float) -> float:  # noqa: ARG001
    """Minus the logarithm of the target's pretraining data, one added."""
    return -math.log10(1 + target)


def _sizes(codes: Sequence[str], context: Context) -> dict[str, float]:
    """Training examples; NaN where there are none, as of most targets."""
    if not context.sizes:
        raise NotApplicableError("distances by training size need the training data of a task")
    return {code: context.sizes.get(code) or math.nan for code in codes}


def _pretraining(codes: Sequence[str], context: Context) -> dict[str, float]:
    if not context.pretraining:
        raise NotApplicableError("distances by pretraining size need a model that says what it was pretrained on")
    return {code: context.pretraining.get(code, 0.0) for code in codes}


def _distance(
    value: Callable[[float, float], float], amounts: Callable[[Sequence[str], Context], Mapping[str, float]], need: Need
) -> Distance:
    def compute(codes: Sequence[str], context: Context) -> pd.DataFrame:
        return frame(codes, by_pair(codes, amounts(codes, context), value))

    return Distance(value.__name__, Kind.DATA, "1", False, compute, needs=frozenset({need}))


register(
    _distance(train_size, _sizes, Need.SIZES),
    _distance(size_ratio, _sizes, Need.SIZES),
    _distance(pretraining_source, _pretraining, Need.PRETRAINING),
    _distance(pretraining_target, _pretraining, Need.PRETRAINING),
)
