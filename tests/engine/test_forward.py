import logging

import numpy as np
import pytest
import torch

from harness.engine.forward import forward

CPU = torch.device("cpu")
LENGTHS = np.random.default_rng(1).integers(1, 30, 80)


def doubled(batch):
    return torch.stack([batch.ids, 2 * batch.ids], dim=-1).float()


def summed(batch):
    return (batch.ids * batch.mask).sum(1).float()


def test_token_outputs_stand_where_the_tokens_do(tokens_with):
    tokens = tokens_with(LENGTHS)
    out = forward(doubled, tokens, CPU, per_token=True, budget=64)
    assert np.array_equal(out, np.stack([tokens.ids, 2 * tokens.ids], axis=1))


def test_row_outputs_stand_in_row_order(tokens_with):
    tokens = tokens_with(LENGTHS)
    expected = [tokens.ids[a:b].sum() for a, b in zip(tokens.offsets[:-1], tokens.offsets[1:], strict=True)]
    assert forward(summed, tokens, CPU, per_token=False, budget=64).tolist() == expected


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        torch.cuda.OutOfMemoryError(),
    ],
)
def test_too_little_memory_halves_the_batches_and_goes_on(tokens_with, error, caplog):
    tokens = tokens_with(LENGTHS)
    sizes = []

    def greedy(batch):
        sizes.append(batch.ids.numel())
        if batch.ids.numel() > 100:
            raise error
        return doubled(batch)

    with caplog.at_level(logging.WARNING):
        out = forward(greedy, tokens, CPU, per_token=True, budget=512)
    assert np.array_equal(out[:, 0], tokens.ids)
    assert len(caplog.records) == 1
    assert sum(size > 100 for size in sizes) <= 3  # 512, 256, 128: no batch was tried twice at one size


def test_a_row_that_does_not_fit_alone_is_an_error(tokens_with):
    def never(batch):
        raise torch.cuda.OutOfMemoryError

    with pytest.raises(torch.cuda.OutOfMemoryError):
        forward(never, tokens_with(LENGTHS), CPU, per_token=True)


def test_other_errors_are_not_taken_for_a_lack_of_memory(tokens_with):
    def broken(batch):
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        forward(broken, tokens_with(LENGTHS), CPU, per_token=True)


def test_no_rows_give_no_outputs(tokens_with):
    assert forward(summed, tokens_with(np.zeros(0, np.int64)), CPU, per_token=False).shape == (0,)
