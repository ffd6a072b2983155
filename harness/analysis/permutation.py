"""Permutation tests of scores against distances: Mantel, QAP for directed matrices, and both given other distances.

Languages are relabelled, so that what pairs share through a language is in the null distribution too. Three designs:

- ``mantel``: the languages that are source and target, scores and distances averaged over both directions
- ``qap``: the same languages, directions kept; rows and columns are permuted together (Krackhardt 1988)
- ``labels``: every source and target; sources and targets are permuted apart

Given other distances (``controls``), the residuals of the distance on them are permuted, and r is partial: for one
control the partial Mantel test, for several MRQAP with double semi-partialling (Dekker, Krackhardt and Snijders
2007). Partial tests reject too often where scores and distances are autocorrelated (Guillot and Rousset 2013):
exploratory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from harness.analysis import guards, threads
from harness.analysis.grid import Array, Grid, of_grid, square
from harness.analysis.result import Result, named, slug

if TYPE_CHECKING:
    import pandas as pd

Mask = NDArray[np.bool_]
CHUNK = 250_000  # numbers gathered at once


@dataclass(frozen=True, slots=True)
class Tested:
    """A correlation with its two-sided permutation p-value, (1 + as extreme) / (1 + permutations)."""

    r: float
    p: float


def permutation_test(
    scores: Sequence[Array], distances: Sequence[Array], cells: Mask, *, controls: Sequence[Array] = (),
    joint: bool = True, permutations: int = 9999, seed: int = 0,
) -> list[Tested]:  # fmt: skip
    """The (partial) Pearson correlations of matrices over the ``cells``, and how rare they are under relabelling.

    Args:
        scores: (sources, targets) each; several (raw values, ranks) share their permutations.
        distances: one for each of them; these are what is relabelled.
        cells: which count; scores, distances and controls must be known there. With ``joint`` they must be the same
            under every relabelling: everything but the diagonal, or one triangle of symmetric matrices.
        controls: distances that are held fixed; with ``joint`` only.
        joint: rows and columns are the same languages and move together.
        permutations: 0 gives p = NaN.
    """
    basis = _basis([np.ones(int(cells.sum())), *(control[cells] for control in controls)])
    triangle = joint and not cells[np.tril_indices(len(cells), -1)].any()
    ys, moved, observed = [], [], []
    for score, distance in zip(scores, distances, strict=True):
        y, x = (values[cells] - basis @ (basis.T @ values[cells]) for values in (score, distance))
        full = np.zeros(distance.shape)
        full[cells] = x
        # of a triangle, the relabelled pair may come from the other one
        moved.append((full + full.T if triangle else full).ravel())
        ys.append(y)
        left = min(np.ptp(y) / max(np.ptp(score[cells]), 1e-300), np.ptp(x) / max(np.ptp(distance[cells]), 1e-300))
        # constant, or a combination of the controls
        observed.append(float(x @ y / np.sqrt((x @ x) * (y @ y))) if left > 1e-9 else np.nan)
    extreme = np.zeros(len(ys))
    s, t = np.nonzero(cells)
    for rows, columns in _relabelled(cells.shape, joint, permutations, seed):
        index = rows.take(s, axis=1) * cells.shape[1] + columns.take(t, axis=1)
        known = None if joint else cells.ravel().astype(float).take(index)
        for k, (y, values) in enumerate(zip(ys, moved, strict=True)):
            x = values.take(index)
            null = _masked(x, known, y) if known is not None else _plain(x, y, basis, bool(controls))
            extreme[k] += (np.abs(null) >= abs(observed[k]) - 1e-12).sum()
    share = (1 + extreme) / (1 + permutations) if permutations else np.full(len(ys), np.nan)
    return [Tested(r, float(p) if np.isfinite(r) else float("nan")) for r, p in zip(observed, share, strict=True)]


def _basis(columns: Sequence[Array]) -> Array:
    """Orthonormal columns that span the given ones, of which some may follow from others."""
    scaled = np.column_stack([column / (np.linalg.norm(column) or 1.0) for column in columns])
    left, values, _ = np.linalg.svd(scaled, full_matrices=False)
    return np.asarray(left[:, values > 1e-10 * values[0]])


def _plain(x: Array, y: Array, basis: Array, partial: bool) -> Array:
    """The statistic of each relabelling of all cells: mean and spread stay, unless controls are taken out again."""
    length = float(x[0] @ x[0])  # the same for every relabelling
    if not partial:
        return np.asarray(x @ y / np.sqrt(length * (y @ y)))
    along = x @ np.column_stack([basis, y])  # y has nothing along the basis
    left = length - (along[:, :-1] ** 2).sum(axis=1)
    return np.asarray(along[:, -1] / np.sqrt(left * (y @ y)))


def _masked(x: Array, known: Array, y: Array) -> Array:
    """The statistic where what is unknown moves too, so that each relabelling has pairs of its own."""
    n, sx, sxx = known.sum(axis=1), x.sum(axis=1), np.einsum("ij,ij->i", x, x)
    sy, syy, sxy = known @ y, known @ (y * y), x @ y
    return np.asarray((n * sxy - sx * sy) / np.sqrt((n * sxx - sx**2) * (n * syy - sy**2)))


def _relabelled(
    shape: tuple[int, ...], joint: bool, permutations: int, seed: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    rng = np.random.default_rng([seed, *shape])
    step = max(1, CHUNK // (shape[0] * shape[1]))
    for start in range(0, permutations, step):
        many = min(step, permutations - start)
        rows = rng.permuted(np.tile(np.arange(shape[0]), (many, 1)), axis=1)
        yield rows, rows if joint else rng.permuted(np.tile(np.arange(shape[1]), (many, 1)), axis=1)


def relabel(grids: Sequence[Grid], distances: pd.DataFrame, *, permutations: int = 9999, seed: int = 0) -> Result:
    """Every grid against every distance in the three designs, and in the first two given all other distances."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    metrics: dict[str, float] = {}
    silent: dict[tuple[str, str], dict[str, list[str]]] = {}
    frames = {part: of_grid(distances, grid) for grid, part in named(grids)}
    settings = [(grid, part, *one) for grid, part in named(grids) for one in _tests(list(frames[part]))]

    def of(setting: tuple[Grid, str, str, str, list[str]]) -> list[tuple[str, dict[str, Any]]]:
        grid, part, design, name, others = setting
        return _rows(grid, design, {n: frames[part][n] for n in (name, *others)}, permutations, seed)

    for (grid, part, design, name, others), found in zip(settings, threads.each(of, settings), strict=True):
        for measure, row in found:
            setting = {"distance": name, "design": design, "measure": measure, "given": " + ".join(others)}
            rows.append(grid.key | setting | row)
            full = f"{'partial_' * bool(others)}{design}.{part}.{slug(name)}.{measure}"
            metrics |= {full: row["r"], f"{full}.p": row["p"], f"{full}.n": float(row["languages"])}
            if row["reason"] and measure == "pearson":
                silent.setdefault((f"{grid.task}, {grid.model}", row["reason"]), {}).setdefault(design, []).append(name)
    notes = [f"{setting}: {why} ({_listed(designs)})" for (setting, why), designs in silent.items()]
    if any(row["given"] for row in rows):
        notes.append(
            "partial tests (given other distances) are exploratory: they reject too often under autocorrelation"
        )
    return Result("permutation", {"permutation": pd.DataFrame(rows)}, metrics, tuple(dict.fromkeys(notes)))


