"""What choosing a source by a rule costs: regret, the score of the best source minus that of the chosen one.

Policies: ``english``; ``best single source``, the one that is best on the mean of the *other* targets; ``nearest by``
each distance, ties shared; ``foretold``, the best by ridge regression on all distances that has seen no score of the
target; ``random``, the mean source; and the ``oracle``, the best source of every target in hindsight, which is picked
on test scores and no policy at all. A target's own language is never its source, so that ``english`` has none for
English. Policies are compared on the targets that all of them have a source for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.analysis.grid import Array, Grid, of_grid, square
from harness.analysis.prediction import of_unseen_targets
from harness.analysis.resampling import Draws, interval
from harness.analysis.result import Result, named, slug

if TYPE_CHECKING:
    import pandas as pd

Mask = NDArray[np.bool_]

ORACLE = "oracle (hindsight)"
SHOWN = 6  # names in a note


def regrets(
    grids: Sequence[Grid], distances: pd.DataFrame, pretrained: Mapping[str, frozenset[str]], *, replicates: int = 1000,
    seed: int = 0,
) -> Result:  # fmt: skip
    """A row a policy: mean score and regret with intervals over targets, and how often it is the best source."""
    import pandas as pd

    from harness.analysis.figures import bars

    rows: list[dict[str, Any]] = []
    choices: list[dict[str, Any]] = []
    notes: list[str] = []
    compared: dict[str, list[str]] = {}
    metrics: dict[str, float] = {}
    for grid, part in named(grids):
        setting = f"{grid.task}, {grid.model}"
        score = grid.transfer
        comparable = np.isfinite(score).sum(axis=0) > 1  # with one source there is nothing to choose
        if not comparable.any():
            notes.append(f"{setting}: one source a target; there is nothing to choose")
            continue
        best = np.where(comparable, np.nanmax(np.where(np.isfinite(score), score, -np.inf), axis=0), np.nan)
        counts = Draws.of((1, len(grid.targets)), replicates, seed).targets
        chosen = {policy: _Chosen.of(score, weights, best)
                  for policy, weights in policies(grid, distances, pretrained.get(grid.model))}  # fmt: skip
        silent = [policy for policy, one in chosen.items() if not one.known.any()]
        notes += [f"{setting}, {policy}: names a source for no target" for policy in silent]
        chosen = {policy: one for policy, one in chosen.items() if one.known.any()}
        common, apart = common_targets({policy: one.known for policy, one in chosen.items()}, comparable)
        for text in _left_out(grid.targets, chosen, comparable, common, apart):
            compared.setdefault(text, []).append(setting)
        for policy, one in chosen.items():
            counted = one.known if policy in apart else common
            lost = (best - one.score)[counted]
            with np.errstate(invalid="ignore"):
                low, high = interval(counts[:, counted] @ lost / counts[:, counted].sum(axis=1))
            row: dict[str, Any] = {
                "policy": policy, "score": float(one.score[counted].mean()), "oracle": float(best[counted].mean()),
                "regret": float(lost.mean()), "low": low, "high": high, "worst_regret": float(lost.max()),
                "top1": float(one.hits[counted].mean()), "n": int(counted.sum()), "common": policy not in apart,
                "without": int(comparable.sum() - one.known.sum()),
            }  # fmt: skip
            rows.append(grid.key | row)
            stem = f"regret.{part}.{slug(policy)}"
            metrics |= {
                stem: row["regret"],
                f"{stem}.ci_low": low,
                f"{stem}.ci_high": high,
                f"{stem}.n": float(row["n"]),
            }
            choices += _choices(grid, policy, one, best, common)
    notes += [f"{text} ({_some(settings, '; ')})" for text, settings in compared.items()]
    if rows:
        notes.append("the oracle picks each target's source on its test scores: a bound, not a policy")
    table = pd.DataFrame(rows)
    return Result(
        "regret", {"regret": table, "choices": pd.DataFrame(choices)}, metrics, tuple(notes), bars.figures(table)
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Chosen:
    """What a policy chose: its weights of the sources, and by target the score and the chance that it is the best.

    Attributes:
        known: the targets that it names a source for, of those where there is a choice.
    """

    weights: Array
    score: Array
    hits: Array
    known: Mask

    @classmethod
    def of(cls, score: Array, weights: Array, best: Array) -> _Chosen:
        chosen = np.where(weights.sum(axis=0) > 0, (weights * np.nan_to_num(score)).sum(axis=0), np.nan)
        return cls(weights, chosen, (weights * (score == best)).sum(axis=0), np.isfinite(chosen) & np.isfinite(best))


def common_targets(known: Mapping[str, Mask], comparable: Mask) -> tuple[Mask, frozenset[str]]:
    """The targets that policies are compared on, and the policies that are left out of the comparison.

    All of them have a source for these targets. Those with the most targets come first; one that would leave less than
    half of the comparable targets to the others stands apart, on its own targets.
    """
    common, apart = comparable, set()
    for policy in sorted(known, key=lambda name: -int(known[name].sum())):
        left = common & known[policy]
        if 2 * left.sum() < comparable.sum():
            apart.add(policy)
        else:
            common = left
    return common, frozenset(apart)


def _left_out(
    targets: Sequence[str], chosen: Mapping[str, _Chosen], comparable: Mask, common: Mask, apart: Collection[str]
) -> Iterator[str]:
    """What must be said of the targets that policies are compared on."""
    lacking = {
        policy: [target for target, out in zip(targets, comparable & ~one.known, strict=True) if out]
        for policy, one in chosen.items()
    }
    told = [f"{_some(out)} (no source by: {policy})" for policy, out in lacking.items() if out and policy not in apart]
    if told:
        both = f"{common.sum()} of {comparable.sum()}"
        yield f"policies are compared on the {both} targets that all have a source for; left out: {'; '.join(told)}"
    for policy in chosen:
        if policy in apart:
            few = f"{chosen[policy].known.sum()} of {comparable.sum()} targets"
            yield f"{policy} names a source for {few}, too few to compare all policies on: its row is of these"


def _some(names: Sequence[str], between: str = ", ") -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return between.join(names[:SHOWN]) + more


def policies(
    grid: Grid, distances: pd.DataFrame, pretrained: frozenset[str] | None = None
) -> Iterator[tuple[str, Array]]:
    """Each policy with its weights of the sources for each target, (sources, targets); zeros where it is silent."""
    score = grid.transfer
    known = np.isfinite(score)
    filled = np.where(known, score, -np.inf)
    yield ORACLE, _shared(known & (filled == filled.max(axis=0)))
    if "eng" in grid.sources:
        english = np.zeros_like(score)
        row = grid.sources.index("eng")
        english[row] = known[row]
        yield "english", english
    yield "best single source", _best_single(score, known)
    yield "random", _shared(known)
    for name, frame in of_grid(distances, grid).items():
        away = np.where(known, square(frame, grid.sources, grid.targets), np.nan)
        away = np.where(np.isfinite(away), away, np.inf)
        nearest = np.isfinite(away) & (away <= away.min(axis=0) + 1e-12)
        yield f"nearest by {name}", _shared(nearest)
    foretold = of_unseen_targets(grid, distances, pretrained)
    if np.isfinite(foretold).any():
        foretold = np.where(np.isfinite(foretold), foretold, -np.inf)
        yield "foretold", _shared(np.isfinite(foretold) & (foretold == foretold.max(axis=0)))


def _best_single(score: Array, known: Array) -> Array:
    """The source with the best mean over all other targets."""
    centred = np.where(known, score - _column_means(score, known), 0.0)  # sources that lack hard targets gain nothing
    sums, counts = centred.sum(axis=1, keepdims=True), known.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        others = (sums - centred) / (counts - known)
    others = np.where(known & np.isfinite(others), others, -np.inf)
    return _shared(np.isfinite(others) & (others == others.max(axis=0)))


def _column_means(score: Array, known: Array) -> Array:
    return np.asarray(np.nansum(score, axis=0) / np.maximum(known.sum(axis=0), 1))


def _shared(chosen: Array) -> Array:
    return np.asarray(chosen / np.maximum(chosen.sum(axis=0), 1))


def _choices(grid: Grid, policy: str, one: _Chosen, best: Array, common: Mask) -> Iterator[dict[str, Any]]:
    rows = zip(grid.targets, one.weights.T, one.score, best, common, strict=True)
    for target, column, score, top, counted in rows:
        names = [source for source, weight in zip(grid.sources, column, strict=True) if weight > 0]
        if names and policy != "random" and np.isfinite(top):
            pair = {"policy": policy, "target": target, "source": " / ".join(names)}
            yield grid.key | pair | {"score": float(score), "regret": float(top - score), "common": bool(counted)}
