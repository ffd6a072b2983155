"""A small transformer on hashed character n-grams, trained in seconds, that transfers between languages."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from harness.data.examples import Corpus, Example
from harness.engine.batches import Batch
from harness.engine.tokens import Tokens
from harness.errors import HarnessError
from harness.models.alignment import aligned_vectors, random_vectors
from harness.models.base import MODELS
from harness.models.hashed import FORMS, Hashed
from harness.models.neural import Neural
from harness.spec import ModelSpec


@dataclass(frozen=True, slots=True)
class Options:
    """What ``options`` of a tiny model may say.

    Attributes:
        width: of vectors and hidden states.
        layers: of the transformer.
        heads: of each layer's attention.
        buckets: rows of the table that n-grams are hashed into.
        ngrams: lengths of the n-grams.
        init: ``svd`` for vectors that parallel sentences have aligned, ``none`` for random ones.
        pretraining: the task whose sentences these are.
        amounts: sentences of each language.
    """

    width: int = 96
    layers: int = 2
    heads: int = 4
    buckets: int = 2**16
    ngrams: tuple[int, ...] = (1, 2, 3, 4)
    init: str = "svd"
    pretraining: str = ""
    amounts: Mapping[str, int] = field(default_factory=dict)


class TinyNet(nn.Module):
    """A transformer over frozen vectors, told of each token how well the other text matches it."""

    def __init__(self, options: Options) -> None:
        super().__init__()
        width = options.width
        self.project = nn.Linear(width + 1 + FORMS + MATCHES + 1, width)
        self.norm = nn.LayerNorm(width)
        self.local = nn.Conv1d(width, width, 3, padding=1)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, options.heads, 2 * width, 0.1, "gelu", batch_first=True, norm_first=True)
            for _ in range(options.layers)
        )
        self.last = nn.LayerNorm(width)

    def forward(self, batch: Batch) -> Tensor:
        """Hidden states (rows, longest, width); the first token's also carries the mean of the row."""
        assert batch.table is not None
        given = batch.table[batch.ids]
        vectors = given[..., : -1 - FORMS]
        matches = matched(vectors, batch.segments, batch.mask)
        # entries of a unit vector are small beside the ones of its written form
        scaled = vectors * math.sqrt(vectors.shape[-1])
        segments = batch.segments[..., None].to(given.dtype)
        features = torch.cat([scaled, given[..., -1 - FORMS :], matches, segments], dim=-1)
        hidden = self.norm(self.project(features))
        real = batch.mask[..., None].to(hidden.dtype)
        hidden = hidden + nn.functional.gelu(self.local((hidden * real).transpose(1, 2)).transpose(1, 2))
        hidden = hidden + positions(hidden)
        for layer in self.layers:
            hidden = layer(hidden, src_key_padding_mask=~batch.mask)
        hidden = self.last(hidden)
        mean = (hidden * real).sum(1) / real.sum(1)
        # a head that reads the first token alone learns from few examples only if it sees all of them
        return torch.cat([hidden[:, :1] + mean[:, None], hidden[:, 1:]], dim=1)


MATCHES = 3
"""Features of ``matched``."""


