from __future__ import annotations

import math

import numpy as np
import pytest

from harness.distances import representation as r
from harness.distances.base import DISTANCES, Context, at_layer, distances
from harness.errors import DataError, HarnessError, NotApplicableError
from tests.distances.conftest import one

NAMES = [
    "centroid_cosine", "linear_cka", "mean_cosine", "parallel_margin", "neuron_correlation", "retrieval_accuracy",
]  # fmt: skip


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 8)) + 1
    return x, x + 0.5 * rng.normal(size=x.shape)


def test_cka_against_the_definition_by_kernels(pair):
    x, y = pair
    n = len(x)
    centre = np.eye(n) - np.ones((n, n)) / n

    def hsic(a, b):
        return np.trace(a @ a.T @ centre @ b @ b.T @ centre) / (n - 1) ** 2

    assert r.linear_cka(x, y) == pytest.approx(hsic(x, y) / math.sqrt(hsic(x, x) * hsic(y, y)))


def test_cka_ignores_rotation_and_scale_and_neuron_correlation_does_not(pair):
    x, _ = pair
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(8, 8)))[0]
    assert r.linear_cka(x, 3 * x @ turn + 5) == pytest.approx(1)
    assert r.neuron_correlation(x, 3 * x + 5) == pytest.approx(1)
    assert r.neuron_correlation(x, x @ turn) < 0.9


def test_neuron_correlation_against_numpy(pair):
    x, y = pair
    expected = np.mean([np.corrcoef(x[:, i], y[:, i])[0, 1] for i in range(8)])
    assert r.neuron_correlation(x, y) == pytest.approx(expected)
    x[:, 0] = 1.0  # a constant dimension has no correlation
    assert r.neuron_correlation(x, y) == pytest.approx(
        np.mean([np.corrcoef(x[:, i], y[:, i])[0, 1] for i in range(1, 8)])
    )


def test_margin_against_a_loop(pair):
    x, y = pair
    cosines = np.array([[a @ b / np.linalg.norm(a) / np.linalg.norm(b) for b in y] for a in x])
    own = np.diag(cosines).mean()
    others = cosines[~np.eye(len(x), dtype=bool)].mean()
    assert r.mean_cosine(x, y) == pytest.approx(own)
    assert r.parallel_margin(x, y) == pytest.approx(own - others)


def test_a_common_direction_raises_the_mean_cosine_and_not_the_margin():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(200, 16)), rng.normal(size=(200, 16))
    cone = np.full(16, 10.0)
    assert r.mean_cosine(x + cone, y + cone) > 0.9
    assert abs(r.parallel_margin(x + cone, y + cone)) < 0.01


def test_retrieval_counts_no_ties():
    x = np.eye(3)
    assert r.retrieval_accuracy(x, x) == 1
    assert r.retrieval_accuracy(x, x[[1, 0, 2]]) == pytest.approx(1 / 3)
    assert r.retrieval_accuracy(x, np.ones((3, 3))) == 0


def test_retrieval_against_a_loop(pair):
    x, y = pair
    cosines = np.array([[a @ b / np.linalg.norm(a) / np.linalg.norm(b) for b in y] for a in x])
    hits = [all(row[i] > score for j, score in enumerate(row) if j != i) for i, row in enumerate(cosines)]
    assert 0 < np.mean(hits) < 1
    assert r.retrieval_accuracy(x, y) == np.mean(hits)


@pytest.mark.parametrize("name", NAMES)
def test_translations_are_near_and_unrelated_sentences_far(name, pair):
    x, y = pair
    rng = np.random.default_rng(2)
    context = Context(embeddings={"eng": x, "deu": y, "fin": -x[rng.permutation(len(x))]})
    near, far = one(name, "eng", "deu", context), one(name, "eng", "fin", context)
    assert near["value"] < far["value"]
    assert near["shared"] == 40
    if name != "retrieval_accuracy":
        assert near["value"] == pytest.approx(one(name, "deu", "eng", context)["value"])
    assert math.isnan(one(name, "eng", "jpn", context)["value"])


def test_layers_are_told_apart(pair):
    x, y = pair
    context = Context(layers={3: {"eng": x, "deu": x}, 7: {"eng": x, "deu": y}})
    wanted = [at_layer(DISTANCES["linear_cka"], layer) for layer in ("3", "7")]
    by_name = distances(wanted, ["eng", "deu"], context).groupby("distance")["value"].first()
    assert by_name["linear_cka@3"] == pytest.approx(0)
    assert by_name["linear_cka@7"] == pytest.approx(1 - r.linear_cka(x, y))


def test_bad_embeddings_are_answered(pair):
    x, y = pair
    with pytest.raises(NotApplicableError, match="embeddings"):
        one("linear_cka", "eng", "deu")
    with pytest.raises(DataError, match=r"\(39, 8\).*translations"):
        one("linear_cka", "eng", "deu", Context(embeddings={"eng": x, "deu": y[:-1]}))
    with pytest.raises(DataError, match="embeddings of deu hold values that are not finite"):
        one("linear_cka", "eng", "deu", Context(embeddings={"eng": x, "deu": y * np.nan}))
    with pytest.raises(DataError, match="two parallel sentences or more"):
        one("linear_cka", "eng", "deu", Context(embeddings={"eng": x[:1], "deu": y[:1]}))
    assert math.isnan(one("linear_cka", "eng", "deu", Context(embeddings={"eng": x * 0, "deu": y}))["value"])


@pytest.mark.parametrize(
    ("name", "layer", "why"),
    [("syntactic", "3", "computed without embeddings"), ("linear_cka", "six", "by its number, as in @6")],
)
def test_what_is_no_layer_is_refused(name, layer, why):
    with pytest.raises(HarnessError, match=why):
        at_layer(DISTANCES[name], layer)
