from unittest.mock import patch

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.engine import spans
from harness.engine.spans import answer_targets, best_spans
from harness.engine.tokens import Tokens


def windows(draw):
    """Random windows of random questions: special tokens, then a context of one character a token."""
    rows, example, starts = [], [], []
    for question in range(draw(st.integers(1, 4))):
        for _ in range(draw(st.integers(1, 3))):
            head, first, size = draw(st.integers(1, 3)), draw(st.integers(0, 4)), draw(st.integers(0, 6))
            rows.append(head + size + 1)
            example.append(question)
            starts += [-1] * head + list(range(first, first + size)) + [-1]
    none, start = np.zeros(0, np.int64), np.asarray(starts)
    end = np.where(start >= 0, start + 1, -1)
    offsets = np.concatenate([[0], np.cumsum(rows)])
    return Tokens(
        np.zeros_like(start), np.zeros_like(start), offsets, np.asarray(example), none, start, end, none, none
    )


def plain(start, end, tokens, questions, longest, n):
    """The same by loops over all pairs, best score first, ties by window, start and length."""
    best = [(-np.inf, (0, 0))] * questions
    for row, question in enumerate(tokens.example):
        a, b = tokens.offsets[row], tokens.offsets[row + 1]
        first, last = (sorted(scores[a:b], reverse=True)[:n][-1] for scores in (start, end))
        for i in range(a, b):
            for j in range(i, min(i + longest, b)):
                if tokens.start[i] < 0 or tokens.start[j] < 0 or start[i] < first or end[j] < last:
                    continue
                if start[i] + end[j] > best[question][0]:
                    best[question] = start[i] + end[j], (tokens.start[i], tokens.end[j])
    return [span for _, span in best]


def n_best(start, end, tokens, questions, longest, n):
    """The characters of each question's first prediction, in the manner of SQuAD's scripts."""
    best = [(-np.inf, (0, 0))] * questions
    for row, question in enumerate(tokens.example):
        a, b = tokens.offsets[row], tokens.offsets[row + 1]
        starts, ends = (np.argsort(scores[a:b])[::-1][:n] + a for scores in (start, end))
        for i in starts:
            for j in ends:
                if tokens.start[i] < 0 or tokens.start[j] < 0 or j < i or j - i + 1 > longest:
                    continue
                if start[i] + end[j] > best[question][0]:
                    best[question] = start[i] + end[j], (tokens.start[i], tokens.end[j])
    return [span for _, span in best]


@given(st.data(), st.integers(1, 5), st.integers(1, 12), st.sampled_from([1, 20, 2**20]))
def test_the_best_span_is_that_of_a_plain_loop(data, longest, n, room):
    tokens = windows(data.draw)
    # small whole numbers make ties common
    scores = st.lists(st.integers(-3, 3), min_size=len(tokens.ids), max_size=len(tokens.ids))
    start, end = (np.asarray(data.draw(scores), dtype=np.float32) for _ in range(2))
    questions = int(tokens.example.max()) + 1
    with patch.object(spans, "ROOM", room):
        found = best_spans(start, end, tokens, questions, longest, n)
    assert found.tolist() == [list(span) for span in plain(start, end, tokens, questions, longest, n)]


@given(st.data(), st.integers(1, 30), st.integers(1, 12), st.integers(0, 10_000))
def test_it_is_the_first_of_the_n_best(data, longest, n, seed):
    tokens = windows(data.draw)
    questions, draw = int(tokens.example.max()) + 1, np.random.default_rng(seed)
    start, end = (draw.normal(size=len(tokens.ids)).astype(np.float32) for _ in range(2))
    found = best_spans(start, end, tokens, questions, longest, n)
    assert found.tolist() == [list(span) for span in n_best(start, end, tokens, questions, longest, n)]


def test_a_span_that_no_best_start_opens_is_not_found():
    # the 20 best starts stand behind the 20 best ends
    start, end = np.zeros(60, np.float32), np.zeros(60, np.float32)
    start[35:55], end[5:25] = 9, 9
    start[7], end[56] = 5, 5
    none, at = np.zeros(0, np.int64), np.arange(60)
    tokens = Tokens(at, at, np.array([0, 60]), np.array([0]), none, at, at + 1, none, none)
    assert best_spans(start, end, tokens, 1).tolist() == [[0, 0]]
    assert best_spans(start, end, tokens, 1, n_best=21).tolist() == [[7, 8]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_scores_may_be_tensors_of_any_kind(dtype):
    at, none = np.arange(6), np.zeros(0, np.int64)
    tokens = Tokens(at, at, np.array([0, 6]), np.array([0]), none, np.array([-1, 0, 2, 4, 6, -1]), at + 10, none, none)
    start, end = torch.tensor([9, 1, 3, 0, 0, 0], dtype=dtype), torch.tensor([9, 4, 0, 0, 2, 8], dtype=dtype)
    assert best_spans(start, end, tokens, 1).tolist() == [[0, 11]]
    assert best_spans(start, end, tokens, 2).tolist() == [[0, 11], [0, 0]]
    assert best_spans(start[:0], end[:0], tokens.select(none), 1).tolist() == [[0, 0]]


@given(st.data())
def test_targets_are_where_the_best_span_would_be(data):
    tokens = windows(data.draw)
    questions = int(tokens.example.max()) + 1
    answers = [data.draw(st.tuples(st.integers(0, 9), st.integers(1, 3))) for _ in range(questions)]
    targets = answer_targets([(a, a + n) for a, n in answers], tokens)
    for row, (first, last) in enumerate(targets):
        base, (a, n) = tokens.offsets[row], answers[tokens.example[row]]
        held = [s for s in tokens.start[base : tokens.offsets[row + 1]] if s >= 0]
        if set(range(a, a + n)) <= set(held):
            assert (tokens.start[base + first], tokens.end[base + last]) == (a, a + n)
        else:
            assert (first, last) == (0, 0)
