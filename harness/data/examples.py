"""What one item of a task holds, in the six shapes that every task type comes down to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Generic, TypeVar


class Shape(StrEnum):
    """What a model reads and what it answers with; task types of one shape share tokens, batches and heads."""

    WORDS = "words"  # a list of words, one tag each
    TEXT = "text"  # one text or a pair of texts, one label
    PASSAGE = "passage"  # a question and a context, an answer span
    SENTENCE = "sentence"  # a text, a vector
    VALUE = "value"  # one text or a pair of texts, a number
    OPTIONS = "options"  # a text and several options, a score each


@dataclass(frozen=True, slots=True)
class Example:
    """The part that every shape has.

    Attributes:
        id: names the item inside its task; parallel items carry the same id in every language.
        group: what must not be split or resampled apart (premise, article, document), prefixed with the
            text's origin (``xnli-dev:17``), so that groups of translated sets compare equal across tasks.
    """

    id: str
    group: str


@dataclass(frozen=True, slots=True)
class TaggedWords(Example):
    """A sentence split into words, with one tag a word."""

    words: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabelledText(Example):
    """One text, or two that belong together (premise and hypothesis), with one label."""

    first: str
    second: str | None
    label: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A gold answer and the character offset at which it stands in the context."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Question(Example):
    """A question on a context, with every gold answer; at least one."""

    question: str
    context: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Sentence(Example):
    """A sentence of a parallel set: its id is that of its translations."""

    text: str


@dataclass(frozen=True, slots=True)
class Query(Sentence):
    """A sentence that looks for others.

    Attributes:
        answers: ids of those that it should find, by the pool that they are looked for in (``all`` of them; those in
            its ``own`` language); empty where it has none, as most sentences of a comparable corpus.
    """

    answers: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class ValuedText(Example):
    """One text, or two that belong together, with a number: how alike they are, how good a text is."""

    first: str
    second: str | None
    value: float


@dataclass(frozen=True, slots=True)
class Options(Example):
    """A text with options to choose from or to rank, each with its gain: 1 for the right one, or graded relevance.

    Gains are finite and not negative; there are as many as options, and one option at least.
    """

    first: str
    options: tuple[str, ...]
    gains: tuple[float, ...]

    @property
    def shares(self) -> tuple[float, ...]:
        """Each option's share of all gains; zeros where no option has any."""
        total = sum(self.gains)
        return tuple(gain / total if total else 0.0 for gain in self.gains)


@dataclass(frozen=True, slots=True)
class Row:
    """One raw record of a file, before a task type has made an example of it.

    Attributes:
        fields: by column name; strings, or lists of strings for words and tags.
        where: file and line, for messages (``swh/test.txt, line 412``).
    """

    fields: Mapping[str, object]
    where: str


E = TypeVar("E", bound=Example, covariant=True)


@dataclass(frozen=True, slots=True)
class Corpus(Generic[E]):
    """One language of one split of one task, in file order, with the part of it that is used.

    Attributes:
        examples: everything in the split.
        fingerprint: sha256 over all that decides ``examples`` (files, reader, label map, split); hexadecimal.
        files: what was pooled, in order (treebanks, folders), relative to the data root.
        chosen: indices of the examples in use, ascending; None when all are.
    """

    task: str
    language: str
    split: str
    examples: tuple[E, ...]
    fingerprint: str
    files: tuple[str, ...] = ()
    chosen: tuple[int, ...] | None = None

    def __len__(self) -> int:
        return len(self.examples) if self.chosen is None else len(self.chosen)

    def __iter__(self) -> Iterator[E]:
        return iter(self.examples) if self.chosen is None else (self.examples[i] for i in self.chosen)

    def choose(self, indices: Sequence[int]) -> Corpus[E]:
        """The same corpus with only these of its examples in use; indices count in ``examples``."""
        return replace(self, chosen=tuple(sorted(indices)))

    @property
    def key(self) -> str:
        """What identifies the examples in use: the fingerprint, and a digest of the choice if there is one."""
        if self.chosen is None:
            return self.fingerprint
        return self.fingerprint + "/" + hashlib.sha256(repr(self.chosen).encode()).hexdigest()[:16]
