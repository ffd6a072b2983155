"""What the tests of analyses share: the published matrices, and scores simulated from known effects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.analysis.grid import Grid, grids
from harness.analysis.published import from_file


def grid_of(scores, sources=None, targets=None, **changes) -> Grid:
    """A grid with these scores, all else plain; languages are s0, s1 ... and t0, t1 ... unless named."""
    scores = np.asarray(scores, dtype=float)
    nothing = np.full(scores.shape, np.nan)
    plain = {
        "task": "task", "model": "model", "strategy": "zero_shot", "metric": "accuracy",
        "sources": tuple(sources or [f"s{i}" for i in range(scores.shape[0])]),
        "targets": tuple(targets or [f"t{i}" for i in range(scores.shape[1])]),
        "scores": scores, "spread": nothing, "seeds": np.isfinite(scores).astype(float),
        "floor": np.full(scores.shape[1], np.nan), "examples": np.full(scores.shape[1], np.nan),
    }  # fmt: skip
    return Grid(**(plain | changes))


def long(values, sources, targets, name="d") -> pd.DataFrame:
    """A (sources, targets) array as a long table of distances; NaN and a language to itself are left out."""
    rows = [
        (name, a, b, float(values[i][j]))
        for i, a in enumerate(sources)
        for j, b in enumerate(targets)
        if a != b and np.isfinite(values[i][j])
    ]
    return pd.DataFrame(rows, columns=["distance", "a", "b", "value"])


@pytest.fixture(scope="session")
def matrices(real_data: Path) -> Path:
    """The folder of published matrices; the test is skipped where there is none."""
    folder = real_data / "matrices"
    if not folder.is_dir():
        pytest.skip("no published matrices")
    return folder


@pytest.fixture(scope="session")
def xpos(matrices: Path) -> Grid:
    """The accuracies of 65 sources on 105 targets (de Vries, Wieling and Nissim 2022)."""
    return next(grids(from_file(matrices / "xpos" / "pos_65x105_accuracy.csv").frame))


@pytest.fixture(scope="session")
def ldnd(matrices: Path, xpos: Grid) -> pd.DataFrame:
    """The distances that were published with them."""
    from harness.distances.base import Context, distances
    from harness.distances.file import read_distance

    languages = sorted({*xpos.sources, *xpos.targets})
    table = distances([read_distance(matrices / "xpos" / "ldnd.csv")], languages, Context())
    return table[table["value"].notna()]
