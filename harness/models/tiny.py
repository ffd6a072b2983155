"""A small transformer on hashed character n-grams, trained in seconds, that transfers between languages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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
from harness.models.base import MODELS, View
from harness.models.hashed import FORMS, PUNCTUATION, Hashed
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
    """A transformer over frozen vectors, told of each token how well the other text matches it and its clause.

    Half of the heads of each layer see no further than a token's own clause.
    """

    def __init__(self, options: Options) -> None:
        super().__init__()
        width = options.width
        self.heads = options.heads
        # without it the network learns the words of the source by heart, which is little use to a neighbour's
        self.blur = nn.Dropout(0.1)
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
        parts = [given.shape[-1] - 2 - FORMS, 1, 1, FORMS]
        vectors, trust, lengths, forms = torch.split(given, parts, dim=-1)
        stop = forms[..., PUNCTUATION].sum(-1)
        clauses = same_clause(stop, batch.segments, batch.mask)
        weights = lengths.expm1() * (batch.mask * (1 - stop))[..., None]
        matches = matched(vectors, weights, clauses, batch.segments, batch.mask)
        # entries of a unit vector are small beside the ones of its written form; a name never seen is to be read from
        # what stands around it
        scaled = self.blur(trust * vectors * math.sqrt(vectors.shape[-1]))
        segments = batch.segments[..., None].to(given.dtype)
        features = torch.cat([scaled, lengths, forms, matches, segments], dim=-1)
        # matches are computed in the table's float32, whatever the network's own numbers are
        hidden = self.norm(self.project(features.to(self.project.weight.dtype)))
        real = batch.mask[..., None].to(hidden.dtype)
        hidden = hidden + nn.functional.gelu(self.local((hidden * real).transpose(1, 2)).transpose(1, 2))
        hidden = hidden + positions(hidden)
        left_out = unseen(clauses, batch.mask, self.heads)
        for layer in self.layers:
            hidden = layer(hidden, src_mask=left_out)
        hidden = self.last(hidden)
        mean = (hidden * real).sum(1) / real.sum(1)
        # a head that reads the first token alone learns from few examples only if it sees all of them
        return torch.cat([hidden[:, :1] + mean[:, None], hidden[:, 1:]], dim=1)


CHANCE = 0.25
"""Length of a token's vector, per n-gram, at which it is trusted by half; an n-gram's own is 1 on average."""

MATCHES = 3
"""Features of ``matched``."""


def same_clause(stop: Tensor, segments: Tensor, mask: Tensor) -> Tensor:
    """Which tokens stand in one text with no punctuation between them, (rows, longest, longest).

    Args:
        stop: (rows, longest), 1 for punctuation, which ends the clause that it is part of.
        segments: (rows, longest).
        mask: (rows, longest).
    """
    clause = stop.cumsum(1) - stop
    together = (clause[:, :, None] == clause[:, None, :]) & (segments[:, :, None] == segments[:, None, :])
    return together & mask[:, :, None] & mask[:, None, :]


def matched(vectors: Tensor, weights: Tensor, clauses: Tensor, segments: Tensor, mask: Tensor) -> Tensor:
    """How well the other text matches a token, its clause, and token and clause together.

    A token's match is its highest cosine to the other text's tokens, a clause's the mean of its tokens'. The last is
    the highest product of a cosine and of the match of that other token's clause.

    Args:
        vectors: (rows, longest, width), unit or zero.
        weights: (rows, longest, 1) of the tokens in the mean of their clause.
        clauses: (rows, longest, longest), as by ``same_clause``.
        segments: (rows, longest).
        mask: (rows, longest).

    Returns:
        (rows, longest, 3), in [0, 1]; zero where there is no other text.
    """
    other = (segments[:, :, None] != segments[:, None, :]) & mask[:, :, None] & mask[:, None, :]
    cosines = (vectors @ vectors.transpose(1, 2)).masked_fill(~other, 0.0).clamp(min=0.0)
    token = cosines.amax(dim=-1, keepdim=True)
    members = clauses.to(vectors.dtype)
    clause = (members @ (token * weights)) / (members @ weights).clamp(min=1e-6)
    both = (cosines * clause.transpose(1, 2)).amax(dim=-1, keepdim=True)
    return torch.cat([token, clause, both], dim=-1)


def unseen(clauses: Tensor, mask: Tensor, heads: int) -> Tensor:
    """What attention leaves out, (rows * heads, longest, longest): the first half of the heads stays in the clause."""
    near = torch.arange(heads, device=mask.device) < heads // 2
    seen = torch.where(near[:, None, None], clauses[:, None], mask[:, None, None, :])
    # padding sees itself: the mean over nothing would be NaN, and spread
    itself = torch.eye(mask.shape[1], dtype=torch.bool, device=mask.device)
    return ~(seen | itself).flatten(0, 1)


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
        """For each token type its unit vector, how far to trust it, its length, and its form, (types, width + 14).

        The n-grams of a known word point one way; those of an unknown one cancel out.
        """
        grams, offsets = np.asarray(tokens.grams), np.asarray(tokens.gram_offsets)
        ngram = grams < self.options.buckets
        starts = offsets[:-1] - np.arange(len(offsets) - 1)  # less the one form of each type before
        bags = torch.from_numpy(grams[ngram].astype(np.int64)), torch.from_numpy(starts.astype(np.int64))
        sums = nn.functional.embedding_bag(bags[0], self.vectors, bags[1], mode="sum")
        forms = torch.from_numpy(grams[~ngram].astype(np.int64) - self.options.buckets)
        lengths = sums.norm(dim=1, keepdim=True)
        unit = sums / lengths.clamp(min=1e-9)
        chance = CHANCE * torch.from_numpy(np.diff(offsets) - 1.0)[:, None].float()
        trust = lengths / (lengths + chance).clamp(min=1e-9)
        return torch.cat([unit, trust, lengths.log1p(), nn.functional.one_hot(forms, FORMS)], dim=1)

    def pooled(self, net: nn.Module, batch: Batch, views: Sequence[View]) -> Tensor:  # noqa: ARG002
        """The mean of the vectors in their own lengths, in which rare n-grams weigh more; the network has no part.

        So there are no layers, and all views are alike.
        """
        assert batch.table is not None
        given = batch.table[batch.ids]
        vectors, lengths = given[..., : -2 - FORMS], given[..., -1 - FORMS, None].expm1()
        real = batch.mask[..., None]
        mean = (vectors * lengths * real).sum(1) / real.sum(1)
        return mean[:, None].expand(-1, len(views), -1)

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
