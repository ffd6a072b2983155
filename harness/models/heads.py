"""Networks with a head for each shape, what they are trained towards, and what their outputs mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.data.examples import Example, LabelledText, Options, Question, Shape, TaggedWords, ValuedText
from harness.engine.batches import Batch
from harness.engine.spans import answer_targets, best_spans
from harness.engine.tokens import Ints, Tokens
from harness.errors import DataError
from harness.models.base import Prediction

Targets = NDArray[np.int64] | NDArray[np.float32]

NOTHING = -100
"""The target of a token that has none."""

PER_TOKEN = frozenset({Shape.WORDS, Shape.PASSAGE})
"""Shapes whose head reads every token; that of the others reads the first."""


class Network(nn.Module):
    """A backbone's network with one layer on top: on every token, or after another on the first."""

    def __init__(self, base: nn.Module, width: int, shape: Shape, tags: Sequence[str]) -> None:
        super().__init__()
        self.base = base
        self.first_only = shape not in PER_TOKEN
        outputs = {Shape.PASSAGE: 2, Shape.VALUE: 1, Shape.OPTIONS: 1}.get(shape, len(tags))
        hidden = [nn.Dropout(0.1), nn.Linear(width, width), nn.Tanh()] if self.first_only else []
        self.head = nn.Sequential(*hidden, nn.Dropout(0.1), nn.Linear(width, outputs))
        for layer in self.head:
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=0.02)  # as BERT's own heads
                nn.init.zeros_(layer.bias)

    def forward(self, batch: Batch) -> Tensor:
        """Scores: (rows, longest, outputs) where the head reads every token, (rows, outputs) otherwise."""
        first = getattr(self.base, "first", lambda batch: self.base(batch)[:, 0])
        hidden = first(batch) if self.first_only else self.base(batch)
        # whatever the numbers of the backbone are: near ties are many, and scores of few bits equal
        return cast("Tensor", self.head(hidden.float()))


def targets_of(shape: Shape, examples: Sequence[Example], tags: Sequence[str], tokens: Tokens) -> Targets:
    """What the network should answer.

    Returns:
        WORDS: (tokens,) tag of the word that starts there, ``NOTHING`` elsewhere. TEXT: (rows,) label. PASSAGE:
        (rows, 2) first and last token of the first answer, (0, 0) in windows without it. VALUE: (rows,) the value.
        OPTIONS: (rows,) the option's share of its example's gains, zero where there is no gain.

    Raises:
        DataError: an example has a tag that is none of ``tags``.
    """
    if shape is Shape.PASSAGE:
        firsts = [cast("Question", example).answers[0] for example in examples]
        return answer_targets([(a.start, a.start + len(a.text)) for a in firsts], tokens)
    if shape is Shape.VALUE:
        return np.asarray([cast("ValuedText", e).value for e in examples], dtype=np.float32)[tokens.example]
    if shape is Shape.OPTIONS:
        return np.asarray([share for e in examples for share in cast("Options", e).shares], dtype=np.float32)
    number = {tag: i for i, tag in enumerate(tags)}
    try:
        if shape is Shape.TEXT:
            labels = np.asarray([number[cast("LabelledText", e).label] for e in examples], dtype=np.int64)
            return labels[tokens.example]
        words = [[number[tag] for tag in cast("TaggedWords", e).tags] for e in examples]
    except KeyError as error:
        raise DataError(f"training data has the tag {error}, which is none of {', '.join(tags)}") from None
    starts = np.concatenate([[0], np.cumsum([len(w) for w in words])]).astype(np.int64)
    every = np.asarray([tag for sentence in words for tag in sentence], dtype=np.int64)
    marked = tokens.word >= 0
    targets = np.full(len(tokens.ids), NOTHING, dtype=np.int64)
    example = np.repeat(tokens.example, tokens.lengths)
    targets[marked] = every[starts[example[marked]] + tokens.word[marked]]
    return targets


def weights_of(shape: Shape, targets: Targets, tokens: Tokens) -> NDArray[np.int64]:
    """Targets of each row, (rows,); OPTIONS: one of each example, none where no option has a gain."""
    if shape is Shape.OPTIONS:
        return (np.bincount(tokens.example, targets) > 0).astype(np.int64)
    if shape is not Shape.WORDS:
        return np.ones(len(tokens), dtype=np.int64)
    return np.diff(np.concatenate([[0], np.cumsum(targets != NOTHING)])[tokens.offsets])


