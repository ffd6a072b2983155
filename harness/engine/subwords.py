"""Sub-words of texts and words, by a tokenizer of the transformers library."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.engine.tokenizer import Frame, Ints, Pieces
from harness.errors import HarnessError


class Subwords:
    """A fast tokenizer as rows want it: bare tokens, and the special ones apart.

    Args:
        tokenizer: a ``PreTrainedTokenizerFast``.
    """

    def __init__(self, tokenizer: Any, name: str) -> None:
        if not getattr(tokenizer, "is_fast", False):
            raise HarnessError(f"{name}: its tokenizer has no fast form (tokenizer.json), which character offsets need")
        self._backend = tokenizer.backend_tokenizer
        self._backend.no_truncation()
        self._backend.no_padding()
        self.identity = hashlib.sha256(self._backend.to_str().encode()).hexdigest()
        self.pad = int(tokenizer.pad_token_id or 0)
        # a vocabulary of bytes has no unknown token and never needs one
        self.unknown = self.pad if tokenizer.unk_token_id is None else int(tokenizer.unk_token_id)
        self.frame = _frame(self._backend)

    def encode(self, texts: Sequence[str]) -> list[Pieces]:
        """Tokens of each text with their characters."""
        found = self._backend.encode_batch(list(texts), add_special_tokens=False)
        return [Pieces(e.ids, e.offsets) for e in found]

    def encode_words(self, sentences: Sequence[Sequence[str]]) -> list[list[list[int]]]:
        """Tokens of each word; a word that the tokenizer drops (a lone control character) has none."""
        batch = self._backend.encode_batch([list(s) for s in sentences], is_pretokenized=True, add_special_tokens=False)
        out: list[list[list[int]]] = []
        for sentence, found in zip(sentences, batch, strict=True):
            pieces: list[list[int]] = [[] for _ in sentence]
            for token, word in zip(found.ids, found.word_ids, strict=True):
                pieces[word].append(token)
            out.append(pieces)
        return out

    def types(self, ids: Ints) -> tuple[Ints, Ints, Ints]:
        """The tokens unchanged: they are entries of a vocabulary."""
        return ids, np.zeros(0, np.int32), np.zeros(0, np.int64)


def _frame(backend: Any) -> Frame:
    one, two = backend.encode("a"), backend.encode("a", "b")
    inside = [i for i, part in enumerate(one.sequence_ids) if part is not None]
    single = tuple(one.ids[: inside[0]]), tuple(one.ids[inside[-1] + 1 :])
    first, second = ([i for i, part in enumerate(two.sequence_ids) if part == side] for side in (0, 1))
    cuts = [0, first[0], first[-1] + 1, second[0], second[-1] + 1, len(two.ids)]
    spans = [slice(cuts[i], cuts[i + 1]) for i in range(5)]
    before, _, between, _, after = (tuple(two.ids[span]) for span in spans)
    segments = [two.type_ids[span][0] if two.type_ids[span] else 0 for span in spans]
    return Frame(single, (before, between, after), (segments[0], segments[1], segments[2], segments[3], segments[4]))
