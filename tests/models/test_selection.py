import pytest

from harness.data.examples import Answer, LabelledText, Options, Question, Shape, TaggedWords, ValuedText
from harness.models.selection import quality

WORDS = [TaggedWords("1", "1", ("a", "b"), ("X", "O")), TaggedWords("2", "2", ("c",), ("O",))]
TEXTS = [LabelledText("1", "1", "a", None, "yes"), LabelledText("2", "2", "b", None, "no")]
QUESTIONS = [Question(id, id, "?", "a b", (Answer("a", 0), Answer("b", 2))) for id in "12"]
VALUES = [ValuedText(f"{i}", "g", "a", None, value) for i, value in enumerate([1.0, 2.0])]
RANKINGS = [Options("1", "1", "q", ("a", "b", "c"), (0.0, 3.0, 1.0)), Options("2", "2", "q", ("a", "b"), (1.0, 1.0))]


@pytest.mark.parametrize(
    ("shape", "predicted", "examples", "share"),
    [
        (Shape.WORDS, [("X", "X"), ("O",)], WORDS, 2 / 3),  # of words, not of sentences
        (Shape.TEXT, ["yes", "yes"], TEXTS, 1 / 2),
        (Shape.PASSAGE, ["b", "a b"], QUESTIONS, 1 / 2),  # any gold answer
        (Shape.TEXT, [], [], 0),
        (Shape.VALUE, [1.0, 5.0], VALUES, -9 / 2),  # the nearer the better
        (Shape.OPTIONS, [(0.1, 0.2, 0.3), (5.0, -1.0)], RANKINGS, 1 / 2),  # one of several best is right
        (Shape.OPTIONS, [(0.3, 0.3)], [Options("3", "3", "q", ("a", "b"), (1.0, 0.0))], 1),  # the first of equal scores
        (Shape.OPTIONS, [(0.3, 0.3)], [Options("4", "4", "q", ("a", "b"), (0.0, 1.0))], 0),
    ],
)
def test_the_share_that_is_right(shape, predicted, examples, share):
    assert quality(shape, predicted, examples) == pytest.approx(share)


def test_as_many_answers_as_examples_are_needed():
    with pytest.raises(ValueError, match="longer"):
        quality(Shape.TEXT, ["yes"], TEXTS)