def summed_loss(shape: Shape, scores: Tensor, targets: Targets, tokens: Tokens, rows: Ints) -> Tensor:
    """Cross-entropy summed over the targets of a batch; PASSAGE: the mean of that of first and last token.

    VALUE: squared error. OPTIONS: cross-entropy over the options of an example, whose rows must all be there; with
    graded gains this is ListNet's top-one loss with shares of the gains in place of their softmax.

    Source: Cao et al. (2007), Learning to Rank: From Pairwise Approach to Listwise Approach, ICML.
    """
    if shape is Shape.VALUE:
        return (scores[:, 0].float() - _beside(scores, targets[rows])).square().sum()
    if shape is Shape.OPTIONS:
        return _over_options(scores[:, 0].float(), targets[rows], tokens.example[rows])
    if shape is Shape.WORDS:
        wanted = np.full(scores.shape[:2], NOTHING, dtype=np.int64)
        wanted[np.arange(scores.shape[1]) < tokens.lengths[rows][:, None]] = targets[tokens.flat(rows)]
        return _cross_entropy(scores.flatten(0, 1), wanted.reshape(-1))
    if shape is Shape.TEXT:
        return _cross_entropy(scores, targets[rows])
    # an answer starts and ends in the context; the first token stands for none in this window
    open_to = np.zeros(scores.shape[:2], dtype=bool)
    open_to[np.arange(scores.shape[1]) < tokens.lengths[rows][:, None]] = tokens.start[tokens.flat(rows)] >= 0
    open_to[:, 0] = True
    closed = ~_beside(scores, open_to)
    first, last = scores.float().masked_fill(closed[..., None], -torch.inf).unbind(-1)
    return (_cross_entropy(first, targets[rows, 0]) + _cross_entropy(last, targets[rows, 1])) / 2


def _cross_entropy(scores: Tensor, targets: Targets) -> Tensor:
    wanted = _beside(scores, targets)
    return nn.functional.cross_entropy(scores.float(), wanted, ignore_index=NOTHING, reduction="sum")


def _beside(scores: Tensor, array: NDArray[Any]) -> Tensor:
    """The array where the scores are, without waiting for these."""
    return torch.from_numpy(array).to(scores.device, non_blocking=True)


def _over_options(scores: Tensor, wanted: Targets, example: Ints) -> Tensor:
    """Cross-entropy summed over examples, the rows of each standing together."""
    starts = np.flatnonzero(np.diff(example, prepend=-1))
    line = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(example)))
    place = np.arange(len(example)) - starts[line]
    at = _beside(scores, line), _beside(scores, place)
    table = scores.new_full((len(starts), int(place.max()) + 1), -torch.inf).index_put(at, scores)
    return -(table.log_softmax(dim=1)[at] * _beside(scores, wanted)).sum()


def answers(
    shape: Shape, outputs: NDArray[np.float32], tags: Sequence[str], tokens: Tokens, examples: Sequence[Example]
) -> list[Prediction]:
    """One answer an example: tags of its words, its label, the text of its span, its value, or its options' scores.

    Args:
        shape: of the task.
        outputs: the network's scores, (rows, tags) for TEXT, (tokens, tags) for WORDS, (tokens, 2) for PASSAGE,
            (rows, 1) for VALUE and OPTIONS.
        tags: what the outputs stand for.
        tokens: the pool that the outputs are aligned with.
        examples: the pool's.
    """
    if shape is Shape.TEXT:
        return [tags[i] for i in outputs.argmax(axis=1)]
    if shape is Shape.VALUE:
        return [*outputs[:, 0].tolist()]
    if shape is Shape.OPTIONS:
        ends = np.cumsum([len(cast("Options", e).options) for e in examples])
        return [tuple(part.tolist()) for part in np.split(outputs[:, 0], ends[:-1])]
    if shape is Shape.PASSAGE:
        spans = best_spans(outputs[:, 0], outputs[:, 1], tokens, len(examples))
        return [cast("Question", e).context[start:end] for e, (start, end) in zip(examples, spans, strict=True)]
    best = outputs[tokens.word >= 0].argmax(axis=1)
    ends = np.cumsum([len(cast("TaggedWords", e).words) for e in examples])
    # rows of one example stand in order, so that the pieces of a long sentence join up by themselves
    return [tuple(tags[i] for i in part) for part in np.split(best, ends[:-1])]
