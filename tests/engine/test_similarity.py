"""Ranks by cosine, margin and CSLS, against full matrices in float64 and against faiss."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.engine import similarity
from harness.engine.similarity import SIMILARITIES, aligned_ranks

NAMES = ["cosine", "margin", "csls"]


def pairs(seed, n, width=16, noise=0.8):
    """Two sides that resemble each other; shifted, so that the mean cosines that a margin divides by are positive."""
    draw = np.random.default_rng(seed)
    meaning = draw.normal(size=(n, width)) + 0.7
    sides = [meaning + noise * draw.normal(size=(n, width)) for _ in range(2)]
    return [(side / np.linalg.norm(side, axis=1, keepdims=True)).astype(np.float32) for side in sides]


def by_hand(queries, candidates, name):
    """The scores of all pairs, from the definitions in the papers."""
    cosines = queries.astype(np.float64) @ candidates.astype(np.float64).T

    def near(matrix, k):
        return np.sort(matrix, axis=1)[:, -k:].mean(axis=1)

    if name == "margin":
        return cosines / ((near(cosines, 4)[:, None] + near(cosines.T, 4)[None]) / 2)
    if name == "csls":
        return 2 * cosines - near(cosines, 10)[:, None] - near(cosines.T, 10)[None]
    return cosines


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60), st.sampled_from([1, 50, 10**7]), st.sampled_from([1, 300, 10**6]))
def test_ranks_are_those_of_the_whole_matrix_however_it_is_cut(seed, n, room, cached):
    queries, candidates = pairs(seed, n)
    with patch.object(similarity, "CACHED", cached):
        found, nearest = aligned_ranks(queries, candidates, NAMES, room)
    for name in NAMES:
        scores = by_hand(queries, candidates, name)
        own = np.diag(scores)
        assert found[name][0].tolist() == (scores >= own[:, None]).sum(axis=1).tolist()
        assert found[name][1].tolist() == (scores >= own[None]).sum(axis=0).tolist()
    assert nearest.tolist() == by_hand(queries, candidates, "cosine").argmax(axis=1).tolist()


@given(st.integers(0, 10_000), st.integers(1, 20), st.integers(1, 60), st.sampled_from([1, 30, 10**6]))
def test_equals_rank_by_their_index(seed, n, room, cached):
    # rows of one-hot vectors: many equal ones, and cosines that floating point gives exactly
    draw = np.random.default_rng(seed)
    queries, candidates = (np.eye(4, dtype=np.float32)[draw.integers(0, 4, n)] for _ in range(2))
    scores = queries @ candidates.T
    with patch.object(similarity, "CACHED", cached):
        found, _ = aligned_ranks(queries, candidates, ["cosine"], room)
    for i in range(n):
        forward = [*sorted(range(n), key=lambda j, line=scores[i]: (-line[j], j))].index(i) + 1
        backward = [*sorted(range(n), key=lambda j, line=scores[:, i]: (-line[j], j))].index(i) + 1
        assert (found["cosine"][0][i], found["cosine"][1][i]) == (forward, backward)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("room", [1, 700, 10**7])
def test_equal_sentences_are_equally_near_whatever_their_place(name, room):
    queries, candidates = pairs(0, 40, width=96)
    # every sentence twice on both sides: the second copy stands behind the first, by their index alone
    found, _ = aligned_ranks(np.tile(queries, (2, 1)), np.tile(candidates, (2, 1)), [name], room)
    for ranks in found[name]:
        assert np.array_equal(ranks[40:], ranks[:40] + 1)
        assert (ranks[:40] % 2 == 1).all()


def test_one_vector_for_everything_ranks_by_index():
    same = np.full((5, 1), 1.0, dtype=np.float32)
    found, nearest = aligned_ranks(same, same, NAMES)
    for name in NAMES:
        assert found[name][0].tolist() == found[name][1].tolist() == [1, 2, 3, 4, 5]
    assert nearest.tolist() == [0] * 5


def test_margin_helps_where_a_hub_is_near_to_everything():
    # the third candidate is nearer to the first two queries than their translations, and as near to all
    cosines = np.array([[0.5, 0.1, 0.6], [0.1, 0.5, 0.6], [0.6, 0.6, 0.9]], dtype=np.float32)
    queries, candidates = np.eye(3, dtype=np.float32), cosines.T.copy()
    found, _ = aligned_ranks(queries, candidates, NAMES)
    assert found["cosine"][0].tolist() == [2, 2, 1]
    assert found["margin"][0].tolist() == found["csls"][0].tolist() == [1, 1, 1]


@pytest.mark.parametrize("cosine", [-1.0, 0.0])
def test_a_margin_to_neighbours_that_are_not_near_is_a_number_that_keeps_the_order(cosine):
    scores = SIMILARITIES["margin"].score(np.array([-0.2, 0.1, 0.3]), np.array([cosine]), np.array([cosine]))
    assert np.isfinite(scores).all()
    assert scores.argsort().tolist() == [0, 1, 2]


def test_a_strip_is_never_longer_than_a_byte_counts():
    # every candidate but the last is nearer to every query than its own
    queries = np.tile(np.array([[1.0, 0.0]], np.float32), (600, 1))
    queries[-1] = 0.0, 1.0
    candidates = np.tile(np.array([[0.6, 0.8]], np.float32), (600, 1))
    found, _ = aligned_ranks(queries, candidates, ["cosine"])
    assert found["cosine"][1].tolist() == [*range(2, 601), 1]


def test_ranks_agree_with_faiss():
    faiss = pytest.importorskip("faiss")
    queries, candidates = pairs(7, 300, width=64)
    index = faiss.IndexFlatIP(64)
    index.add(candidates)
    _, order = index.search(queries, 300)
    ranks = 1 + (order == np.arange(300)[:, None]).argmax(axis=1)
    found, nearest = aligned_ranks(queries, candidates, ["cosine"])
    assert np.array_equal(found["cosine"][0], ranks)
    assert np.array_equal(nearest, order[:, 0])
    # XTREME's search for Tatoeba is by L2 over unit vectors, which is the same order
    by_distance = faiss.IndexFlatL2(64)
    by_distance.add(candidates)
    assert np.array_equal(by_distance.search(queries, 1)[1][:, 0], nearest)


@pytest.mark.parametrize("name", ["margin", "csls"])
def test_neighbourhoods_agree_with_faiss(name):
    faiss = pytest.importorskip("faiss")
    one, other = pairs(8, 200, width=32)
    means = []
    for queries, candidates in ((one, other), (other, one)):
        index = faiss.IndexFlatIP(32)
        index.add(candidates)
        means.append(index.search(queries, SIMILARITIES[name].neighbours)[0].mean(axis=1))
    scores = SIMILARITIES[name].score(one @ other.T, means[0][:, None], means[1])
    ((forward, backward),) = aligned_ranks(one, other, [name])[0].values()
    assert forward.tolist() == (scores >= np.diag(scores)[:, None]).sum(axis=1).tolist()
    assert backward.tolist() == (scores >= np.diag(scores)).sum(axis=0).tolist()
