"""How much of the scores one property of the languages explains alone: R2 and AIC of one-factor regressions.

Descriptive: pairs that share a language are not independent, so no p-values; and factors overlap, so shares do not
add up. Unlike everywhere else, the cells of a source on itself are in, as in de Vries, Wieling and Nissim (2022),
whose table this is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.analysis.grid import Array, Grid
from harness.analysis.result import Result

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class OneWay:
    """A least-squares regression on the levels of one factor."""

    levels: int
    r2: float
    aic: float


def one_way(score: Array, levels: Sequence[str]) -> OneWay:
    """The regression of scores on a factor; AIC as statsmodels and R count it, without the variance as a parameter.

    NaN where it says nothing: R2 of scores that are all alike, AIC where every score is met.
    """
    names, code = np.unique(np.asarray(levels), return_inverse=True)
    means = np.bincount(code, score) / np.bincount(code)
    residual = float(((score - means[code]) ** 2).sum())
    n = len(score)
    total = float(((score - score.mean()) ** 2).sum())
    nothing = 1e-12 * max(1.0, float((score * score).sum()))  # what rounding leaves
    r2 = 1 - residual / total if total > nothing else np.nan
    aic = n * (np.log(2 * np.pi * residual / n) + 1) + 2 * len(names) if residual > nothing else np.nan
    return OneWay(len(names), float(r2), float(aic))


@dataclass(frozen=True, slots=True)
class Nested:
    """Two least-squares regressions on factors, the first of which the second contains.

    F compares them; it has no p-value here, as pairs that share a language are not independent.
    """

    freedom: int
    freedom_full: int
    residual: float
    residual_full: float

    @property
    def f(self) -> float:
        """The F statistic."""
        gained = (self.residual - self.residual_full) / (self.freedom - self.freedom_full)
        return gained / (self.residual_full / self.freedom_full)


def nested(score: Array, smaller: Sequence[Sequence[str]], larger: Sequence[Sequence[str]]) -> Nested:
    """The additive regressions on two sets of factors, each given by the levels of all rows."""
    (freedom, residual), (freedom_full, residual_full) = (_additive(score, levels) for levels in (smaller, larger))
    return Nested(freedom, freedom_full, residual, residual_full)


def _additive(score: Array, factors: Sequence[Sequence[str]]) -> tuple[int, float]:
    """Degrees of freedom and sum of squares that are left."""
    codes = [np.unique(np.asarray(levels), return_inverse=True)[1] for levels in factors]
    design = np.column_stack([np.eye(code.max() + 1)[code] for code in codes])
    effects, _, rank, _ = np.linalg.lstsq(design, score)
    return len(score) - int(rank), float(((score - design @ effects) ** 2).sum())


def factors(
    grids: Sequence[Grid], traits: Mapping[str, Mapping[str, str]], pretrained: Mapping[str, frozenset[str]]
) -> Result:
    """Every grid against every trait of source and of target.

    Args:
        traits: by name (family, script ...), each language's level.
        pretrained: by model, the languages that it saw: one trait more.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    steps: list[dict[str, Any]] = []
    for grid in grids:
        known = np.isfinite(grid.scores)
        s, t = np.nonzero(known)
        score = 100 * grid.scores[known]
        sides = {"source": (grid.sources, s), "target": (grid.targets, t)}
        for side, (languages, index) in sides.items():
            own = {"language": {code: code for code in languages}}
            if grid.model in pretrained:
                own["in pretraining"] = {code: str(code in pretrained[grid.model]) for code in languages}
            for name, trait in {**own, **traits}.items():
                levels = [trait.get(code, "") for code in languages]
                if len(set(levels)) > 1:
                    one = one_way(score, np.asarray(levels)[index].tolist())
                    rows.append(
                        grid.key
                        | {"factor": f"{side} {name}", "n": len(score), "levels": one.levels}
                        | {"r2": one.r2, "aic": one.aic, "reason": "" if np.isfinite(one.aic) else "met in full"}
                    )
        codes = [np.asarray(side)[index].tolist() for side, index in sides.values()]
        if "family" in traits and len(grid.sources) > 1:
            found = nested(score, [[traits["family"].get(code, "") for code in codes[0]]], codes)
            if found.freedom_full > 0 and found.freedom > found.freedom_full and found.residual_full > 0:
                what = {"smaller": "source family", "larger": "source + target"}
                steps.append(grid.key | what | asdict(found) | {"f": found.f})
    metrics = {f"factor.{row['task']}.{row['factor'].replace(' ', '_')}.r2": row["r2"] for row in rows}
    metrics = metrics if len(grids) == 1 else {}
    tables = {"factors": pd.DataFrame(rows), "nested": pd.DataFrame(steps)}
    said = "factors: shares of variance of single properties, scores of a source on itself included; descriptive"
    return Result("factors", tables, metrics, (said,))
