"""The analyses by name, in the order in which they are run and told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.analysis import traits

if TYPE_CHECKING:
    import pandas as pd

    from harness.analysis.grid import Grid
    from harness.analysis.result import Result


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """What all analyses are made from.

    Attributes:
        grids: of all settings.
        distances: columns distance, a, b, value; empty where there are none.
        families: of the languages.
        frame: the long table itself, few-shot rows among it.
        groups: of the distances, by name: typological, lexical ...
        pretrained: by model, the languages that it saw; models of which that is not known are absent.
        populations: speakers by language; empty where they were not given.
        replicates: of every bootstrap.
        permutations: of every permutation test.
        seed: of both.
        trees: rank sources by LambdaRank as well.
    """

    grids: tuple[Grid, ...]
    distances: pd.DataFrame
    families: traits.Families
    frame: pd.DataFrame
    groups: Mapping[str, str] = field(default_factory=dict)
    pretrained: Mapping[str, frozenset[str]] = field(default_factory=dict)
    populations: Mapping[str, float] = field(default_factory=dict)
    replicates: int = 1000
    permutations: int = 9999
    seed: int = 0
    trees: bool = False


# each imports its analysis when it is run: one that is not asked for costs nothing


def _summary(given: Given) -> Result:
    from harness.analysis.summary import summarise

    return summarise(given.grids, given.families.family, replicates=given.replicates, seed=given.seed)


def _gap(given: Given) -> Result:
    from harness.analysis.gap import gaps

    return gaps(given.grids, replicates=given.replicates, seed=given.seed)


def _profile(given: Given) -> Result:
    from harness.analysis.profile import profiles

    return profiles(given.grids, given.families.family)


def _factors(given: Given) -> Result:
    from harness.analysis.factors import factors

    known = {"family": given.families.family, "script": traits.scripts()}
    return factors(given.grids, known, given.pretrained)


def _regret(given: Given) -> Result:
    from harness.analysis.regret import regrets

    return regrets(given.grids, given.distances, given.pretrained, replicates=given.replicates, seed=given.seed)


def _correlation(given: Given) -> Result:
    from harness.analysis.correlation import correlate

    return correlate(given.grids, given.distances, replicates=given.replicates, seed=given.seed)


def _permutation(given: Given) -> Result:
    from harness.analysis.permutation import relabel

    return relabel(given.grids, given.distances, permutations=given.permutations, seed=given.seed)


def _mixed(given: Given) -> Result:
    from harness.analysis.mixed import mixed

    return mixed(given.grids, given.distances, given.pretrained)


def _prediction(given: Given) -> Result:
    from harness.analysis.prediction import foretell

    return foretell(given.grids, given.distances, given.pretrained, given.groups, seed=given.seed)


def _ranking(given: Given) -> Result:
    from harness.analysis.ranking import rank

    return rank(
        given.grids, given.distances, given.pretrained, replicates=given.replicates, seed=given.seed, trees=given.trees
    )


def _few_shot(given: Given) -> Result:
    from harness.analysis.few_shot import curves

    return curves(given.frame, replicates=given.replicates, seed=given.seed)


def _breakdown(given: Given) -> Result:
    from harness.analysis.breakdown import breakdowns

    return breakdowns(
        given.grids, given.families.family, traits.scripts(), given.pretrained,
        replicates=given.replicates, seed=given.seed,
    )  # fmt: skip


def _utility(given: Given) -> Result:
    from harness.analysis.utility import utilities

    return utilities(given.grids, given.populations)


def _clusters(given: Given) -> Result:
    from harness.analysis.clusters import cluster

    return cluster(given.grids, given.distances)


ANALYSES: Mapping[str, Callable[[Given], Result]] = {
    "summary": _summary,
    "gap": _gap,
    "profile": _profile,
    "factors": _factors,
    "breakdown": _breakdown,
    "regret": _regret,
    "correlation": _correlation,
    "permutation": _permutation,
    "mixed": _mixed,
    "prediction": _prediction,
    "ranking": _ranking,
    "clusters": _clusters,
    "few_shot": _few_shot,
    "utility": _utility,
}


def lacks(name: str, given: Given) -> str:
    """What an analysis needs that is not there; empty where it can be made."""
    if name in OF_DISTANCES and given.distances.empty:
        return "no distance is known between these languages"
    if name == "few_shot" and not (given.frame["shots"] > 0).any():
        return "no few-shot cells"
    if name == "utility" and not given.populations:
        return "no populations were given"
    return ""


OF_DISTANCES = frozenset({"correlation", "permutation", "mixed", "prediction", "ranking", "clusters"})
