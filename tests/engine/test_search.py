import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engine.search import lone_ranks, nearest, pooled_ranks


def by_hand(queries, candidates):
    """Candidates of each query, best first, equal rows by index: a sort in plain Python over rounded cosines."""
    scores = np.round(queries.astype(np.float64) @ candidates.astype(np.float64).T, 5)
    return [sorted(range(len(candidates)), key=lambda c, line=line: (-line[c], c)) for line in scores]


@given(st.integers(0, 10_000), st.integers(1, 20), st.integers(1, 20), st.integers(1, 7), st.integers(1, 9))
def test_neighbours_are_those_of_a_plain_sort(seed, n, m, k, chunk):
    # rows of one-hot vectors have cosines that floating point gives exactly
    eye = np.eye(4, dtype=np.float32)
    draw = np.random.default_rng(seed)
    queries, candidates = eye[draw.integers(0, 4, n)], eye[draw.integers(0, 4, m)]
    values, found = nearest(queries, candidates, k, chunk)
    assert found.tolist() == [line[:k] for line in by_hand(queries, candidates)]
    assert np.array_equal(values, np.take_along_axis(queries @ candidates.T, found, axis=1))


@pytest.mark.parametrize("chunk", [1, 7, 64, 1000])
def test_equal_candidates_are_equal_whatever_their_column(chunk):
    draw = np.random.default_rng(0).normal(size=(40, 96)).astype(np.float32)
    draw /= np.linalg.norm(draw, axis=1, keepdims=True)
    queries = np.random.default_rng(1).normal(size=(150, 96)).astype(np.float32)
    twice = np.concatenate([draw, draw])
    assert nearest(queries, twice, 1, chunk)[1].max() < 40


def test_a_random_matrix_is_searched_as_numpy_would():
    draw = np.random.default_rng(3)
    queries, candidates = draw.normal(size=(50, 16)), draw.normal(size=(70, 16))
    values, found = nearest(queries, candidates, 5, chunk=8)
    expected = np.argsort(-(queries @ candidates.T), axis=1)[:, :5]
    assert np.array_equal(found, expected)
    assert np.allclose(values, np.take_along_axis(queries @ candidates.T, expected, axis=1))


@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(0, 30), st.integers(1, 200))
def test_ranks_in_a_pool_are_those_counted_one_by_one(seed, n, m, room):
    eye = np.eye(4, dtype=np.float32)  # so that there are ties, and exact ones
    draw = np.random.default_rng(seed)
    queries, candidates, owner = eye[draw.integers(0, 4, n)], eye[draw.integers(0, 4, m)], draw.integers(0, n, m)
    found = pooled_ranks(queries, candidates, owner, room)
    for one in range(m):
        near = candidates @ queries[owner[one]]
        assert found[one] == 1 + sum(near[other] >= near[one] for other in range(m) if owner[other] != owner[one])


@pytest.mark.parametrize("room", [1, 1000, 2**24])
def test_equal_candidates_tie_in_a_pool_whatever_their_place(room):
    draw = np.random.default_rng(0)
    queries = draw.normal(size=(37, 96)).astype(np.float32)
    row = draw.normal(size=96).astype(np.float32)
    others = draw.normal(size=(5, 96)).astype(np.float32)
    candidates = np.concatenate([np.repeat(row[None], 2 * 37, axis=0), others])
    owner = np.concatenate([np.arange(37), np.arange(37), np.zeros(5, dtype=np.int64)])
    found = pooled_ranks(queries, candidates, owner, room)
    # no query tells its own two apart from the 72 of the others
    assert (found[:37] == found[37:74]).all()
    nearer = (others @ queries.T >= row @ queries.T).sum(axis=0) * (np.arange(37) > 0)
    assert np.array_equal(found[:37], 1 + 72 + nearer)


@given(st.integers(0, 10_000), st.integers(1, 8), st.integers(2, 20), st.integers(1, 50))
def test_a_lone_rank_is_that_in_a_pool_without_the_other_answers(seed, n, m, room):
    eye = np.eye(4, dtype=np.float32)
    draw = np.random.default_rng(seed)
    queries, candidates = eye[draw.integers(0, 4, n)], eye[draw.integers(0, 4, m)]
    gold = [draw.permutation(m)[: draw.integers(1, m)] for _ in range(n)]
    for query, own, ranks in zip(queries, gold, lone_ranks(queries, candidates, gold, room), strict=True):
        for answer, rank in zip(own, ranks, strict=True):
            left = [c for c in range(m) if c == answer or c not in own]
            order = sorted(left, key=lambda c, query=query: (-(candidates[c] @ query), c))
            assert order.index(answer) + 1 == rank
