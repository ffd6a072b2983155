"""The analyses by name, in the order in which they are run and told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.analysis import traits

if TYPE_CHECKING:
    import pandas as pd

    from harness.analysis.consistency import Search
    from harness.analysis.grid import Grid
    from harness.analysis.result import Result
    from harness.storage.store import Store


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """What all analyses are made from.

    Attributes:
        grids: of all settings.
        distances: columns distance, a, b, value; empty where there are none.
        families: of the languages.
        frame: the long table itself, few-shot rows among it.
        selections: the cells of settings whose checkpoints were selected in several ways; None where there are none.
        searches: stored jobs of tasks whose languages share their queries.
        store: where these lie.
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
    selections: pd.DataFrame | None = None
    searches: Sequence[Search] = ()
    store: Store | None = None
    groups: Mapping[str, str] = field(default_factory=dict)
    pretrained: Mapping[str, frozenset[str]] = field(default_factory=dict)
    populations: Mapping[str, float] = field(default_factory=dict)
    replicates: int = 1000
    permutations: int = 9999
    seed: int = 0
    trees: bool = False


# each imports its analysis when it is run: one that is not asked for costs nothing


def _summary(given: Given) -> Result:
    """How well each model does over its targets: means, the worst off, inequality, coverage."""
    from harness.analysis.summary import summarise

    return summarise(given.grids, given.families.family, replicates=given.replicates, seed=given.seed)


def _gap(given: Given) -> Result:
    """How much lower a source scores on other languages than on its own test data."""
    from harness.analysis.gap import gaps

    return gaps(given.grids, replicates=given.replicates, seed=given.seed)


def _profile(given: Given) -> Result:
    """How good each language is as a source, how easy as a target, and how much direction matters."""
    from harness.analysis.profile import profiles

    return profiles(given.grids, given.families.family)


def _factors(given: Given) -> Result:
    """How much of the scores one property of source or target explains by itself."""
    from harness.analysis.factors import factors

    known = {"family": given.families.family, "script": traits.scripts()}
    return factors(given.grids, known, given.pretrained)


def _regret(given: Given) -> Result:
    """What each rule to choose a source costs, in points below the best source of each target."""
    from harness.analysis.regret import regrets

    return regrets(given.grids, given.distances, given.pretrained, replicates=given.replicates, seed=given.seed)


def _correlation(given: Given) -> Result:
    """How far each distance goes with transfer, with intervals from resampling languages."""
    from harness.analysis.correlation import correlate

    return correlate(given.grids, given.distances, replicates=given.replicates, seed=given.seed)


def _permutation(given: Given) -> Result:
    """Whether a distance goes with transfer at all: Mantel tests and QAP, which relabel languages."""
    from harness.analysis.permutation import relabel

    return relabel(given.grids, given.distances, permutations=given.permutations, seed=given.seed)


def _mixed(given: Given) -> Result:
    """What each distance explains beside the others, with crossed effects of source and target."""
    from harness.analysis.mixed import mixed

    return mixed(given.grids, given.distances, given.pretrained)


def _prediction(given: Given) -> Result:
    """How well scores of unseen languages can be foretold, beside means as baselines."""
    from harness.analysis.prediction import foretell

    return foretell(given.grids, given.distances, given.pretrained, given.groups, seed=given.seed)


def _ranking(given: Given) -> Result:
    """How well each distance ranks the sources of a target."""
    from harness.analysis.ranking import rank

    return rank(
        given.grids, given.distances, given.pretrained, replicates=given.replicates, seed=given.seed, trees=given.trees
    )


def _few_shot(given: Given) -> Result:
    """What k examples of the target add to zero-shot transfer."""
    from harness.analysis.few_shot import curves

    return curves(given.frame, replicates=given.replicates, seed=given.seed)


def _selection(given: Given) -> Result:
    """What selecting checkpoints by the target's dev set buys over selecting without it."""
    from harness.analysis.selection import audit

    assert given.selections is not None
    return audit(given.selections, replicates=given.replicates, seed=given.seed)


def _consistency(given: Given) -> Result:
    """Whether a search ranks the answer of one query alike in every language."""
    from harness.analysis.consistency import consistencies

    assert given.store is not None
    return consistencies(given.searches, given.store)


def _breakdown(given: Given) -> Result:
    """Mean scores by kind of pair: same script or family, seen in pretraining or not."""
    from harness.analysis.breakdown import breakdowns

    return breakdowns(
        given.grids, given.families.family, traits.scripts(), given.pretrained,
        replicates=given.replicates, seed=given.seed,
    )  # fmt: skip


def _utility(given: Given) -> Result:
    """What a model is worth to the people who speak the languages."""
    from harness.analysis.utility import utilities

    return utilities(given.grids, given.populations)


def _clusters(given: Given) -> Result:
    """Languages clustered by how transfer treats them, beside their clusters by a distance."""
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
    "selection": _selection,
    "consistency": _consistency,
    "utility": _utility,
}


def lacks(name: str, given: Given) -> str:
    """What an analysis needs that is not there; empty where it can be made."""
    if name in OF_DISTANCES and given.distances.empty:
        return "no distance is known between these languages"
    if name == "few_shot" and not (given.frame["shots"] > 0).any():
        return "no few-shot cells"
    if name == "selection" and given.selections is None:
        return "no setting whose checkpoints were selected in several ways"
    if name == "consistency" and not given.searches:
        return "no search whose languages share their queries"
    if name == "utility" and not given.populations:
        return "no populations were given"
    return ""


OF_DISTANCES = frozenset({"correlation", "permutation", "mixed", "prediction", "ranking", "clusters"})
