import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from harness.engine.batches import batch_of, batches_of, token_index

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
    batch = batch_of(tokens, rows, 0, torch.device("cpu"))
    for line, mask, row in zip(batch.ids, batch.mask, rows, strict=True):
        expected = list(range(tokens.offsets[row] + 1, tokens.offsets[row + 1] + 1))
        assert line[mask].tolist() == expected
        assert line[~mask].eq(0).all()
    assert (
        batch.ids.flatten()[torch.from_numpy(token_index(tokens, rows))].tolist()
        == tokens.ids[tokens.flat(rows)].tolist()
    )
