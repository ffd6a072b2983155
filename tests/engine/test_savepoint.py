"""Training runs that are stopped and go on: they end in the same bits as those that nobody disturbed."""

import logging
import os
import shutil
import tempfile
from collections import namedtuple
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import nn

from harness.engine import savepoint
from harness.engine.train import fit
from harness.errors import TimeLimitError
from harness.spec import Savepoint, Training

DRAW = np.random.default_rng(0)
LENGTHS = DRAW.integers(3, 30, 50)
X = torch.from_numpy(DRAW.normal(size=(50, 4)).astype(np.float32))
Y = X @ torch.tensor([1.0, -2.0, 0.5, 0.0])
ONES = np.ones(50, dtype=np.int64)
TRAINING = Training(learning_rate=0.05, batch_size=8, epochs=4, warmup=0.3, weight_decay=0.1, select="source_dev")
ALWAYS = 0.0  # minutes from one state to the next
DEV = (0.1, 0.9, 0.9, 0.3)


class Killed(BaseException):
    """What no code of ours catches."""


class Run:
    """A network with dropout, trained until it is killed after so many batches, with little memory if that is asked."""

    def __init__(self, folder, kill_after=None, memory=None, minutes=ALWAYS, training=TRAINING, seed=0):
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.3), nn.LayerNorm(8), nn.Linear(8, 1))
        self.left, self.memory, self.measured, self.batches = kill_after, memory, 0, 0
        self.curve = None
        place = None if folder is None else Savepoint(folder, minutes)
        with suppress(Killed):
            self.curve = fit(self.net, self.losses, LENGTHS, ONES, training, seed, 200, self.dev, savepoint=place)

    def losses(self, rows):
        if self.left is not None and self.batches >= self.left:
            raise Killed
        if self.memory and LENGTHS[rows].max() * len(rows) > self.memory:
            torch.rand(1)  # what fails has drawn its dropout
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.batches += 1
        return ((self.net(X[rows])[:, 0] - Y[rows]) ** 2).sum()

    def dev(self):
        assert not self.net.training
        self.measured += 1
        return DEV[
            round(float(self.net[0].weight.detach().sum().abs() * 1e4)) % 4
        ]  # as good as random, and the weights' own

    @property
    def weights(self):
        return {name: value.numpy().tobytes() for name, value in self.net.state_dict().items()}


def same(one, other):
    return one.curve == other.curve and one.weights == other.weights


@pytest.fixture(scope="module")
def undisturbed():
    return {memory: Run(None, memory=memory) for memory in (None, 120)}


@settings(max_examples=10, deadline=None)
@given(kills=st.lists(st.integers(0, 40), min_size=1, max_size=3), memory=st.sampled_from([None, 120]))
def test_a_run_that_is_killed_at_any_steps_ends_in_the_same_bits(undisturbed, kills, memory):
    with tempfile.TemporaryDirectory() as folder:
        for kill in kills:
            Run(Path(folder), kill, memory)
        assert same(Run(Path(folder), memory=memory), undisturbed[memory])


