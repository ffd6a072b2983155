"""What checkpoints are compared by where one is selected on a dev set, the same for every model family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from harness.data.examples import Example, LabelledText, Options, Question, Shape, TaggedWords, ValuedText
from harness.models.base import Prediction


def quality(shape: Shape, predicted: Sequence[Prediction], examples: Sequence[Example]) -> float:
    """Share of words, texts, questions or choices that are answered rightly; of values, minus the mean squared error.

    A choice or a ranking is right where the first option of the highest score has the highest gain. Without examples 0.
    """
    right: list[float] = []
    for answer, example in zip(predicted, examples, strict=True):
        if shape is Shape.WORDS:
            tags = zip(cast("TaggedWords", example).tags, cast("tuple[str, ...]", answer), strict=True)
            right += [gold == tag for gold, tag in tags]
        elif shape is Shape.TEXT:
            right.append(cast("LabelledText", example).label == answer)
        elif shape is Shape.VALUE:
            right.append(-((cast("ValuedText", example).value - cast("float", answer)) ** 2))
        elif shape is Shape.OPTIONS:
            gains, scores = cast("Options", example).gains, cast("tuple[float, ...]", answer)
            right.append(gains[scores.index(max(scores))] == max(gains))
        else:
            right.append(answer in {gold.text for gold in cast("Question", example).answers})
    return sum(right) / len(right) if right else 0.0
