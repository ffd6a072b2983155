"""Rows of tokens for the six shapes: what a model reads at once, with special tokens, cut to its length."""

from __future__ import annotations

import logging
from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

from harness.data.examples import (
    Example,
    LabelledText,
    Options,
    Question,
    Sentence,
    Shape,
    TaggedWords,
    ValuedText,
)
from harness.engine.tokenizer import Frame, Ids, Pieces, Tokenizer
from harness.errors import HarnessError

log = logging.getLogger(__name__)

QUESTION = 64
"""Tokens of a question that are kept, as in BERT's SQuAD script."""


class Row(NamedTuple):
    """One row; what a shape has no use for is empty."""

    example: int
    ids: Ids
    segments: Ids
    word: Ids = ()
    start: Ids = ()
    end: Ids = ()


class Rows:
    """Rows laid end to end."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self.ids, self.word, self.start, self.end = (array("i") for _ in range(4))
        self.segments, self.example, self.offsets = array("b"), array("i"), array("q", [0])
        for row in rows:
            self.example.append(row.example)
            for name in ("ids", "segments", "word", "start", "end"):
                getattr(self, name).extend(getattr(row, name))
            self.offsets.append(len(self.ids))


def rows_of(
    examples: Sequence[Example],
    shape: Shape,
    tokenizer: Tokenizer,
    max_length: int,
    stride: int,
    prefix: str,
    name: str,
) -> Rows:
    """All rows of all examples, in order.

    Args:
        examples: of the shape's type.
        shape: decides what a row is.
        tokenizer: gives the tokens.
        max_length: tokens a row, special tokens included.
        stride: PASSAGE: tokens from one window's start to the next.
        prefix: SENTENCE: text before every sentence.
        name: of the corpus, for messages.

    Raises:
        HarnessError: ``max_length`` leaves no room for text.
    """
    special = sum(map(len, tokenizer.frame.pair))
    if max_length < special + 2:
        raise HarnessError(
            f"{max_length} tokens a row leave no room beside {special} special ones: raise model.max_length"
        )
    if shape is Shape.WORDS:
        rows = _words(cast("Sequence[TaggedWords]", examples), tokenizer, max_length)
    elif shape in (Shape.TEXT, Shape.VALUE, Shape.OPTIONS):
        rows = _texts(cast("Sequence[LabelledText | ValuedText | Options]", examples), tokenizer, max_length, name)
    elif shape is Shape.PASSAGE:
        rows = _passages(cast("Sequence[Question]", examples), tokenizer, max_length, stride, name)
    else:
        rows = _sentences(cast("Sequence[Sentence]", examples), tokenizer, max_length, prefix, name)
    return Rows(row if row.ids else _blank(row, shape, tokenizer.unknown) for row in rows)


def _blank(row: Row, shape: Shape, unknown: int) -> Row:
    """A row of one token, for an empty text where there are no special tokens: of nothing there is no mean."""
    blank = Row(row.example, [unknown], [0])
    if shape is Shape.WORDS:
        return blank._replace(word=[-1])
    return blank._replace(start=[-1], end=[-1]) if shape is Shape.PASSAGE else blank


def _words(examples: Sequence[TaggedWords], tokenizer: Tokenizer, max_length: int) -> Iterator[Row]:
    before, after = tokenizer.frame.single
    room = max_length - len(before) - len(after)
    for i, sentence in enumerate(tokenizer.encode_words([example.words for example in examples])):
        ids: list[int] = []
        marks: list[int] = []
        for j, found in enumerate(sentence):
            pieces = found[:room] or [tokenizer.unknown]
            if len(ids) + len(pieces) > room:
                yield _word_row(i, ids, marks, before, after)
                ids, marks = [], []
            ids += pieces
            marks += [j] + [-1] * (len(pieces) - 1)
        yield _word_row(i, ids, marks, before, after)


def _word_row(example: int, ids: Ids, marks: Ids, before: Ids, after: Ids) -> Row:
    word = [-1] * len(before) + [*marks] + [-1] * len(after)
    return Row(example, [*before, *ids, *after], [0] * len(word), word)


def _texts(
    examples: Sequence[LabelledText | ValuedText | Options], tokenizer: Tokenizer, max_length: int, name: str
) -> Iterator[Row]:
    """A row a text or pair, and of options a row each with the text."""
    pairs: list[tuple[int, str, str | None]] = []
    for i, e in enumerate(examples):
        seconds = e.options if isinstance(e, Options) else (e.second,)
        pairs += [(i, e.first, second) for second in seconds]
    known = _encode_once(tokenizer, [text for _, *both in pairs for text in both if text is not None])
    room = max_length - sum(map(len, tokenizer.frame.pair))
    cut: list[str] = []
    for i, one, other in pairs:
        first = known[one].ids
        if other is None:
            row = _single(i, first, tokenizer.frame, max_length)
            cut += [examples[i].id] * (len(row.ids) < len(first) + sum(map(len, tokenizer.frame.single)))
        else:
            second = known[other].ids
            n, m = longest_first(len(first), len(second), room)
            cut += [examples[i].id] * (n + m < len(first) + len(second))
            row = _pair(i, first[:n], second[:m], tokenizer.frame)
        yield row
    _tell(cut, len(pairs), max_length, name)


def longest_first(first: int, second: int, room: int) -> tuple[int, int]:
    """How many tokens of a pair stay, the longer losing first, as the ``tokenizers`` library truncates.

    Where both must give, the first text gets the smaller half unless it is the longer one.
    """
    if first + second <= room:
        return first, second
    shorter = min(first, second, room // 2)
    return (room - shorter, shorter) if first > second else (shorter, room - shorter)


def _passages(
    examples: Sequence[Question], tokenizer: Tokenizer, max_length: int, stride: int, name: str
) -> Iterator[Row]:
    known = _encode_once(tokenizer, [text for e in examples for text in (e.question, e.context)])
    open_room = max_length - sum(map(len, tokenizer.frame.pair))
    cut: list[str] = []
    for i, example in enumerate(examples):
        asked = known[example.question].ids
        question = asked[: min(QUESTION, open_room // 2)]
        cut += [example.id] * (len(question) < len(asked))
        ids, spans = known[example.context]
        spans = [_trimmed(example.context, *span) for span in spans]
        room = open_room - len(question)
        # windows overlap by half at least, or an answer on a seam would be whole in none
        step = min(stride, max(1, room // 2))
        for begin in range(0, max(1, len(ids) - room + step), step):
            window = spans[begin : begin + room]
            row = _pair(i, question, ids[begin : begin + room], tokenizer.frame)
            head = sum(map(len, tokenizer.frame.pair[:2])) + len(question)
            tail = len(row.ids) - head - len(window)
            start, end = ([-1] * head + [span[side] for span in window] + [-1] * tail for side in (0, 1))
            yield row._replace(start=start, end=end)
    _tell(cut, len(examples), min(QUESTION, open_room // 2), f"{name}, questions")


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    # some tokenizers count the space before a word to it
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def _sentences(
    examples: Sequence[Sentence], tokenizer: Tokenizer, max_length: int, prefix: str, name: str
) -> Iterator[Row]:
    known = _encode_once(tokenizer, [prefix + example.text for example in examples])
    cut: list[str] = []
    for i, example in enumerate(examples):
        ids = known[prefix + example.text].ids
        row = _single(i, ids, tokenizer.frame, max_length)
        cut += [example.id] * (len(row.ids) < len(ids) + sum(map(len, tokenizer.frame.single)))
        yield row
    _tell(cut, len(examples), max_length, name)


def _encode_once(tokenizer: Tokenizer, texts: Sequence[str]) -> dict[str, Pieces]:
    distinct = list(dict.fromkeys(texts))
    return dict(zip(distinct, tokenizer.encode(distinct), strict=True))


def _single(example: int, ids: Ids, frame: Frame, max_length: int) -> Row:
    before, after = frame.single
    whole = [*before, *ids[: max_length - len(before) - len(after)], *after]
    return Row(example, whole, [0] * len(whole))


def _pair(example: int, first: Ids, second: Ids, frame: Frame) -> Row:
    before, between, after = frame.pair
    parts = (before, first, between, second, after)
    segments = [segment for part, segment in zip(parts, frame.segments, strict=True) for _ in part]
    return Row(example, [token for part in parts for token in part], segments)


def _tell(cut: Sequence[str], total: int, limit: int, name: str) -> None:
    if cut:
        log.warning(
            "%s: %d of %d texts are longer than %d tokens and were cut, %r first", name, len(cut), total, limit, cut[0]
        )
