import numpy as np
from hypothesis import given
from hypothesis import strategies as st

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


def plain(start, end, tokens, questions, longest):
    """The same by loops over all pairs, best score first, ties by window, start and length."""
    best = [(-np.inf, (0, 0))] * questions
    for row, question in enumerate(tokens.example):
        a, b = tokens.offsets[row], tokens.offsets[row + 1]
        for i in range(a, b):
            for j in range(i, min(i + longest, b)):
                if tokens.start[i] >= 0 and tokens.start[j] >= 0 and start[i] + end[j] > best[question][0]:
                    best[question] = start[i] + end[j], (tokens.start[i], tokens.end[j])
    return [span for _, span in best]


@given(st.data(), st.integers(1, 5))
def test_the_best_span_is_that_of_a_plain_loop(data, longest):
    tokens = windows(data.draw)
    # small whole numbers make ties common
    scores = st.lists(st.integers(-3, 3), min_size=len(tokens.ids), max_size=len(tokens.ids))
    start, end = (np.asarray(data.draw(scores), dtype=np.float32) for _ in range(2))
    questions = int(tokens.example.max()) + 1
    found = best_spans(start, end, tokens, questions, longest)
    assert found.tolist() == [list(span) for span in plain(start, end, tokens, questions, longest)]


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
