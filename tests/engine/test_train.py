import copy

import numpy as np
import pytest
import torch
from torch import nn

from harness.engine.train import fit
from harness.errors import HarnessError
from harness.spec import Training

DRAW = np.random.default_rng(0)
LENGTHS = DRAW.integers(3, 30, 50)
X = torch.from_numpy(DRAW.normal(size=(50, 4)).astype(np.float32))
Y = X @ torch.tensor([1.0, -2.0, 0.5, 0.0])
ONES = np.ones(50, dtype=np.int64)


class Fit:
    """A line fitted to 50 points, and the rows that each call of its loss saw."""

    def __init__(self, training, seed=0, budget=10_000, dev=None):
        torch.manual_seed(0)
        self.net = nn.Linear(4, 1)
        self.seen = []
        self.curve = fit(self.net, self.losses, LENGTHS, ONES, training, seed, budget, dev and (lambda: dev(self)))

    def losses(self, rows):
        self.seen.append(rows.tolist())
        return ((self.net(X[rows])[:, 0] - Y[rows]) ** 2).sum()

    @property
    def weights(self):
        return self.net.weight.detach().clone()


def test_the_line_is_found():
    found = Fit(Training(learning_rate=0.1, batch_size=10, epochs=40))
    assert torch.allclose(found.weights[0], torch.tensor([1.0, -2.0, 0.5, 0.0]), atol=0.02)
    assert found.curve[-1].value < found.curve[0].value / 100


def test_equal_seeds_give_equal_bits_and_others_do_not():
    runs = [Fit(Training(learning_rate=0.1, batch_size=8, epochs=3), seed).weights for seed in (1, 1, 2)]
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


def test_each_epoch_has_every_row_once():
    seen = Fit(Training(batch_size=8, epochs=3)).seen
    assert len(seen) == 3 * 7
    for epoch in range(3):
        assert sorted(row for rows in seen[7 * epoch : 7 * epoch + 7] for row in rows) == list(range(50))
    assert seen[:7] != seen[7:14]


def test_rows_of_a_batch_are_of_like_length():
    seen = Fit(Training(batch_size=10, epochs=1)).seen
    spread = np.mean([np.ptp(LENGTHS[rows]) for rows in seen])
    assert spread < np.ptp(LENGTHS) / 3


def test_a_batch_in_parts_is_the_batch_as_a_whole():
    whole, parts = (Fit(Training(learning_rate=0.1, batch_size=25, epochs=4), budget=b) for b in (10_000, 60))
    assert len(parts.seen) > 3 * len(whole.seen)
    assert torch.allclose(whole.weights, parts.weights, atol=1e-5)


def test_without_memory_a_batch_is_done_again_in_smaller_parts(caplog):
    """And gives what the batch as a whole gives: what was added up before is forgotten."""

    def failing(rows):
        if sum(LENGTHS[rows]) > 200:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return run.losses(rows)

    training = Training(learning_rate=0.1, batch_size=25, epochs=4)
    whole = Fit(training)
    run = Fit(Training(batch_size=25, steps=1))
    torch.manual_seed(0)
    run.net = nn.Linear(4, 1)
    curve = fit(run.net, failing, LENGTHS, ONES, training, 0, 450)
    assert torch.allclose(run.weights, whole.weights, atol=1e-5)
    assert [p.value for p in curve] == pytest.approx([p.value for p in whole.curve], rel=1e-4)
    assert "parts of 2" in caplog.text
    assert len(caplog.records) < 4


def test_a_row_that_the_memory_does_not_hold_is_an_error():
    def failing(rows):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(HarnessError, match=r"one row of \d+ tokens: pass a smaller model.max_length"):
        fit(nn.Linear(4, 1), failing, LENGTHS, ONES, Training(batch_size=25, steps=1), 0, 450)


def test_the_parts_of_a_batch_of_items_keep_to_the_budget_with_all_their_rows():
    sizes = DRAW.integers(1, 5, 50)
    seen = []

    def losses(items):
        seen.append(items)
        return net(X[items]).sum()

    net = nn.Linear(4, 1)
    fit(net, losses, LENGTHS, ONES, Training(batch_size=25, epochs=1), 0, 120, sizes=sizes)
    assert all(len(items) == 1 or sizes[items].sum() * LENGTHS[items].max() <= 120 for items in seen)
    assert any(len(items) > 1 for items in seen)
    assert sorted(np.concatenate(seen)) == list(range(50))


def test_a_loss_is_the_mean_over_targets_and_not_over_rows():
    net = nn.Linear(4, 1)
    one, three = (
        fit(
            copy.deepcopy(net),
            lambda rows: (X[rows] ** 2).sum() + 0 * net.weight.sum(),
            LENGTHS,
            n * ONES,
            Training(batch_size=50, steps=1),
            0,
            10_000,
        )
        for n in (1, 3)
    )
    assert three[0].value == pytest.approx(one[0].value / 3)


def test_steps_count_batches():
    assert len(Fit(Training(batch_size=8, steps=10)).seen) == 10


def test_the_rate_rises_and_then_falls_to_nothing(monkeypatch):
    rates = []
    step = torch.optim.AdamW.step
    monkeypatch.setattr(
        torch.optim.AdamW,
        "step",
        lambda self, *a, **k: (rates.append(self.param_groups[0]["lr"]), step(self, *a, **k))[1],
    )
    Fit(Training(learning_rate=1.0, batch_size=50, steps=20, warmup=0.2))
    assert np.allclose(rates[:5], [0.2, 0.4, 0.6, 0.8, 1.0])
    assert np.allclose(np.diff(rates[4:]), -1 / 16)


def test_the_best_epoch_on_dev_is_kept():
    snapshots = []

    def dev(run):
        snapshots.append(copy.deepcopy(run.weights))
        return [0.1, 0.9, 0.9, 0.3][len(snapshots) - 1]

    found = Fit(Training(learning_rate=0.1, batch_size=10, epochs=4, select="source_dev"), dev=dev)
    assert torch.equal(found.weights, snapshots[1])
    assert [p.value for p in found.curve if p.name == "dev"] == [0.1, 0.9, 0.9, 0.3]


@pytest.mark.parametrize(
    ("training", "message"),
    [
        (Training(), "steps.*epochs"),
        (Training(epochs=1, select="source_dev"), "select=last"),
        (Training(epochs=1, learning_rate=float("inf")), "learning_rate"),
    ],
)
def test_what_cannot_be_trained_is_refused(training, message):
    with pytest.raises(HarnessError, match=message):
        Fit(training)


def test_no_examples_are_an_error():
    none = np.zeros(0, dtype=np.int64)
    with pytest.raises(HarnessError, match="no training examples"):
        fit(nn.Linear(1, 1), lambda rows: torch.zeros(()), none, none, Training(epochs=1), 0, 100)