def _listed(designs: dict[str, list[str]]) -> str:
    """Designs with the distances that they are about, those of the same distances together."""
    alike: dict[str, list[str]] = {}
    for design, names in designs.items():
        alike.setdefault(", ".join(dict.fromkeys(names)), []).append(design)
    return "; ".join(f"{', '.join(several)} of {names}" for names, several in alike.items())


def _tests(names: list[str]) -> list[tuple[str, str, list[str]]]:
    """Design, distance, and the distances that are held fixed."""
    plain: list[tuple[str, str, list[str]]] = [
        (design, name, []) for name in names for design in ("mantel", "qap", "labels")
    ]
    if len(names) < 2:
        return plain
    others = {name: [other for other in names if other != name] for name in names}
    return plain + [(design, name, others[name]) for name in names for design in ("mantel", "qap")]


def _rows(
    grid: Grid, design: str, frames: dict[str, pd.DataFrame], permutations: int, seed: int
) -> list[tuple[str, dict[str, Any]]]:
    """Pearson's r, and Spearman's rho where nothing is held fixed, of the first distance given the others."""
    joint = design != "labels"
    common = grid.common()
    kept, score, away = _complete(grid, frames, common) if joint else _pairwise(grid, frames)
    if design == "mantel":
        score, away = (score + score.T) / 2, [(one + one.T) / 2 for one in away]
    cells = np.isfinite(score) & np.isfinite(away[0])
    if design == "mantel":
        cells = np.triu(cells, 1)
    facts = {"languages": kept, "dropped": len(common) - kept if joint else 0, "pairs": int(cells.sum())}
    measures = ["pearson"] if len(away) > 1 else ["pearson", "spearman"]
    why = "one source" if len(grid.sources) == 1 else ""
    why = why or (f"{kept} languages that are source and target; 3 are needed" if joint and kept < 3 else "")
    why = why or guards.constant(away[0][cells], "distance") or guards.constant(score[cells], "score")
    if why:
        return [(measure, {"r": np.nan, "p": np.nan} | facts | {"reason": why}) for measure in measures]
    few = guards.too_few(kept)
    scores, distances = [score], [away[0]]
    if "spearman" in measures:
        scores, distances = [score, ranked(score, cells)], [away[0], ranked(away[0], cells)]
    found = permutation_test(
        scores, distances, cells, controls=away[1:], joint=joint, permutations=0 if few else permutations, seed=seed
    )
    collinear = "the other distances explain this one, or the scores, in full"
    return [
        (measure, {"r": one.r, "p": one.p} | facts | {"reason": few if np.isfinite(one.r) else collinear})
        for measure, one in zip(measures, found, strict=True)
    ]