def matched(vectors: Tensor, segments: Tensor, mask: Tensor) -> Tensor:
    """The highest cosine of each token to the other text's tokens, and its averages over 5 and 21 tokens around.

    Args:
        vectors: (rows, longest, width), unit or zero.
        segments: (rows, longest).
        mask: (rows, longest).

    Returns:
        (rows, longest, 3), in [0, 1]; zero where there is no other text.
    """
    other = (segments[:, :, None] != segments[:, None, :]) & mask[:, :, None] & mask[:, None, :]
    best = (vectors @ vectors.transpose(1, 2)).masked_fill(~other, 0.0).amax(dim=-1, keepdim=True).clamp(min=0.0)
    line = best.transpose(1, 2)
    around = [nn.functional.avg_pool1d(line, size, 1, size // 2) for size in (5, 21)]
    return torch.cat([line, *around], dim=1).transpose(1, 2)


def positions(hidden: Tensor) -> Tensor:
    """Sinusoids (longest, width), as in Vaswani et al. (2017), at a tenth of their size."""
    length, width = hidden.shape[1:]
    rate = torch.exp(torch.arange(0, width, 2, device=hidden.device) * (-math.log(10000.0) / width))
    angle = torch.arange(length, device=hidden.device)[:, None] * rate
    return 0.1 * torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[:, :width].to(hidden.dtype)


class Small:
    """The backbone: n-gram vectors that stay as they are, and a network that starts from nothing."""

    prefix = ""

    def __init__(self, spec: ModelSpec, cache: Path, pretraining: Mapping[str, Corpus[Example]]) -> None:
        self.options = _options(spec)
        self.width = self.options.width
        self.threads = spec.threads
        self.cache = cache
        self.pretraining = pretraining
        self.tokenizer = Hashed(self.options.buckets, self.options.ngrams)
        self.pad = self.tokenizer.pad

    def identity(self) -> Mapping[str, object]:
        """The sentences that aligned the vectors."""
        if self.options.init == "none":
            return {}
        return {"pretraining": {language: self.pretraining[language].key for language in self._amounts}}

    def build(self) -> TinyNet:
        """A network with weights from torch's random state."""
        return TinyNet(self.options)

    def table(self, tokens: Tokens) -> Tensor:
        """For each token type its unit vector, the length that it had, and its written form, (types, width + 13)."""
        grams, offsets = np.asarray(tokens.grams), np.asarray(tokens.gram_offsets)
        ngram = grams < self.options.buckets
        starts = offsets[:-1] - np.arange(len(offsets) - 1)  # less the one form of each type before
        bags = torch.from_numpy(grams[ngram].astype(np.int64)), torch.from_numpy(starts.astype(np.int64))
        sums = nn.functional.embedding_bag(bags[0], self.vectors, bags[1], mode="sum")
        forms = torch.from_numpy(grams[~ngram].astype(np.int64) - self.options.buckets)
        lengths = sums.norm(dim=1, keepdim=True)
        unit = sums / lengths.clamp(min=1e-9)
        return torch.cat([unit, lengths.log1p(), nn.functional.one_hot(forms, FORMS)], dim=1)

    def pooled(self, net: nn.Module, batch: Batch) -> Tensor:  # noqa: ARG002
        """The mean of the vectors in their own lengths, in which rare n-grams weigh more; the network has no part."""
        assert batch.table is not None
        given = batch.table[batch.ids]
        vectors, lengths = given[..., : -1 - FORMS], given[..., -1 - FORMS, None].expm1()
        real = batch.mask[..., None]
        return (vectors * lengths * real).sum(1) / real.sum(1)

    @cached_property
    def vectors(self) -> Tensor:
        """Vectors of the buckets, (buckets, width)."""
        o = self.options
        if o.init == "none":
            return torch.from_numpy(random_vectors(o.buckets, o.width))
        return torch.from_numpy(
            aligned_vectors(self.tokenizer, o.width, self.pretraining, self._amounts, self.cache, self.threads)
        )

    @property
    def _amounts(self) -> Mapping[str, int]:
        return self.options.amounts or {language: len(corpus) for language, corpus in self.pretraining.items()}


@MODELS.add("tiny")
class Tiny(Neural):
    """The embedded benchmark's own network."""

    @cached_property
    def backbone(self) -> Small:
        """Vectors by the specification's options."""
        return Small(self.spec, self.cache, self.pretraining)


def _options(spec: ModelSpec) -> Options:
    given: dict[str, Any] = dict(spec.options)
    try:
        options = Options(**{**given, "ngrams": tuple(given.get("ngrams", Options().ngrams))})
    except TypeError as error:
        raise HarnessError(
            f"model {spec.name}: {error}; its options are those of harness.models.tiny.Options"
        ) from None
    if options.init not in {"svd", "none"}:
        raise HarnessError(f"model {spec.name}: init is {options.init!r}, and must be 'svd' or 'none'")
    if options.width % options.heads:
        raise HarnessError(f"model {spec.name}: width {options.width} does not split into {options.heads} heads")
    return options
