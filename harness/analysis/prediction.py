"""How well distances foretell the scores of languages that were not seen, and which of them matter for it.

Never judged on random pairs: a model that has seen both languages of a pair knows most of its score. A target, a
source, or both are held out. Beside every error stand those of four means; a mean of what was held out falls back to
the global one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from harness.analysis.grid import Array, Grid
from harness.analysis.mixed import predictors
from harness.analysis.result import Result, named, slug
from harness.analysis.ridge import LEARNERS, Pairs, Unseen, predict

if TYPE_CHECKING:
    import pandas as pd

REPEATS = 5  # shuffles of a group of features
FEWEST = 4  # languages on a side that is held out


def foretell(
    grids: Sequence[Grid], distances: pd.DataFrame, pretrained: Mapping[str, frozenset[str]], groups: Mapping[str, str],
    *, seed: int = 0,
) -> Result:  # fmt: skip
    """Tables ``prediction`` (a row a grid, what is unseen, and learner) and ``importance`` (a row a group of features).

    Args:
        distances: columns distance, a, b, value.
        pretrained: by model, the languages that it saw.
        groups: of the distances, for importance; one that is not listed is a group of its own.
        seed: of folds and shuffles.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    weights: list[dict[str, Any]] = []
    notes: list[str] = []
    metrics: dict[str, float] = {}
    for grid, part in named(grids):
        frame, left_out = predictors(grid, distances, pretrained.get(grid.model))
        notes += [f"{grid.task}, {grid.model}: {why}" for why in left_out]
        names = [str(name) for name in frame.columns[3:]]
        for unseen in get_args(Unseen):
            sides = {"both": ["source", "target"]}.get(unseen, [unseen])
            if not names or min(frame[side].nunique() for side in sides) < FEWEST:
                notes.append(
                    f"{grid.task}, {grid.model}: under {FEWEST} {' or '.join(sides)}s to hold out; not predicted"
                )
                continue
            table, shares = _held_out(frame, names, unseen, groups, seed)
            if not table:
                notes.append(f"{grid.task}, {grid.model}: no pairs are left to learn from with {unseen} unseen")
            rows += [grid.key | {"unseen": unseen} | row for row in table]
            weights += [grid.key | {"unseen": unseen} | row for row in shares]
            for row in table:
                stem = f"predict.{part}.{unseen}.{slug(row['learner'])}"
                metrics |= {f"{stem}.{name}": row[name] for name in ("mae", "rmse", "r2")}
    return Result(
        "prediction", {"prediction": pd.DataFrame(rows), "importance": pd.DataFrame(weights)}, metrics, tuple(notes)
    )


def pairs_of(frame: pd.DataFrame, names: Sequence[str]) -> Pairs:
    """The pairs of a frame as ``mixed.predictors`` makes it."""
    codes = {code: i for i, code in enumerate(sorted({*frame["source"], *frame["target"]}))}
    return Pairs(
        source=frame["source"].map(codes).to_numpy(dtype=np.int64),
        target=frame["target"].map(codes).to_numpy(dtype=np.int64),
        score=frame["score"].to_numpy(dtype=float),
        features=frame[list(names)].to_numpy(dtype=float),
        languages=len(codes),
    )


def of_unseen_targets(grid: Grid, distances: pd.DataFrame, pretrained: frozenset[str] | None) -> Array:
    """What ridge foretells for every pair when it has seen no score of the target; NaN where a distance is unknown."""
    frame, _ = predictors(grid, distances, pretrained)
    names = [str(name) for name in frame.columns[3:]]
    found = np.full(grid.scores.shape, np.nan)
    if names and min(frame["source"].nunique(), frame["target"].nunique()) >= FEWEST:
        (values, *_), _ = predict(pairs_of(frame, names), "target", 0)
        rows, columns = ([side.index(code) for code in frame[name]] for name, side in
                         (("source", grid.sources), ("target", grid.targets)))  # fmt: skip
        found[rows, columns] = values
    return found


def _held_out(
    frame: pd.DataFrame, names: Sequence[str], unseen: Unseen, groups: Mapping[str, str], seed: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    pairs = pairs_of(frame, names)
    rng = np.random.default_rng(seed)
    members: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        members.setdefault(groups.get(name, name), []).append(i)
    shuffled = []
    for columns in members.values():
        for _ in range(REPEATS):
            features = pairs.features.copy()
            features[:, columns] = features[rng.permutation(len(features))][:, columns]
            shuffled.append(features)
    found, others = predict(pairs, unseen, seed, shuffled)
    tested = np.isfinite(found[0])
    if not tested.any():
        return [], []
    score = pairs.score[tested]
    table = []
    for learner, values in zip(LEARNERS, found[:, tested], strict=True):
        error = values - score
        r2 = 1 - float((error**2).sum() / ((score - score.mean()) ** 2).sum()) if np.ptp(score) > 0 else np.nan
        row = {"learner": learner, "mae": float(np.abs(error).mean()), "rmse": float(np.sqrt((error**2).mean()))}
        table.append(row | {"r2": r2, "n": int(tested.sum())})
    worse = np.abs(others[:, tested] - score).mean(axis=1) - table[0]["mae"]
    by_group: Array = worse.reshape(len(members), REPEATS)
    shares = [
        {"group": group, "features": " + ".join(names[i] for i in columns), "mae_increase": float(values.mean())}
        | {"std": float(values.std(ddof=1))}
        for (group, columns), values in zip(members.items(), by_group, strict=True)
    ]
    return table, shares