def _complete(grid: Grid, frames: dict[str, pd.DataFrame], common: Sequence[str]) -> tuple[int, Array, list[Array]]:
    """The languages on both sides with every score and distance among them; the worst is dropped until all is known."""
    kept = list(common)
    rows, columns = ([side.index(language) for language in kept] for side in (grid.sources, grid.targets))
    score = grid.transfer[np.ix_(rows, columns)]
    away = [square(frame, kept, kept) for frame in frames.values()]
    while len(kept) > 1:
        unknown = ~np.isfinite(sum(away, score))
        np.fill_diagonal(unknown, val=False)
        worst = unknown.sum(axis=0) + unknown.sum(axis=1)
        if not worst.any():
            break
        stay = np.arange(len(kept)) != int(worst.argmax())
        kept = [language for language, good in zip(kept, stay, strict=True) if good]
        score, away = score[np.ix_(stay, stay)], [one[np.ix_(stay, stay)] for one in away]
    return len(kept), score, away


def _pairwise(grid: Grid, frames: dict[str, pd.DataFrame]) -> tuple[int, Array, list[Array]]:
    """All languages of the grid that have any pair with a score and a distance; how many the smaller side has."""
    score = grid.transfer
    away = [square(frame, grid.sources, grid.targets) for frame in frames.values()]
    both = np.isfinite(sum(away, score))
    return int(max(both.any(axis=0).sum(), both.any(axis=1).sum())), score, away


def ranked(values: Array, cells: Mask) -> Array:
    """The matrix with mid-ranks in the cells, for Spearman's rho."""
    ranks = np.full(values.shape, np.nan)
    ranks[cells] = rankdata(values[cells])
    return ranks
