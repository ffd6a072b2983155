"""Values of texts and scores of options by ridge regression: solved in one step, whatever the scale of the values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from harness.data.examples import Example, Options, Shape, ValuedText
from harness.models.lexical_features import Matrix
from harness.models.lexical_linear import Linear

SHAPES = frozenset({Shape.VALUE, Shape.OPTIONS})

PENALTY = 1.0
"""Of the squared weights, as much as that of one row's squared error; rows have a length of about 2."""


def pairs(examples: Sequence[Example]) -> list[tuple[str, str | None]]:
    """The texts of every row: of an example with a value, or of each of an example's options."""
    found: list[tuple[str, str | None]] = []
    for example in examples:
        if isinstance(example, Options):
            found += [(example.first, option) for option in example.options]
        else:
            found.append((cast("ValuedText", example).first, cast("ValuedText", example).second))
    return found


def wanted(examples: Sequence[Example]) -> NDArray[np.float64]:
    """What the rows should score: the value, or the option's share of the gains, less the mean over its example."""
    found: list[float] = []
    for example in examples:
        if isinstance(example, Options):
            mean = sum(example.shares) / len(example.shares)
            found += [share - mean for share in example.shares]
        else:
            found.append(cast("ValuedText", example).value)
    return np.asarray(found)


def fit(start: Linear, matrix: Matrix, values: NDArray[np.float64]) -> Linear:
    """The least squares of values and weights together, weights counted from those of the start."""
    missing = values - start.scores(matrix)[:, 0]
    found = Ridge(alpha=PENALTY, solver="sparse_cg", tol=1e-6).fit(matrix, missing)
    weights = (start.weights + found.coef_).astype(np.float32)
    return Linear(weights, (start.bias + found.intercept_).astype(np.float32))


def answers(linear: Linear, matrix: Matrix, examples: Sequence[Example]) -> list[float] | list[tuple[float, ...]]:
    """A value of each example, or a tuple of its options' scores."""
    scores = linear.scores(matrix)[:, 0]
    if not isinstance(examples[0], Options):
        return list(scores.tolist())
    ends = np.cumsum([len(cast("Options", example).options) for example in examples])
    return [tuple(part.tolist()) for part in np.split(scores, ends[:-1])]