def test_it_goes_on_where_it_was_and_says_so(undisturbed, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    whole = Run(tmp_path / "whole")
    first = Run(tmp_path / "state", whole.batches // 2)
    assert first.curve is None
    second = Run(tmp_path / "state")
    assert same(second, undisturbed[None])
    assert whole.batches <= first.batches + second.batches <= whole.batches + 8  # the parts of one step
    assert "training goes on at step 1" in caplog.text
    assert "of 28" in caplog.text


def test_a_budget_that_was_halved_stays_halved(tmp_path, caplog):
    Run(tmp_path, 60, memory=120)
    assert "not enough memory" in caplog.text
    caplog.clear()
    assert Run(tmp_path, memory=120).curve is not None
    assert "not enough memory" not in caplog.text


def test_the_state_is_written_when_it_is_time_and_not_after_the_last_step(tmp_path, monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr(savepoint.time, "monotonic", lambda: 60.0 * next(clock))
    written = []
    save = savepoint.save_file
    monkeypatch.setattr(savepoint, "save_file", lambda *a: (written.append(a), save(*a)))
    Run(tmp_path, minutes=10)  # the clock is looked at once a step, and once more to set it
    assert 2 <= len(written) <= 3
    written.clear()
    monkeypatch.setattr(savepoint.time, "monotonic", lambda: 0.0)
    Run(tmp_path / "other", minutes=0.0)
    assert len(written) == 27


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The folder of a run that was killed after its first measurement."""
    folder = tmp_path_factory.mktemp("killed")
    Run(folder, 30)
    return folder


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_no_bit_of_a_state_can_change_unnoticed(killed, data):
    content = bytearray((killed / "state.safetensors").read_bytes())
    if data.draw(st.booleans(), "cut"):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "state.safetensors").write_bytes(content)
        net = nn.Linear(1, 1)
        before = torch.get_rng_state()
        optimizer = torch.optim.AdamW(net.parameters())
        assert savepoint.Saved(Savepoint(Path(name), 1), net, optimizer, TRAINING).read() is None
        assert torch.equal(torch.get_rng_state(), before)


def test_a_damaged_state_is_said_and_training_starts_anew(undisturbed, killed, tmp_path, caplog):
    content = bytearray((killed / "state.safetensors").read_bytes())
    content[-9] ^= 4
    (tmp_path / "state.safetensors").write_bytes(content)
    again = Run(tmp_path)
    assert same(again, undisturbed[None])
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "cannot be used (it is damaged); training starts anew" in caplog.text


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"seed": 1}, "seed was 0 and is 1"),
        ({"training": Training(learning_rate=0.05, batch_size=8, epochs=5)}, "epochs was 4 and is 5"),
    ],
)
def test_a_state_of_another_run_is_not_gone_on_from(tmp_path, caplog, other, words):
    Run(tmp_path, 30)
    assert same(Run(tmp_path, **other), Run(None, **other))
    assert words in caplog.text


def test_other_versions_and_processors_are_other_runs(undisturbed, killed, tmp_path, caplog, monkeypatch):
    for name, value in (
        ("version", lambda package: "0"),
        ("_hardware", lambda place: "an abacus"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(savepoint, name, value)
            shutil.copytree(killed, tmp_path / name)
            assert same(Run(tmp_path / name), undisturbed[None])
    assert "torch was 2" in caplog.text
    assert "is an abacus" in caplog.text


@pytest.mark.parametrize("refusal", ["full", "small", "forbidden"])
def test_a_disk_that_refuses_costs_a_warning_and_no_more(undisturbed, tmp_path, caplog, monkeypatch, refusal):
    folder = tmp_path / "state"
    if refusal == "full":  # the last byte does not fit any more
        monkeypatch.setattr(savepoint.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, os.strerror(28))))
    elif refusal == "small":
        usage = namedtuple("usage", "free")
        monkeypatch.setattr("harness.storage.atomic.shutil.disk_usage", lambda _: usage(1000))
    else:
        folder.write_text("a file in the way")
    assert same(Run(folder), undisturbed[None])
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "no training state is kept any more" in caplog.text
    assert not (folder / "state.safetensors").exists()


def test_killed_while_it_writes_the_state_before_stands(undisturbed, tmp_path, monkeypatch):
    save, count = savepoint.save_file, []

    def killed(tensors, path, about):
        count.append(path)
        save(tensors, path, about)
        if len(count) == 9:
            os.truncate(path, 100)
            (path.parent / ".tmpOfTheLibrary").write_text("half")
            raise Killed

    monkeypatch.setattr(savepoint, "save_file", killed)
    assert Run(tmp_path).curve is None
    assert {path.name for path in tmp_path.iterdir()} == {"state.safetensors", "next.safetensors", ".tmpOfTheLibrary"}
    again = Run(tmp_path)
    assert same(again, undisturbed[None])
    assert again.batches < undisturbed[None].batches
    assert {path.name for path in tmp_path.iterdir()} == {"state.safetensors"}


def test_what_was_read_is_let_go_so_that_the_next_state_frees_its_space(killed, tmp_path):
    shutil.copytree(killed, tmp_path / "state")
    mapped = []

    class Looking(Run):
        def losses(self, rows):
            mapped.append("state.safetensors" in Path("/proc/self/maps").read_text())
            return super().losses(rows)

    assert Looking(tmp_path / "state").curve is not None
    assert set(mapped) == {False}


def test_a_state_holds_numbers_and_no_code(tmp_path):
    Run(tmp_path, 30)
    assert all(isinstance(value, torch.Tensor) for value in load_file(tmp_path / "state.safetensors").values())


def test_what_ends_the_job_while_a_state_is_written_is_no_fault_of_the_disk(tmp_path, monkeypatch):
    def write(*_):
        raise TimeLimitError("twice")

    monkeypatch.setattr(savepoint, "save_file", write)
    with pytest.raises(TimeLimitError):
        Run(tmp_path)


def test_a_network_with_tied_weights_trains_without_a_state(tmp_path, caplog):
    net = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 1))
    net[1].weight = net[0].weight
    place = Savepoint(tmp_path / "state", ALWAYS)
    short = Training(learning_rate=0.05, batch_size=8, steps=3)
    curve = fit(net, lambda rows: ((net(X[rows])[:, 0] - Y[rows]) ** 2).sum(), LENGTHS, ONES, short, 0, 200,
                savepoint=place)  # fmt: skip
    assert len(curve) == 3
    (said,) = caplog.messages
    assert "no training state is kept any more" in said
