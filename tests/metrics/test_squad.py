import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.metrics.base import evaluate, metric
from harness.metrics.squad import tokens


def normalise(text):
    return " ".join(tokens(text))


F1, EM = metric("squad_f1"), metric("squad_em")


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The Panthers' defense", "panthers defense"),
        ("  a  b\tc\n", "b c"),
        ("An apple, a day!", "apple day"),
        ("theatre than", "theatre than"),  # articles are whole words
        ("U.S.A", "usa"),  # punctuation goes before articles do: no lone `a` is left
        ("the-end", "theend"),
        ("„the“ café", "„ “ café"),  # ASCII punctuation alone
        ("a", ""),
        ("北京大学", "北京大学"),
    ],
)
def test_normalisation_is_that_of_squad(text, normal):
    assert normalise(text) == normal


@pytest.mark.parametrize(
    ("golds", "guess", "f1", "em"),
    [
        (("308",), "308", 1, 1),
        (("308 points",), "The 308", 2 / 3, 0),
        (("one two", "two three four"), "three four", 0.8, 0),  # the best of all gold answers
        (("b b c",), "b d", 0.4, 0),  # a bag counts as often as it holds
        (("the",), "a", 0, 1),  # both empty: the official script gives 0 and 1
        (("北京大学",), "北京", 0, 0),  # no spaces, no partial credit
        (("x",), "", 0, 0),
    ],
)
def test_scores_are_those_of_the_official_script(golds, guess, f1, em):
    assert F1.count([golds], [guess]).tolist() == [[pytest.approx(f1), 1]]
    assert EM.count([golds], [guess]).tolist() == [[em, 1]]


words = st.lists(st.sampled_from(["x", "y", "z", "the", "ü!"]), max_size=5).map(" ".join)


@given(st.lists(words, min_size=1, max_size=3), words)
def test_f1_lies_between_exact_match_and_one_and_more_golds_never_hurt(golds, guess):
    f1, em = (evaluate(measure, [tuple(golds)], [guess]) for measure in (F1, EM))
    assert 0 <= f1 <= 1
    assert f1 >= em or normalise(guess) == ""
    assert evaluate(F1, [(*golds, guess)], [guess]) >= f1


@given(words, words)
def test_f1_does_not_depend_on_which_answer_is_gold(one, other):
    assert evaluate(F1, [(one,)], [other]) == evaluate(F1, [(other,)], [one])


@pytest.mark.parametrize(("gold", "guess"), [((), "x"), ("text", "x"), (("x",), None)])
def test_what_is_no_answer_is_an_error(gold, guess):
    with pytest.raises(HarnessError, match="example 0: needs gold answers"):
        F1.count([gold], [guess])
