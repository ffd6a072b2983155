import logging
import threading
import time

import numpy as np
import pytest
import torch

from harness.engine.device import threads
from harness.engine.forward import forward
from harness.errors import HarnessError

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


@pytest.fixture(params=[1, 2, 3])
def count(request):
    """Threads, and so workers: equal answers from any number of them."""
    with threads(request.param):
        yield request.param


def test_workers_give_every_output_its_place(tokens_with, count):
    tokens = tokens_with(LENGTHS)
    seen = set()

    def compute(batch):
        seen.add((threading.get_ident(), torch.get_num_threads()))
        time.sleep(0.001)  # so that every worker gets to one
        return doubled(batch)

    out = forward(compute, tokens, CPU, per_token=True, budget=40)
    assert np.array_equal(out, np.stack([tokens.ids, 2 * tokens.ids], axis=1))
    assert len(seen) <= count
    assert {number for _, number in seen} == {1}
    assert torch.get_num_threads() == count


def test_the_longest_row_comes_first(tokens_with):
    widths = []

    def compute(batch):
        widths.append(batch.ids.shape[1])
        return summed(batch)

    with threads(1):
        forward(compute, tokens_with(LENGTHS), CPU, per_token=False, budget=64)
    assert widths == sorted(widths, reverse=True)
    assert widths[0] == LENGTHS.max()


def test_a_row_longer_than_the_budget_runs_alone(tokens_with):
    tokens, shapes = tokens_with(np.array([3, 500, 2, 40])), []

    def compute(batch):
        shapes.append(tuple(batch.ids.shape))
        return doubled(batch)

    with threads(1):
        out = forward(compute, tokens, CPU, per_token=True, budget=40)
    assert shapes == [(1, 500), (1, 40), (2, 3)]
    assert np.array_equal(out[:, 0], tokens.ids)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:66] DefaultCPUAllocator: not enough memory: you tried to allocate"
        ),
        RuntimeError("std::bad_alloc"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    ],
    ids=lambda error: f"{type(error).__name__} {str(error)[-30:]}",
)
def test_too_little_memory_halves_the_batches_and_goes_on(tokens_with, error, count, caplog):
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
    assert caplog.messages == ["not enough memory: batches of 256 tokens from here on, or of fewer"]
    # 512, 256, 128: no batch was tried twice at one size, but those that had been begun beside it
    assert sum(size > 100 for size in sizes) <= 3 * (1 if count == 1 else 2 * count + 1)


def test_what_was_computed_before_memory_ran_out_is_not_computed_again(tokens_with):
    tokens, seen = tokens_with(LENGTHS), []

    def tiring(batch):
        if batch.ids.numel() > 30 and len(seen) > 40:
            raise MemoryError
        seen.extend(batch.ids[batch.mask].tolist())
        return doubled(batch)

    with threads(1):
        forward(tiring, tokens, CPU, per_token=True, budget=60)
    assert sorted(seen) == tokens.ids.tolist()


def test_a_row_that_does_not_fit_alone_is_an_error(tokens_with):
    def never(batch):
        raise torch.cuda.OutOfMemoryError

    with pytest.raises(HarnessError, match="one row of 29 tokens"):
        forward(never, tokens_with(LENGTHS), CPU, per_token=True)


def test_other_errors_are_not_taken_for_a_lack_of_memory(tokens_with):
    def broken(batch):
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        forward(broken, tokens_with(LENGTHS), CPU, per_token=True)


def test_no_rows_give_no_outputs(tokens_with):
    assert forward(summed, tokens_with(np.zeros(0, np.int64)), CPU, per_token=False).shape == (0,)
