"""Encoders of BERT's family on rows laid end to end: padding is never computed, and attention needs no mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from harness.engine.batches import Batch
from harness.engine.tokens import Ints

BEHIND_PADDING = {"bert": False, "camembert": True, "roberta": True, "xlm-roberta": True}
"""Model types that are known here, and whether their positions are counted from behind the padding token's number."""

EQUAL = 1e-5  # of the largest state


def hidden_states(model: Any, batch: Batch, wanted: Sequence[int]) -> list[Tensor]:
    """The states of several layers, (rows, longest, width) each and zero at padding; -1 is the last, 0 the embeddings.

    The model's own parts compute them, packed or not, in any precision; only what passes between tokens is arranged
    here.

    Args:
        model: of a type in ``BEHIND_PADDING``, that ``same`` has compared.
        batch: what to encode.
        wanted: numbers of layers.
    """
    layers = model.encoder.layer
    kept = dict.fromkeys(number % (len(layers) + 1) for number in wanted)
    states = _embedded(model, batch)
    runs = _runs(batch.lengths)
    for number in range(max(kept) + 1):
        if number:
            states = _layer(layers[number - 1], states, states, runs)
        if number in kept:
            kept[number] = _padded(states, batch)
    return [cast("Tensor", kept[number % (len(layers) + 1)]) for number in wanted]


def first_states(model: Any, batch: Batch) -> Tensor:
    """The last states of the first token of each row, (rows, width): the last layer computes no others."""
    *layers, last = model.encoder.layer
    states = _embedded(model, batch)
    runs = _runs(batch.lengths)
    for layer in layers:
        states = _layer(layer, states, states, runs)
    counts = batch.mask.sum(1)
    return _layer(last, states[counts.cumsum(0) - counts], states, runs)


def _embedded(model: Any, batch: Batch) -> Tensor:
    ids, segments = (part.flatten()[batch.real] for part in (batch.ids, batch.segments))
    if model.config.type_vocab_size < 2:
        segments = torch.zeros_like(segments)
    places = _positions(model, batch)
    found = model.embeddings(input_ids=ids[None], token_type_ids=segments[None], position_ids=places[None])
    return cast("Tensor", found[0])


def _positions(model: Any, batch: Batch) -> Tensor:
    """The position of every real token, (tokens,)."""
    if not BEHIND_PADDING[model.config.model_type]:
        return batch.real % batch.ids.shape[1]
    # as the library counts: a padding token inside a text takes no position
    counted = batch.ids.ne(model.embeddings.padding_idx).long()
    positions = counted.cumsum(1) * counted + model.embeddings.padding_idx
    return cast("Tensor", positions.flatten()[batch.real])


def _runs(lengths: Ints) -> list[tuple[int, int]]:
    """Rows that follow each other and are equally long: how many, and how long. Rows sorted by length are few runs."""
    starts = np.flatnonzero(np.diff(lengths, prepend=-1))
    return list(zip(np.diff(starts, append=len(lengths)).tolist(), lengths[starts].tolist(), strict=True))


def _layer(layer: Any, asking: Tensor, states: Tensor, runs: Sequence[tuple[int, int]]) -> Tensor:
    """The next states of those tokens that ask, which are all of them or the first of each row."""
    asking = layer.attention.output(_attend(layer.attention.self, asking, states, runs), asking)
    return cast("Tensor", layer.output(layer.intermediate(asking), asking))


def _attend(attention: Any, asking: Tensor, states: Tensor, runs: Sequence[tuple[int, int]]) -> Tensor:
    """What each asking token takes from the tokens of its row, (asking, width)."""
    sizes = [rows * length for rows, length in runs]
    asked = sizes if asking is states else [rows for rows, _ in runs]
    queries = attention.query(asking).split(asked)
    keys, values = (part(states).split(sizes) for part in (attention.key, attention.value))
    dropout = attention.dropout.p if attention.training else 0.0
    found = []
    for (rows, _), *run in zip(runs, queries, keys, values, strict=True):
        query, key, value = (
            part.view(rows, -1, attention.num_attention_heads, attention.attention_head_size).transpose(1, 2)
            for part in run
        )
        context = scaled_dot_product_attention(query, key, value, dropout_p=dropout)
        found.append(context.transpose(1, 2).flatten(0, 1).flatten(1))
    return found[0] if len(found) == 1 else torch.cat(found)


def _padded(states: Tensor, batch: Batch) -> Tensor:
    rows, longest = batch.ids.shape
    empty = states.new_zeros(rows * longest, states.shape[-1])
    return empty.index_copy(0, batch.real, states).view(rows, longest, -1)


@torch.inference_mode()
def same(model: nn.Module, pad: int) -> bool:
    """Whether this way of computing a model gives what the model's own does, up to rounding: compared on a few rows.

    A model of another type, or one that its configuration has changed in a way that is not known here, is not the same.
    """
    config = cast("Any", model.config)
    if config.model_type not in BEHIND_PADDING or not hasattr(model, "encoder") or model.training:
        return False
    device = next(model.parameters()).device
    draw = torch.Generator().manual_seed(0)
    lengths = np.array([7, 7, 5, 2])
    mask = torch.arange(7) < torch.from_numpy(lengths)[:, None]
    ids = torch.randint(0, config.vocab_size, mask.shape, generator=draw).where(mask, pad).to(device)
    segments = torch.randint(0, config.type_vocab_size, mask.shape, generator=draw).to(device)
    batch = Batch(ids, mask.to(device), segments, lengths, mask.flatten().nonzero()[:, 0].to(device))
    own = model(ids, attention_mask=batch.mask.long(), token_type_ids=segments).last_hidden_state
    (ours,) = hidden_states(model, batch, [-1])
    away = max((ours - own)[batch.mask].abs().max(), (first_states(model, batch) - own[:, 0]).abs().max())
    return bool(away <= EQUAL * own[batch.mask].abs().max())
