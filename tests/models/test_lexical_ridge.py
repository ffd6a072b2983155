import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import Ridge

from harness.data.examples import Corpus, Options, Shape, ValuedText
from harness.errors import HarnessError
from harness.models import lexical_ridge as ridge
from harness.models.base import MODELS, TrainingSet
from harness.models.lexical_linear import Linear
from harness.spec import ModelSpec, Training

TRAINING = Training(learning_rate=1.0, epochs=10)


def corpus(examples, language="eng"):
    return Corpus("t", language, "test", tuple(examples), language)


def model(folder):
    return MODELS["lexical"](ModelSpec("lexical", "lexical"), folder, {})


def words(draw, count):
    return ["".join(draw.choice(list("bdfgklmnprstvz"), 5)) for _ in range(count)]


def related(seed, i, value=None):
    """Two texts of six words, some of them shared; they are worth their share."""
    draw, shared = np.random.default_rng([seed, i]), i % 7
    first = words(draw, 6)
    second = first[:shared] + words(draw, 6 - shared)
    return ValuedText(f"{i}", f"g{i}", " ".join(first), " ".join(second), shared / 6 if value is None else value)


def choice(seed, i, options=3):
    """The right option repeats a word of the text."""
    draw = np.random.default_rng([seed, i])
    text, right = words(draw, 4), int(draw.integers(options))
    texts = [" ".join([*words(draw, 1), text[2] if j == right else words(draw, 1)[0]]) for j in range(options)]
    return Options(f"{i}", f"g{i}", " ".join(text), tuple(texts), tuple(float(j == right) for j in range(options)))


def test_values_of_unseen_pairs_follow_their_likeness(tmp_path):
    one = model(tmp_path)
    training = [related(1, i) for i in range(140)]
    one.train(TrainingSet(Shape.VALUE, (corpus(training),), ()), TRAINING, 0, tmp_path)
    test = [related(2, i) for i in range(70)]
    found, none = one.predict(tmp_path, [corpus(test), corpus([])])
    assert none == []
    assert all(type(value) is float for value in found)
    assert np.corrcoef(found, [e.value for e in test])[0, 1] > 0.8


def test_values_of_any_size_are_met(tmp_path):
    one = model(tmp_path)
    training = [related(1, i, 5000 + 100 * (i % 7)) for i in range(140)]
    one.train(TrainingSet(Shape.VALUE, (corpus(training),), ()), TRAINING, 0, tmp_path)
    (found,) = one.predict(tmp_path, [corpus(training)])
    assert np.abs(np.asarray(found) - [e.value for e in training]).max() < 300


def test_options_are_chosen_beyond_chance(tmp_path):
    one = model(tmp_path)
    training = [choice(1, i, 2 + i % 3) for i in range(150)]
    one.train(TrainingSet(Shape.OPTIONS, (corpus(training),), ()), TRAINING, 0, tmp_path)
    test = [choice(2, i) for i in range(100)]
    (found,) = one.predict(tmp_path, [corpus(test)])
    assert [len(scores) for scores in found] == [3] * 100
    assert np.mean([e.gains[int(np.argmax(s))] for s, e in zip(found, test, strict=True)]) > 0.7


def test_an_example_is_scored_alike_alone_and_among_others(tmp_path):
    one = model(tmp_path)
    data = corpus([choice(1, i, 2 + i % 3) for i in range(30)])
    one.train(TrainingSet(Shape.OPTIONS, (data,), ()), TRAINING, 0, tmp_path)
    together, alone = one.predict(tmp_path, [data, data.choose([11])])
    assert alone == [together[11]]


def test_the_solution_is_that_of_a_ridge_regression():
    draw = np.random.default_rng(0)
    dense = draw.normal(size=(40, 12)).astype(np.float32)
    values = draw.normal(size=40) + 7
    found = ridge.fit(Linear.zero(0, 12), sparse.csr_matrix(dense), values)
    oracle = Ridge(alpha=ridge.PENALTY, solver="svd").fit(dense, values)
    assert found.scores(sparse.csr_matrix(dense))[:, 0] == pytest.approx(oracle.predict(dense), abs=1e-4)


def test_going_on_keeps_what_the_new_examples_say_nothing_of(tmp_path):
    start = Linear(np.array([[1.0, 2.0, 3.0]], np.float32), np.array([0.5], np.float32))
    matrix = sparse.csr_matrix(np.array([[1, 0, 0], [0, 1, 0]], np.float32))
    agreed = ridge.fit(start, matrix, np.array([1.5, 2.5]))
    assert agreed.weights.tolist() == start.weights.tolist()
    moved = ridge.fit(start, matrix, np.array([3.5, 2.5]))
    assert moved.weights[0, 2] == 3.0
    assert moved.scores(matrix)[0, 0] > 1.5


def test_weights_of_one_shape_are_not_continued_for_another(tmp_path):
    one = model(tmp_path)
    one.train(TrainingSet(Shape.VALUE, (corpus([related(1, i) for i in range(4)]),), ()), TRAINING, 0, tmp_path / "a")
    options = TrainingSet(Shape.OPTIONS, (corpus([choice(1, i) for i in range(4)]),), ())
    with pytest.raises(HarnessError, match="cannot be continued"):
        one.train(options, TRAINING, 0, tmp_path / "b", tmp_path / "a")


def test_graded_options_are_wanted_by_their_share_about_the_mean():
    example = Options("1", "1", "q", ("a", "b", "c"), (0.0, 1.0, 3.0))
    assert ridge.wanted([example]).tolist() == pytest.approx([-1 / 3, 1 / 4 - 1 / 3, 3 / 4 - 1 / 3])
    assert ridge.wanted([Options("2", "2", "q", ("a", "b"), (0.0, 0.0))]).tolist() == [0, 0]
