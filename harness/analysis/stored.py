"""The long table of scores that every analysis reads, from the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.tables import misfits, narrowed

if TYPE_CHECKING:
    import pandas as pd

    from harness.storage.store import CellRecord, Store

COLUMNS = (
    "task", "model", "strategy", "source", "target", "seed", "metric", "score", "n", "low", "high", "floor",
    "provenance", "train_size", "shots", "predict_key", "select",
)  # fmt: skip
CELL = ["task", "model", "strategy", "source", "target", "shots", "seed", "select"]
SETTING = ["task", "model", "strategy"]
FLOORS = ("majority", "chance")
LAST, TARGET_DEV = "last", "target_dev"


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """A long table, one row a cell, and what was left out of it.

    Attributes:
        selections: the cells of the settings whose checkpoints were selected in several ways, in all of these, which
            ``select`` tells apart; None where there is no such setting.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...]
    selections: pd.DataFrame | None = None


def from_store(
    store: Store,
    strategies: Sequence[str] = ("zero_shot",),
    where: Sequence[str] = (),
    keep: Callable[[CellRecord], bool] = lambda _: True,
) -> Scores:
    """Every cell's main metric, of full runs by the strategies that are asked for.

    Cells with a ``limit`` and those that looked at the target's development data are kept out; ``few_shot`` rows carry
    their ``shots``. Where a setting's checkpoints were selected in several ways, one of them is analysed: that of the
    most cells, the last of equals. The scores of models that learn nothing become the ``floor`` of their target.

    Args:
        strategies: zero-shot transfer alone, unless asked.
        where: ``column=value`` conditions, as `harness scores` takes them; also on ``select``.
        keep: which cells are looked at at all.

    Raises:
        HarnessError: nothing is left, or two cells differ in what the table does not show.
    """
    frame = store.frame(keep)
    every = _with_selection(frame[frame["main"]], store)
    frame = narrowed(every, where)
    if where and frame.empty:
        raise HarnessError(f"{store.root}: no cell to analyse: {'; '.join(misfits(every, where))}")
    notes = []
    for kept, why in (
        (frame["limit"].isna(), "limited to a part of the data"),
        (frame["size"].isna(), "trained on a part of the training data"),
        (
            frame["strategy"].isin(strategies),
            f"of another strategy than {', '.join(strategies)}{_others(frame, strategies)}",
        ),
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
    _refuse_twins(frame)
    frame = frame.assign(
        floor=[floors.get(key, float("nan")) for key in zip(frame["task"], frame["target"], strict=True)]
    )
    frame = frame[list(COLUMNS)].reset_index(drop=True)
    chosen, said = _chosen(frame)
    notes += said
    if chosen.empty:
        raise HarnessError(f"{store.root}: no cell to analyse{': ' + '; '.join(notes) if notes else ''}")
    ways = frame.groupby(SETTING)["select"].transform("nunique")
    several = frame[(ways > 1) & (frame["shots"] == 0)]
    return Scores(chosen, tuple(notes), several if len(several) else None)


def _others(frame: pd.DataFrame, strategies: Sequence[str]) -> str:
    there = sorted(set(frame["strategy"]) - set(strategies))
    return f" ({', '.join(there)}: --strategy takes them in)" if there else ""


def _with_selection(frame: pd.DataFrame, store: Store) -> pd.DataFrame:
    """The table with what each cell's checkpoint was selected by, as the record of its job says."""
    found = {}
    for job in set(zip(frame["task"], frame["predict_key"], strict=True)):
        record = store.read_job(*job)
        training = record.spec["train"].get("training") if record is not None else None
        found[job] = str(training["select"]) if training else LAST  # where nothing is trained, nothing is selected
    by = [found[job] for job in zip(frame["task"], frame["predict_key"], strict=True)]
    return frame.assign(select=by).assign(select=lambda rows: rows["select"].mask(rows["touches"] == "dev", TARGET_DEV))


def _chosen(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The cells of one way of selection a setting, none of them by the target's dev set; and why others are not."""
    looked = frame["select"] == TARGET_DEV
    notes = (
        [f"{int(looked.sum())} cells left out: they looked at the target's development data"] if looked.any() else []
    )
    frame = frame[~looked]
    counted = frame.groupby([*SETTING, "select"]).size().reset_index(name="n")
    counted = counted.assign(other=counted["select"] != LAST).sort_values(["n", "other"], ascending=[False, True])
    best = counted.drop_duplicates(SETTING).set_index(SETTING)["select"].to_dict()
    wanted = [best[key] for key in zip(*(frame[name] for name in SETTING), strict=True)]
    kept = frame["select"] == wanted
    for select, n in frame[~kept]["select"].value_counts().items():
        notes.append(f"{n} cells left out: selected by {select}, of settings with cells selected otherwise")
    return frame[kept].reset_index(drop=True), notes


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
