"""The tags of a corpus as one array of integers, as data sets store them; metrics of tags take it in place of lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.metrics.base import check_paired

Integers = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class TagArray(Sequence[tuple[str, ...]]):
    """The tags of a corpus; a sequence of sentences, each a tuple of strings, for those who do not want the integers.

    Attributes:
        names: the tags; a code counts in them.
        codes: of every word, sentence after sentence, (words,).
        offsets: where each sentence begins in ``codes``, and where the last one ends, (sentences + 1,). An Arrow list
            column holds these two arrays.

    Raises:
        HarnessError: a code has no name or is no integer, or the offsets do not divide the codes.
    """

    names: tuple[str, ...]
    codes: Integers
    offsets: Integers

    def __post_init__(self) -> None:
        for integers in (self.codes, self.offsets):
            if not np.can_cast(integers.dtype, np.int64):
                raise HarnessError(f"tag codes and offsets are integers that int64 can hold; got {integers.dtype}")
        if len(self.codes) and not 0 <= self.codes.min() <= self.codes.max() < len(self.names):
            raise HarnessError(
                f"tag codes from {self.codes.min()} to {self.codes.max()} for {len(self.names)} names of tags; "
                f"codes below 0 often stand for hidden labels"
            )
        starts = self.offsets
        if not len(starts) or starts[0] != 0 or starts[-1] != len(self.codes) or (np.diff(starts) < 0).any():
            raise HarnessError(f"the offsets do not divide {len(self.codes)} tags into sentences")

    def fits(self, other: TagArray) -> bool:
        """Whether another has the same names of tags and sentences of the same lengths."""
        return self.names == other.names and np.array_equal(self.offsets, other.offsets)

    @property
    def sentence(self) -> Integers:
        """The index of each word's sentence, (words,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int) -> tuple[str, ...]: ...
    @overload
    def __getitem__(self, index: slice) -> list[tuple[str, ...]]: ...
    def __getitem__(self, index: int | slice) -> tuple[str, ...] | list[tuple[str, ...]]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        return tuple(self.names[code] for code in self.codes[self.offsets[place] : self.offsets[place + 1]])


def coded(gold: Sequence[Any], predicted: Sequence[Any]) -> tuple[TagArray, TagArray]:
    """Gold and predicted answers, labels or lists of tags, as arrays with the same names; a label is one tag.

    Raises:
        HarnessError: predictions are missing, a sentence has another number of tags than its gold, or an answer is
            neither a label nor a list of tags.
    """
    check_paired(gold, predicted)
    if isinstance(gold, TagArray) and isinstance(predicted, TagArray) and gold.fits(predicted):
        return gold, predicted
    numbers = _Numbers()
    try:
        (truth, offsets), (guess, ends) = _encode(gold, numbers), _encode(predicted, numbers)
    except TypeError:
        raise _first_fault(gold, predicted) from None
    if len(gold) and (_are_labels(gold) != _are_labels(predicted) or (offsets != ends).any()):
        raise _first_fault(gold, predicted)
    names = tuple(numbers)
    return TagArray(names, truth, offsets), TagArray(names, guess, offsets)


class _Numbers(dict[str, int]):
    """Numbers each tag when it is first asked for."""

    def __missing__(self, tag: str) -> int:
        self[tag] = len(self)
        return self[tag]


def _encode(answers: Sequence[Any], numbers: _Numbers) -> tuple[Integers, Integers]:
    """Codes and offsets of labels, of lists of tags, or of an array with names of its own; TypeError for others."""
    if isinstance(answers, TagArray):
        known = np.array([numbers[name] for name in answers.names], np.int64)
        same = (known == np.arange(len(known))).all()
        return answers.codes if same else known[answers.codes], answers.offsets
    tags: Iterable[str] = answers
    offsets = np.arange(len(answers) + 1)
    if not _are_labels(answers):
        np.cumsum(np.fromiter(map(len, answers), np.int64, len(answers)), out=offsets[1:])
        tags = chain.from_iterable(answers)
    codes = np.fromiter(map(numbers.__getitem__, tags), np.int64, offsets[-1])
    # a string among lists of tags would be taken apart into letters
    if not _are_labels(numbers) or (_strings(answers) and not _are_labels(answers)):
        raise TypeError
    return codes, offsets


def _strings(answers: Iterable[Any]) -> bool:
    """Whether a string is among the answers."""
    return any(issubclass(kind, str) for kind in set(map(type, answers)))


def _are_labels(answers: Iterable[Any]) -> bool:
    """Whether all answers are strings."""
    return not isinstance(answers, TagArray) and all(issubclass(kind, str) for kind in set(map(type, answers)))


def _first_fault(gold: Sequence[Any], predicted: Sequence[Any]) -> HarnessError:
    """The error that names the first answer which does not fit."""
    for i, (truth, guess) in enumerate(zip(gold, predicted, strict=True)):
        if isinstance(truth, str):
            if not isinstance(guess, str):
                return HarnessError(f"example {i}: {guess!r} is no label")
        elif not isinstance(truth, list | tuple) or not all(isinstance(tag, str) for tag in truth):
            return HarnessError(f"example {i}: gold {truth!r} is neither a label nor a list of tags")
        elif not isinstance(guess, list | tuple) or not all(isinstance(tag, str) for tag in guess):
            return HarnessError(f"example {i}: {guess!r} for {len(truth)} words; there must be one tag a word")
        elif len(truth) != len(guess):
            return HarnessError(
                f"example {i}: {len(guess)} predicted tags for {len(truth)} words; there must be one tag a word"
            )
    return HarnessError("labels and lists of tags are mixed: answers must be all of one kind")
