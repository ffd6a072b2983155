import pytest

from harness.data.examples import Answer, LabelledText, Question, Shape, TaggedWords
from harness.models.selection import accuracy

WORDS = [TaggedWords("1", "1", ("a", "b"), ("X", "O")), TaggedWords("2", "2", ("c",), ("O",))]
TEXTS = [LabelledText("1", "1", "a", None, "yes"), LabelledText("2", "2", "b", None, "no")]
QUESTIONS = [Question(id, id, "?", "a b", (Answer("a", 0), Answer("b", 2))) for id in "12"]


@pytest.mark.parametrize(
    ("shape", "predicted", "examples", "share"),
    [
        (Shape.WORDS, [("X", "X"), ("O",)], WORDS, 2 / 3),  # of words, not of sentences
        (Shape.TEXT, ["yes", "yes"], TEXTS, 1 / 2),
        (Shape.PASSAGE, ["b", "a b"], QUESTIONS, 1 / 2),  # any gold answer
        (Shape.TEXT, [], [], 0),
    ],
)
def test_the_share_that_is_right(shape, predicted, examples, share):
    assert accuracy(shape, predicted, examples) == pytest.approx(share)


def test_as_many_answers_as_examples_are_needed():
    with pytest.raises(ValueError, match="longer"):
        accuracy(Shape.TEXT, ["yes"], TEXTS)
