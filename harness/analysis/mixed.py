"""The crossed mixed model of each grid: what each distance is worth, given the others and who the languages are.

    score ~ distances + traits of the languages + (1 | source) + (1 | target)

Distances and numeric traits enter in standard deviations, so that their coefficients compare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import chi2, norm

from harness.analysis import guards
from harness.analysis.crossed import Fit, fit
from harness.analysis.grid import Array, Grid, of_grid, square
from harness.analysis.result import Result, named, slug

if TYPE_CHECKING:
    import pandas as pd

Z = float(norm.ppf(0.975))


def mixed(grids: Sequence[Grid], distances: pd.DataFrame, pretrained: Mapping[str, frozenset[str]]) -> Result:
    """The model of every grid.

    Args:
        distances: columns distance, a, b, value.
        pretrained: by model, the languages that it saw in pretraining: three more predictors, where it is known.
    """
    import pandas as pd

    from harness.analysis.figures import forest

    rows: list[dict[str, Any]] = []
    fits: list[dict[str, Any]] = []
    notes: list[str] = []
    metrics: dict[str, float] = {}
    for grid, part in named(grids):
        frame, left_out = predictors(grid, distances, pretrained.get(grid.model))
        name = f"{grid.task}, {grid.model}, mixed model"
        notes += [f"{name}: {why}" for why in left_out]
        stem = f"mixed.{part}"
        coefficients, summary, why = estimate(frame)
        notes += [f"{name}: {one}" for one in why]
        rows += [grid.key | row for row in coefficients]
        fits.append(grid.key | summary)
        for row in coefficients:
            base = f"{stem}.{slug(row['predictor'])}"
            metrics |= {base: row["beta"], f"{base}.ci_low": row["low"], f"{base}.ci_high": row["high"]}
        metrics |= {f"{stem}.r2_marginal": summary["r2_marginal"], f"{stem}.r2_conditional": summary["r2_conditional"]}
        metrics[f"{stem}.n"] = float(summary["n"])
    tables = {"mixed": pd.DataFrame(rows), "mixed_fit": pd.DataFrame(fits)}
    return Result("mixed", tables, metrics, tuple(notes), forest.figures(tables["mixed"], tables["mixed_fit"]))


def predictors(
    grid: Grid, distances: pd.DataFrame, pretrained: frozenset[str] | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """A row a pair with a score and every distance (source, target, score, then predictors); what was dropped."""
    import pandas as pd

    score = grid.transfer
    columns: dict[str, Array] = {
        name: square(frame, grid.sources, grid.targets) for name, frame in of_grid(distances, grid).items()
    }
    if pretrained is not None:
        s, t = (np.array([code in pretrained for code in side], float) for side in (grid.sources, grid.targets))
        columns |= {
            "pretrained source": np.broadcast_to(s[:, None], score.shape),
            "pretrained target": np.broadcast_to(t[None, :], score.shape),
            "both pretrained": s[:, None] * t[None, :],
        }
    scored = np.isfinite(score)
    both = scored.copy()
    notes = []
    for name, values in columns.items():
        known = np.isfinite(values) & scored
        if not known.any():
            notes.append(f"{name}: known for none of the pairs; left out of the model")
        else:
            both &= known
    kept = {name: values[both] for name, values in columns.items() if np.isfinite(values[scored]).any()}
    if lost := int((scored & ~both).sum()):
        notes.append(f"{lost} of {int(scored.sum())} scored pairs lack one of the distances; left out of the model")
    s, t = np.nonzero(both)
    names = {"source": np.asarray(grid.sources)[s], "target": np.asarray(grid.targets)[t], "score": score[both]}
    return pd.DataFrame(names | kept), notes


def estimate(frame: pd.DataFrame) -> tuple[list[dict[str, Any]], dict[str, Any], list[str]]:
    """Coefficients, summary and notes of the model of a frame as ``predictors`` makes it.

    Predictors that are constant or follow from others are dropped. Tests are likelihood-ratio tests of full-likelihood
    fits, the estimates restricted-likelihood ones.
    """
    score = frame["score"].to_numpy(dtype=float)
    names = [str(name) for name in frame.columns[3:]]
    design, used, notes = _design(frame, names)
    factors = {side: frame[side].tolist() for side in ("source", "target") if 1 < frame[side].nunique() < len(frame)}
    languages = len({*frame["source"], *frame["target"]})
    nothing = {"n": len(frame), "sources": frame["source"].nunique(), "targets": frame["target"].nunique()}
    undefined = {"r2_marginal": np.nan, "r2_conditional": np.nan, "residual": np.nan, "loglik": np.nan}
    variances = {"variance_source": np.nan, "variance_target": np.nan}
    why = guards.constant(score, "score") if len(frame) else "no pair with a score and every distance"
    if not why and not factors:
        why = "one source and one score a target: a regression over targets, see the correlations"
    if not why and len(frame) <= design.shape[1] + sum(len(set(levels)) for levels in factors.values()):
        why = f"{len(frame)} pairs are too few for as many predictors and languages"
    if why or not used:
        why = why or "no predictor varies"
        return [], nothing | variances | undefined | {"converged": False, "reason": why}, [*notes, f"no model: {why}"]
    best = fit(score, design, factors)
    full = fit(score, design, factors, reml=False, near=best)
    few = guards.too_few(languages)
    rows = []
    for column, name in enumerate(used, start=1):
        beta, error = float(best.effects[column]), float(best.errors[column])
        raw = float(frame[name].std(ddof=0))
        without = fit(score, np.delete(design, column, axis=1), factors, reml=False, near=full)
        ratio = max(2 * (full.loglik - without.loglik), 0.0)
        rows.append(
            {
                "predictor": name, "beta": beta, "se": error, "low": beta - Z * error, "high": beta + Z * error,
                "per_unit": beta / raw, "per_unit_se": error / raw, "lr": ratio,
                "p": np.nan if few else float(chi2.sf(ratio, 1)), "reason": few,
            }
        )  # fmt: skip
    notes += [f"the variance of {side}s is estimated as none" for side in best.singular]
    notes += [] if best.converged else ["the optimiser did not come to rest: do not use this fit"]
    return rows, nothing | variances | _summary(best), [*notes, *([few] if few else [])]


def _summary(best: Fit) -> dict[str, Any]:
    return {f"variance_{side}": variance for side, variance in best.variances.items()} | {
        "residual": best.residual,
        "r2_marginal": best.marginal,
        "r2_conditional": best.conditional,
        "loglik": best.loglik,
        "converged": best.converged,
        "reason": "",
    }


def _design(frame: pd.DataFrame, names: Sequence[str]) -> tuple[Array, list[str], list[str]]:
    """A constant and every predictor in standard deviations, of full rank; the names used; why others are not."""
    columns = [np.ones(len(frame))]
    used: list[str] = []
    notes: list[str] = []
    for name in names:
        values = frame[name].to_numpy(dtype=float)
        spread = values.std() if len(values) else 0.0
        if spread <= 1e-12:
            notes.append(f"{name}: constant over these pairs; left out of the model")
            continue
        standard = (values - values.mean()) / spread
        rest = standard - np.column_stack(columns) @ np.linalg.lstsq(np.column_stack(columns), standard)[0]
        if rest.std() < 1e-6:
            notes.append(f"{name}: follows from {', '.join(used)}; left out of the model")
            continue
        columns.append(standard)
        used.append(name)
    return np.column_stack(columns), used, notes
