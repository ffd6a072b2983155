"""Few-shot curves: what k examples of the target add to zero-shot transfer, and how much a doubling of k is worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.analysis.resampling import Draws, interval
from harness.analysis.result import Result, slug

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

SETTING = ["task", "model", "source"]


def curves(frame: pd.DataFrame, *, replicates: int = 1000, seed: int = 0) -> Result:
    """From the long table with its zero-shot rows (``shots`` 0): ``curves``, a row a k; ``slopes``, a row a setting.

    Only targets that have every k count, so that a curve is of the same languages all along.
    """
    import pandas as pd

    from harness.analysis.figures import lines

    rows: list[dict[str, Any]] = []
    slopes: list[dict[str, Any]] = []
    notes: list[str] = []
    metrics: dict[str, float] = {}
    few = frame[frame["shots"] > 0]
    settings = {tuple(key) for key in few[SETTING].itertuples(index=False)}
    for key in sorted(settings):
        mine = frame[(frame[SETTING] == list(key)).all(axis=1)]
        wide = mine.pivot_table(index="target", columns="shots", values="score", aggfunc="mean")
        wide = wide.drop(index=key[2], errors="ignore")  # the source's own score is no transfer
        whole = wide.dropna()
        if len(whole) < len(wide):
            notes.append(
                f"{', '.join(key)}: {len(wide) - len(whole)} of {len(wide)} targets lack one of the k; left out"
            )
        if whole.empty:
            continue
        counts = Draws.of((1, len(whole)), replicates, seed).targets
        named: Mapping[str, Any] = dict(zip(SETTING, key, strict=True))
        for shots, scores in whole.items():
            low, high = interval(counts @ scores.to_numpy() / len(whole))
            rows.append(
                {
                    **named,
                    "shots": int(str(shots)),
                    "score": float(scores.mean()),
                    "low": low,
                    "high": high,
                    "targets": len(whole),
                }
            )
        ks = np.array([int(str(shots)) for shots in whole.columns])
        if (ks > 0).sum() < 2:
            notes.append(f"{', '.join(key)}: one k alone; no slope")
            continue
        x = np.log2(ks[ks > 0])
        each = (whole.to_numpy()[:, ks > 0] @ (x - x.mean())) / ((x - x.mean()) ** 2).sum()
        low, high = interval(counts @ each / len(whole))
        slopes.append({**named, "per_doubling": float(each.mean()), "low": low, "high": high, "targets": len(whole)})
        stem = f"few_shot.{'.'.join(slug(part) for part in key)}.per_doubling"
        metrics |= {
            stem: float(each.mean()),
            f"{stem}.ci_low": low,
            f"{stem}.ci_high": high,
            f"{stem}.n": float(len(whole)),
        }
    table = pd.DataFrame(rows)
    drawn: dict[str, Callable[[], Figure]] = lines.figures(table) if rows else {}
    return Result("few_shot", {"curves": table, "slopes": pd.DataFrame(slopes)}, metrics, tuple(notes), drawn)
