from dataclasses import replace

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from harness.engine.batches import Resident, batches_of, items_of

LENGTHS = hnp.arrays(np.int64, st.integers(0, 60), elements=st.integers(1, 40))


@given(LENGTHS, st.integers(1, 200))
def test_every_row_is_once_in_a_batch_within_the_budget(lengths, budget):
    batches = batches_of(lengths, budget)
    parts = list(batches)
    assert sorted(row for part in parts for row in part) == list(range(len(lengths)))
    assert all(len(part) == 1 or len(part) * lengths[part].max() <= budget for part in parts)
    assert batches.computed == sum(len(part) * lengths[part].max() for part in parts)
    assert batches.real == lengths.sum()


@given(LENGTHS, st.integers(1, 200))
def test_the_inverse_restores_the_order(lengths, budget):
    batches = batches_of(lengths, budget)
    computed = np.concatenate([*batches]) if len(batches) else np.zeros(0, np.int64)
    assert computed[batches.inverse].tolist() == list(range(len(lengths)))


def test_a_large_pool_has_next_to_no_padding():
    draw = np.random.default_rng(0)
    lengths = np.clip(draw.lognormal(3.0, 0.6, 8000), 4, 128).astype(np.int64)
    assert batches_of(lengths, 2048).ratio <= 1.02
    unsorted = lengths.reshape(-1, 32)
    assert unsorted.max(axis=1).sum() * 32 / lengths.sum() > 2  # what fixed batches in file order would compute


@given(hnp.arrays(np.int64, st.integers(1, 20), elements=st.integers(1, 12)), st.randoms())
def test_a_batch_holds_its_rows_and_padding_nowhere_else(tokens_with, lengths, random):
    tokens = tokens_with(lengths)
    rows = np.asarray(random.sample(range(len(lengths)), random.randint(1, len(lengths))))
    cpu = torch.device("cpu")
    batch, at = Resident(tokens, 0, cpu).batch(rows)
    for line, mask, row in zip(batch.ids, batch.mask, rows, strict=True):
        expected = list(range(tokens.offsets[row] + 1, tokens.offsets[row + 1] + 1))
        assert line[mask].tolist() == expected
        assert line[~mask].eq(0).all()
    assert at.tolist() == tokens.flat(rows).tolist()
    assert batch.ids.flatten()[batch.real].tolist() == tokens.ids[at.numpy()].tolist()
    assert torch.equal(batch.mask.sum(1), torch.from_numpy(batch.lengths))
    alone, _ = Resident(tokens.select(rows), 0, cpu).batch(np.arange(len(rows)))
    assert torch.equal(alone.ids, batch.ids)


ITEMS = st.lists(st.lists(st.integers(1, 40), min_size=1, max_size=6), max_size=20)


@given(ITEMS, st.integers(1, 400))
def test_items_of_several_rows_stay_whole_and_within_the_budget(items, budget):
    lengths, sizes = (np.asarray([f(item) for item in items], np.int64) for f in (max, len))
    parts = list(batches_of(lengths, budget, sizes))
    assert sorted(item for part in parts for item in part) == list(range(len(items)))
    assert all(len(part) == 1 or sizes[part].sum() * lengths[part].max() <= budget for part in parts)


@given(LENGTHS, st.integers(1, 200))
def test_items_of_one_row_are_batched_as_rows(lengths, budget):
    rows, items = batches_of(lengths, budget), batches_of(lengths, budget, np.ones_like(lengths))
    assert rows.cuts.tolist() == items.cuts.tolist()
    assert (rows.real, rows.computed) == (items.real, items.computed)


@given(ITEMS, st.randoms())
def test_items_name_the_rows_of_their_examples(tokens_with, items, random):
    tokens = tokens_with(np.asarray([length for item in items for length in item], np.int64))
    tokens = replace(tokens, example=np.repeat(np.arange(len(items)), [len(item) for item in items]))
    together, alone = items_of(tokens, together=True), items_of(tokens, together=False)
    assert together.sizes.tolist() == [len(item) for item in items]
    assert together.lengths.tolist() == [max(item) for item in items]
    chosen = np.asarray(random.sample(range(len(items)), random.randint(0, len(items))), np.int64)
    expected = [row for item in chosen for row in np.flatnonzero(tokens.example == item)]
    assert together.rows(chosen).tolist() == expected
    rows = np.asarray(random.sample(range(len(tokens)), len(tokens)), np.int64)
    assert alone.rows(rows).tolist() == rows.tolist()
    assert alone.lengths.tolist() == tokens.lengths.tolist()
