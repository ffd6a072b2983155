import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import log_softmax

from harness.data.examples import Options, Shape, ValuedText
from harness.engine.batches import items_of
from harness.engine.tokens import Tokens
from harness.models.heads import answers, summed_loss, targets_of, weights_of

GAINS = st.lists(st.lists(st.sampled_from([0.0, 1.0, 2.0, 4.0]), min_size=1, max_size=5), min_size=1, max_size=6)


def ranking(gains):
    return [Options(f"{i}", "g", "a", tuple("b" * len(g)), tuple(g)) for i, g in enumerate(gains)]


def rows_of(examples):
    """A row an option, of one token each."""
    sizes = [len(e.options) for e in examples]
    none, total = np.zeros(0, np.int64), sum(sizes)
    ids, offsets = np.arange(total), np.arange(total + 1)
    return Tokens(ids, ids, offsets, np.repeat(np.arange(len(sizes)), sizes), none, none, none, none, none)


@given(GAINS, st.data())
def test_the_loss_over_options_is_the_cross_entropy_of_each_example_by_itself(gains, data):
    examples = ranking(gains)
    tokens = rows_of(examples)
    targets = targets_of(Shape.OPTIONS, examples, (), tokens)
    scores = data.draw(hnp.arrays(np.float32, len(tokens), elements=st.floats(-20, 20, width=32)))
    chosen = np.asarray(data.draw(st.permutations(range(len(examples)))))
    rows = items_of(tokens, together=True).rows(chosen)
    expected = 0.0
    for i, example in enumerate(examples):
        if total := sum(example.gains):
            share = np.asarray(example.gains) / total
            expected -= share @ log_softmax(scores[tokens.example == i].astype(np.float64))
    found = summed_loss(Shape.OPTIONS, torch.from_numpy(scores[rows])[:, None], targets, tokens, rows)
    assert float(found) == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_options_without_any_gain_teach_nothing():
    examples = ranking([[0.0, 0.0, 0.0], [0.0, 1.0]])
    tokens = rows_of(examples)
    targets = targets_of(Shape.OPTIONS, examples, (), tokens)
    assert weights_of(Shape.OPTIONS, targets, tokens).tolist() == [0, 1]
    scores = torch.zeros(5, 1, requires_grad=True)
    summed_loss(Shape.OPTIONS, scores, targets, tokens, np.arange(5)).backward()
    assert scores.grad is not None
    assert scores.grad[:, 0].tolist() == pytest.approx([0, 0, 0, 0.5, -0.5])


def test_of_one_right_option_the_loss_is_the_cross_entropy_of_a_class():
    examples = ranking([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    tokens = rows_of(examples)
    scores = torch.randn(6, 1, generator=torch.Generator().manual_seed(0))
    found = summed_loss(Shape.OPTIONS, scores, targets_of(Shape.OPTIONS, examples, (), tokens), tokens, np.arange(6))
    expected = torch.nn.functional.cross_entropy(scores.reshape(2, 3), torch.tensor([1, 0]), reduction="sum")
    assert float(found) == pytest.approx(float(expected))


def test_values_are_fitted_by_squares():
    examples = [ValuedText(f"{i}", "g", "a", None, value) for i, value in enumerate([0.5, -1.0, 3.0])]
    tokens = rows_of(ranking([[1.0]] * 3))
    targets = targets_of(Shape.VALUE, examples, (), tokens)
    found = summed_loss(Shape.VALUE, torch.tensor([[1.0], [1.0]]), targets, tokens, np.asarray([2, 0]))
    assert float(found) == pytest.approx((1 - 3) ** 2 + (1 - 0.5) ** 2)
    assert weights_of(Shape.VALUE, targets, tokens).tolist() == [1, 1, 1]
    outputs = np.asarray([[0.25], [1.5], [-2.0]], np.float32)
    assert answers(Shape.VALUE, outputs, (), tokens, examples) == [0.25, 1.5, -2.0]


@given(GAINS)
def test_each_example_gets_the_scores_of_its_own_options(gains):
    examples = ranking(gains)
    tokens = rows_of(examples)
    outputs = np.arange(len(tokens), dtype=np.float32)[:, None]
    found = answers(Shape.OPTIONS, outputs, (), tokens, examples)
    assert [len(scores) for scores in found] == [len(e.options) for e in examples]
    assert [score for scores in found for score in scores] == list(range(len(tokens)))
