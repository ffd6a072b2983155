"""Linear classifiers over sparse rows: trained by stochastic gradient descent, kept as plain arrays."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import SGDClassifier

from harness.errors import HarnessError
from harness.models.base import Curve
from harness.models.lexical_features import Matrix
from harness.spec import Training

WEIGHTS, ABOUT = "weights.npz", "lexical.json"


@dataclass(frozen=True, slots=True)
class Linear:
    """Weights, (classes, columns), and what is added, (classes,); of two classes the second alone has a row."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    @classmethod
    def zero(cls, classes: int, columns: int) -> Linear:
        """A classifier that has learned nothing."""
        outputs = classes if classes > 2 else 1
        return cls(np.zeros((outputs, columns), np.float32), np.zeros(outputs, np.float32))

    def scores(self, matrix: Matrix) -> NDArray[np.float32]:
        """Of each row, (rows, outputs)."""
        found: NDArray[np.float32] = matrix @ self.weights.T + self.bias
        return found

    def best(self, matrix: Matrix) -> NDArray[np.int64]:
        """The class of each row."""
        scores = self.scores(matrix)
        found: NDArray[np.int64] = scores.argmax(axis=1) if len(self.bias) > 1 else (scores[:, 0] > 0).astype(np.int64)
        return found


def fit(
    start: Linear,
    matrix: Matrix,
    classes: NDArray[np.int64],
    training: Training,
    examples: int,
    rng: np.random.Generator,
    dev: Callable[[Linear], float] | None,
) -> tuple[Linear, list[Curve]]:
    """Logistic regression, each class against the others, one row at a time in random order.

    The learning rate falls from pass to pass, in a straight line to zero. A batch size turns steps into examples.

    Args:
        classes: of each row, (rows,).
        examples: how many examples the rows are made of; a tagged sentence has a row a word.
        dev: higher is better; asked after each pass, and the best weights are returned. None returns the last.
    """
    outputs = len(start.bias)
    model = SGDClassifier(
        loss="log_loss",
        alpha=training.weight_decay,
        learning_rate="constant",
        eta0=training.learning_rate,
        shuffle=False,
    )
    # what `partial_fit` leaves behind, so that it goes on from here
    model.classes_ = np.arange(max(outputs, 2))
    model.coef_, model.intercept_, model.n_features_in_ = start.weights.copy(), start.bias.copy(), matrix.shape[1]

    passes = training.epochs if training.steps is None else training.steps * training.batch_size / examples
    total = round((passes or 0) * len(classes))
    best, curve, done, turn = (-1.0, start), [], 0, 0
    while done < total:
        order = rng.permutation(len(classes))[: total - done]
        model.set_params(eta0=training.learning_rate * (1 - done / total))
        model.partial_fit(matrix[order], classes[order])
        done, turn = done + len(order), turn + 1
        if dev is not None:
            now = Linear(model.coef_.copy(), model.intercept_.astype(np.float32))
            curve.append(Curve("dev", turn, dev(now)))
            best = max(best, (curve[-1].value, now), key=lambda pair: pair[0])  # of equals the earlier
    if dev is not None:
        return best[1], curve
    return Linear(model.coef_, model.intercept_.astype(np.float32)), curve


def save(linear: Linear, about: Mapping[str, object], folder: Path) -> None:
    """Leave weights and a description of them in a folder, as plain arrays and JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / WEIGHTS, weights=linear.weights, bias=linear.bias)
    (folder / ABOUT).write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")


def load(folder: Path) -> tuple[Linear, dict[str, object]]:
    """The weights of a folder, and what was said about them.

    Raises:
        HarnessError: the files are missing or damaged.
    """
    try:
        with np.load(folder / WEIGHTS, allow_pickle=False) as arrays:
            linear = Linear(arrays["weights"], arrays["bias"])
        about: dict[str, object] = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise HarnessError(f"{folder}: no lexical model there ({error}); delete the folder to train again") from error
    return linear, about
