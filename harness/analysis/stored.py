"""The long table of scores that every analysis reads, from the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.tables import narrowed

if TYPE_CHECKING:
    import pandas as pd

    from harness.store import CellRecord, Store

COLUMNS = (
    "task", "model", "strategy", "source", "target", "seed", "metric", "score", "n", "low", "high", "floor",
    "provenance", "train_size", "shots", "predict_key",
)  # fmt: skip
CELL = ["task", "model", "strategy", "source", "target", "shots", "seed"]
FLOORS = ("majority", "chance")


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """A long table, one row a cell, and what was left out of it."""

    frame: pd.DataFrame
    notes: tuple[str, ...]


def from_store(
    store: Store,
    strategies: Sequence[str] = ("zero_shot",),
    where: Sequence[str] = (),
    keep: Callable[[CellRecord], bool] = lambda _: True,
) -> Scores:
    """Every cell's main metric, of full runs by the strategies that are asked for.

    Cells with a ``limit`` and those whose strategy looked at the target's development data are kept out; ``few_shot``
    rows carry their ``shots``. The scores of models that learn nothing become the ``floor`` of their target.

    Args:
        strategies: zero-shot transfer alone, unless asked.
        where: ``column=value`` conditions, as `harness scores` takes them.
        keep: which cells are looked at at all.

    Raises:
        HarnessError: nothing is left, or two cells differ in what the table does not show.
    """
    frame = narrowed(store.frame(keep), where)
    frame = frame[frame["main"]]
    notes = []
    for kept, why in (
        (frame["limit"].isna(), "limited to a part of the data"),
        (frame["touches"] != "dev", "the strategy looked at the target's development data"),
        (frame["size"].isna(), "trained on a part of the training data"),
        (frame["strategy"].isin(strategies), f"of another strategy than {', '.join(strategies)}"),
        (
            ~frame["sources"].str.contains("+", regex=False),
            "of several sources at once: no distance is defined for them",
        ),
    ):
        out = ~kept.reindex(frame.index)
        if out.any():
            notes.append(f"{int(out.sum())} cells left out: {why}")
            frame = frame[~out]
    frame = frame.rename(columns={"sources": "source", "size": "train_size"})
    floors = frame[frame["model"].isin(FLOORS)].groupby(["task", "target"])["score"].max()
    frame = frame[~frame["model"].isin(FLOORS)]
    if frame.empty:
        raise HarnessError(f"{store.root}: no cell to analyse{': ' + '; '.join(notes) if notes else ''}")
    _refuse_twins(frame)
    frame = frame.assign(
        floor=[floors.get(key, float("nan")) for key in zip(frame["task"], frame["target"], strict=True)]
    )
    return Scores(frame[list(COLUMNS)].reset_index(drop=True), tuple(notes))


def _refuse_twins(frame: pd.DataFrame) -> None:
    twins = frame[frame.duplicated(CELL, keep=False)]
    if len(twins):
        first = twins.iloc[0]
        name = ", ".join(f"{column} {first[column]}" for column in CELL)
        keys = " and ".join(sorted(set(twins[(twins[CELL] == first[CELL]).all(axis=1)]["predict_key"]))[:2])
        raise HarnessError(
            f"{len(twins)} cells are not alone, first {name}: jobs {keys} differ in training numbers or data. "
            f"Narrow with --where predict_key=KEY (or train_key, metric), or analyse separate stores."
        )
