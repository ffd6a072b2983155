"""A network fine-tuned in place, the same for equal arguments, and the losses on the way."""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from harness.engine.batches import batches_of
from harness.engine.device import out_of_memory
from harness.engine.savepoint import Measured, Progress, Saved
from harness.engine.tokens import Ints
from harness.errors import HarnessError
from harness.spec import Savepoint, Training

GROUP = 50
"""Batches whose rows are sorted by length together: enough for little padding, few enough to stay random."""

PART = {"cpu": 8192, "cuda": 65536}
"""Padded tokens that go through the network at once. Another number draws the dropout in another order."""

POINTS = 200
"""Losses that are reported of a run, however long."""


log = logging.getLogger(__name__)


def fit(
    net: nn.Module,
    losses: Callable[[Ints], Tensor],
    lengths: Ints,
    weights: NDArray[np.int64],
    training: Training,
    seed: int,
    budget: int,
    dev: Callable[[], float] | None = None,
    sizes: Ints | None = None,
    savepoint: Savepoint | None = None,
) -> list[Measured]:
    """Fine-tune with AdamW, linear warm-up and decay, and clipped gradients.

    The caller seeds torch, builds the network and sets the threads; shuffles come from a generator of their own.

    Args:
        net: trained in place.
        losses: summed loss of these rows.
        lengths: (rows,) tokens of each row.
        weights: (rows,) targets of each row; a step's gradient is that of the mean over the targets of its batch.
        training: the numbers.
        seed: of the shuffles.
        budget: padded tokens that go through the network at once; a larger batch is summed up in parts. Halved, with
            a warning, where memory does not suffice.
        dev: higher is better; asked after each epoch unless ``training.select`` is ``last``; the best weights are then
            restored (the earliest of equals).
        sizes: where what stands here for a row is an item of several rows that a loss needs together, how many; its
            length is that of the longest.
        savepoint: where the run keeps how far it has come, and goes on where it was killed: to the same bits.

    Raises:
        HarnessError: there is nothing to train on, neither steps nor epochs are set, the loss is no number, or there is
            no memory for one row.
    """
    if not len(lengths):
        raise HarnessError("no training examples: check the sources, `size` and `limit`")
    if training.select != "last" and dev is None:
        raise HarnessError(
            f"select={training.select} needs dev data of every source, or of the target: "
            "pass select=last where there is none"
        )
    epoch = math.ceil(len(lengths) / training.batch_size)
    steps = _steps(training, epoch)
    optimizer = torch.optim.AdamW(_groups(net, training), lr=training.learning_rate, fused=True)
    kept = None
    if savepoint is not None:
        numbers = {"seed": seed, "rows": len(lengths), "of_steps": steps, "parts": budget}
        kept = Saved(savepoint, net, optimizer, training, **numbers)
    progress = (kept and kept.read()) or Progress(budget)
    warmup = training.warmup * steps
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / (warmup + 1), (steps - s) / max(1.0, steps - warmup)), progress.step - 1
    )
    net.train()
    rows_of_step = itertools.islice(_shuffled(lengths, training.batch_size, seed), progress.step, None)
    left = range(progress.step + 1, steps + 1)
    for step in tqdm(left, "train", steps, leave=False, unit="step", delay=2, disable=None, initial=progress.step):
        rows = next(rows_of_step)
        total = max(1, int(weights[rows].sum()))
        loss, progress.budget = _summed(losses, rows, lengths, sizes, total, progress.budget, optimizer.zero_grad)
        progress.losses.append(loss)
        nn.utils.clip_grad_norm_(net.parameters(), training.clip)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        progress.step = step
        if training.select != "last" and dev is not None and (step % epoch == 0 or step == steps):
            net.eval()
            progress.measured.append(Measured("dev", step, dev()))
            net.train()
            if progress.best is None or progress.measured[-1].value > progress.best[0]:
                weights_now = {name: value.clone() for name, value in net.state_dict().items()}
                progress.best = progress.measured[-1].value, weights_now
        if kept is not None and step < steps:
            kept.write(progress)
    net.eval()
    if progress.best is not None:
        net.load_state_dict(progress.best[1])
    return _losses(progress.losses) + progress.measured


def _summed(
    losses: Callable[[Ints], Tensor],
    rows: Ints,
    lengths: Ints,
    sizes: Ints | None,
    total: int,
    budget: int,
    forget: Callable[[], None],
) -> tuple[Tensor, int]:
    """The loss of a batch, its gradients added up part by part, and the budget that memory sufficed for."""
    while True:
        parts = batches_of(lengths[rows], budget, None if sizes is None else sizes[rows])
        found: list[Tensor] = []
        try:
            for part in parts:
                partial = losses(rows[part]) / total
                partial.backward()  # type: ignore[no-untyped-call]
                found.append(partial.detach())
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            if len(parts) == len(rows):  # a row alone cannot be made smaller
                raise HarnessError(
                    f"not enough memory to train on one row of {lengths[rows].max()} tokens: "
                    f"pass a smaller model.max_length"
                ) from error
        else:
            return torch.stack(found).sum(), budget
        forget()
        budget = min(budget, parts.computed) // 2
        log.warning("not enough memory: training batches in parts of %d tokens from here on", budget)


def _steps(training: Training, epoch: int) -> int:
    if training.steps is None and training.epochs is None:
        raise HarnessError("training has neither `steps` nor `epochs`: set one of them")
    steps = training.steps if training.steps is not None else round((training.epochs or 0) * epoch)
    if steps < 1:
        raise HarnessError(f"training would take {steps} steps: raise `steps` or `epochs`")
    return steps


def _groups(net: nn.Module, training: Training) -> list[dict[str, object]]:
    trained = [p for p in net.parameters() if p.requires_grad]
    # biases and normalisation weights are vectors; shrinking them helps nobody
    decays = (([p for p in trained if p.ndim > 1], training.weight_decay), ([p for p in trained if p.ndim <= 1], 0.0))
    # a schedule that goes on in the middle wants to be told where it began
    return [{"params": params, "weight_decay": decay, "initial_lr": training.learning_rate} for params, decay in decays]


def _shuffled(lengths: Ints, size: int, seed: int) -> Iterator[Ints]:
    """Batches without end: each epoch has every row once, in batches of like length and in random order."""
    draw = np.random.default_rng(seed)
    while True:
        rows = draw.permutation(len(lengths))
        groups = [rows[i : i + size * GROUP] for i in range(0, len(rows), size * GROUP)]
        rows = np.concatenate([group[np.argsort(-lengths[group], kind="stable")] for group in groups])
        batches = [rows[i : i + size] for i in range(0, len(rows), size)]
        for i in draw.permutation(len(batches)):
            yield batches[i]


def _losses(seen: list[Tensor]) -> list[Measured]:
    """The loss of the first step, of the last, and of about ``POINTS`` between them."""
    # one copy from the device for the whole run
    values = torch.stack(seen).tolist()
    broken = next((step for step, value in enumerate(values, start=1) if not math.isfinite(value)), None)
    if broken is not None:
        raise HarnessError(f"the loss is no number from step {broken} on: lower training.learning_rate, or use float32")
    steps = {1, *range(1, len(values), math.ceil(len(values) / POINTS)), len(values)}
    return [Measured("loss", step, values[step - 1]) for step in sorted(steps)]
