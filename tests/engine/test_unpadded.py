"""Encoders without padding give what transformers' own forward gives, padded, whatever the rows of a batch."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    RobertaConfig,
    RobertaModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from harness.engine.batches import Resident
from harness.engine.forward import forward
from harness.engine.tokens import Tokens
from harness.engine.unpadded import first_states, hidden_states, same

CPU, PAD, WORDS = torch.device("cpu"), 1, 40
SIZE = {
    "vocab_size": WORDS, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 48,
    "max_position_embeddings": 40, "pad_token_id": PAD,
}  # fmt: skip
KINDS = {
    "bert": (BertModel, BertConfig(**SIZE)),
    "roberta": (RobertaModel, RobertaConfig(**SIZE, type_vocab_size=1)),
    "xlmr": (XLMRobertaModel, XLMRobertaConfig(**SIZE, type_vocab_size=1)),
}


def model_of(kind):
    """Random weights large enough that positions and masks matter."""
    make, config = KINDS[kind]
    torch.manual_seed(0)
    net = make(config).eval()
    for parameter in net.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.2)
    return net


MODELS = {kind: model_of(kind) for kind in KINDS}


def tokens_of(lengths, seed, kind):
    draw = np.random.default_rng(seed)
    total, none = int(np.sum(lengths)), np.zeros(0, np.int64)
    # the padding token itself may stand in a text, where a row says <pad>
    ids = draw.integers(0, WORDS, total)
    segments = np.sort(draw.integers(0, 2, total)) if kind == "bert" else np.zeros(total, np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return Tokens(ids, segments, offsets, np.arange(len(lengths)), none, none, none, none, none)


@torch.inference_mode()
def by_transformers(net, batch):
    """The library's forward as its documentation says: padded, with a mask."""
    segments = {"token_type_ids": batch.segments} if net.config.type_vocab_size > 1 else {}
    return net(batch.ids, attention_mask=batch.mask.long(), output_hidden_states=True, **segments).hidden_states


def near(ours, theirs):
    return bool((ours - theirs).abs().max() <= 1e-5 * theirs.abs().max())


LENGTHS = st.lists(st.integers(1, 30), min_size=1, max_size=12)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(lengths=LENGTHS, seed=st.integers(0, 1000))
def test_every_layer_is_what_a_padded_forward_gives(kind, lengths, seed):
    net, tokens = MODELS[kind], tokens_of(lengths, seed, kind)
    batch, _ = Resident(tokens, PAD, CPU).batch(np.arange(len(lengths)))
    theirs = by_transformers(net, batch)
    with torch.inference_mode():
        ours = hidden_states(net, batch, [0, 1, -1, 2])
        first = first_states(net, batch)
    for mine, number in zip(ours, (0, 1, 3, 2), strict=True):
        assert near(mine[batch.mask], theirs[number][batch.mask])
        assert mine[~batch.mask].eq(0).all()
    assert near(first, theirs[-1][:, 0])


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, deadline=None)
@given(lengths=LENGTHS, seed=st.integers(0, 1000), budget=st.integers(1, 200), data=st.data())
def test_scores_do_not_depend_on_the_pool_or_the_budget(kind, lengths, seed, budget, data):
    net, tokens = MODELS[kind], tokens_of(lengths, seed, kind)

    def states(pool, budget=None):
        return forward(lambda b: hidden_states(net, b, [-1])[0], pool, CPU, per_token=True, pad=PAD, budget=budget)

    whole = states(tokens)
    scale = np.abs(whole).max()
    assert np.abs(states(tokens, budget) - whole).max() <= 1e-5 * scale
    rows = np.asarray(data.draw(st.lists(st.sampled_from(range(len(lengths))), min_size=1, unique=True)))
    assert np.abs(states(tokens.select(rows), budget) - whole[tokens.flat(rows)]).max() <= 1e-5 * scale


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_decided_clearly_is_decided_as_by_transformers(kind):
    net = MODELS[kind]
    tokens = tokens_of(np.random.default_rng(5).integers(1, 38, 200), 5, kind)
    head = torch.nn.Linear(32, 5)
    with torch.inference_mode():
        alone = []
        for start, end in zip(tokens.offsets[:-1], tokens.offsets[1:], strict=True):
            ids, segments = (torch.from_numpy(part[start:end])[None] for part in (tokens.ids, tokens.segments))
            kinds = {"token_type_ids": segments} if kind == "bert" else {}
            alone.append(head(net(ids, **kinds).last_hidden_state[:, 0]))
    theirs = torch.cat(alone)
    ours = forward(lambda b: head(first_states(net, b)), tokens, CPU, per_token=False, pad=PAD, budget=300)
    best = theirs.topk(2).values
    clear = (best[:, 0] - best[:, 1] > 1e-4).numpy()
    assert clear.mean() > 0.9
    assert np.array_equal(ours.argmax(1)[clear], theirs.argmax(1).numpy()[clear])


@pytest.mark.parametrize("kind", KINDS)
def test_the_known_models_are_the_same(kind):
    assert same(MODELS[kind], PAD)


def test_positions_that_start_elsewhere_are_found_out():
    net = copy.deepcopy(MODELS["xlmr"])
    net.config.model_type = "bert"  # as if positions were counted from 0
    assert not same(net, PAD)


def test_a_model_that_looks_back_alone_is_not_the_same():
    config = copy.deepcopy(KINDS["bert"][1])
    config.is_decoder = True
    assert not same(BertModel(config).eval(), PAD)


def test_other_kinds_of_models_are_left_to_the_library():
    config = DistilBertConfig(vocab_size=WORDS, dim=32, n_layers=1, n_heads=4, hidden_dim=48)
    assert not same(DistilBertModel(config).eval(), PAD)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_waits_for_the_device(kind):
    # a tensor without values cannot be read: whatever asks the device for a number, or for a shape, fails here
    nowhere = torch.device("meta")
    tokens = tokens_of([9, 7, 7, 3], 0, kind)
    net = copy.deepcopy(MODELS[kind]).to(nowhere)
    resident = Resident(tokens, PAD, nowhere)
    with torch.inference_mode():
        batch, at = resident.batch(np.arange(4), torch.arange(4, device=nowhere))
        states = hidden_states(net, batch, [-1])[0]
        out = states.new_empty((26, 32)).index_copy_(0, at, states.flatten(0, 1)[batch.real])
    assert (states.shape, out.shape, first_states(net, batch).shape) == ((4, 9, 32), (26, 32), (4, 32))
