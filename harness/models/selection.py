"""What checkpoints are compared by under ``select=source_dev``, the same for every model family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from harness.data.examples import Example, LabelledText, Question, Shape, TaggedWords
from harness.models.base import Prediction


def accuracy(shape: Shape, predicted: Sequence[Prediction], examples: Sequence[Example]) -> float:
    """Share of words, texts or questions that are answered rightly; 0 where there are none."""
    right: list[bool] = []
    for answer, example in zip(predicted, examples, strict=True):
        if shape is Shape.WORDS:
            tags = zip(cast("TaggedWords", example).tags, cast("tuple[str, ...]", answer), strict=True)
            right += [gold == tag for gold, tag in tags]
        elif shape is Shape.TEXT:
            right.append(cast("LabelledText", example).label == answer)
        else:
            right.append(answer in {gold.text for gold in cast("Question", example).answers})
    return sum(right) / len(right) if right else 0.0
