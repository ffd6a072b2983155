"""What the numbers of a published matrix are: percents, fractions, or ranks, which are no scores."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

TOPS = {"percent": 100.0, "fraction": 1.0}
SIDES = ("source", "target")
FEWEST = 6  # numbers that can look like ranks


def unit_of(path: Path, frame: pd.DataFrame, unit: str) -> tuple[float, list[str]]:
    """What to divide scores by, and what must be said of it.

    Args:
        frame: columns source, target and score, without empty cells.
        unit: ``percent`` or ``fraction``; by default percent where any score is above 1.

    Raises:
        DataError: there is none, scores are beyond the unit, in mixed units, or look like ranks.
    """
    if frame.empty:
        raise DataError(f"{path}: every cell is empty")
    scores = frame["score"]
    low, high = float(scores.min()), float(scores.max())
    said = f"as --unit says ({low:g} to {high:g})"
    if not unit:
        unit = "percent" if high > 1 else "fraction"
        said = f"as {'one' if high > 1 else 'none'} is above 1 ({low:g} to {high:g}); --unit says otherwise"
        _refuse_mixed(path, frame, high)
        _refuse_ranks(path, frame)
    top = TOPS[unit]
    if high > top or low < -top:
        raise DataError(f"{path}: scores from {low:g} to {high:g} are no {unit}s")
    notes = [f"scores of {path.name} are taken for {unit}s, {said}"]
    few = int((scores.abs() <= 1).sum())
    if unit == "percent" and few:
        notes.append(f"{few} of {len(scores)} scores are at most 1 %; they are taken to be percents like the others")
    return top, notes


def _refuse_mixed(path: Path, frame: pd.DataFrame, high: float) -> None:
    for side in SIDES:
        tops = frame.groupby(side)["score"].agg(["max", "size"])
        odd = tops[(tops["max"] <= 1) & (tops["size"] >= 3)]
        if high > 1 and len(odd):
            raise DataError(
                f"{path}: mixed units? The best score is {high:g}, but no score of {side} {odd.index[0]} is above 1. "
                f"Mend the file, or pass --unit percent if it is right."
            )


def _refuse_ranks(path: Path, frame: pd.DataFrame) -> None:
    """Nothing, unless the numbers of every target, of every source, or of all pairs count from 1 on.

    Ties may share their mean rank, or the first of theirs; among all pairs there is none, since whole percents tie too.
    """
    scores = frame["score"]
    whole = bool((scores % 1 == 0).all())
    for of, by in (("each target", frame["target"]), ("each source", frame["source"]), ("the file", scores * 0)):
        each = scores.groupby(by).agg(["min", "max", "size", "sum"])
        from_one = (each["min"] == 1) & whole & (scores.is_unique or of != "the file")
        shared = (each["min"] >= 1) & (each["sum"] == each["size"] * (each["size"] + 1) / 2) & (of != "the file")
        if len(scores) >= FEWEST and ((each["max"] <= each["size"]) & (each["size"] > 1) & (from_one | shared)).all():
            raise DataError(
                f"{path}: these look like ranks (those of {of} count from 1 up to how many there are), and a rank is "
                f"no score: 1 would be the worst. Give what they rank; if they are percents after all, --unit percent."
            )
