"""What all analyses of a request are made from: scores as grids, distances, families, and what the models saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from harness import studied
from harness.analysis import traits
from harness.analysis.catalogue import Given
from harness.analysis.consistency import Search
from harness.analysis.grid import grids
from harness.analysis.published import from_file
from harness.analysis.stored import Scores, from_store
from harness.data.files import paired
from harness.distances.asked import Asked
from harness.distances.chosen import choose
from harness.errors import HarnessError
from harness.seen import seen_languages
from harness.storage.store import Store
from harness.tasktype import TASK_TYPES

if TYPE_CHECKING:
    import pandas as pd

    from harness.analysis.grid import Grid
    from harness.analysis.request import Request

FEW_SHOT = "few_shot"


def given(request: Request) -> tuple[Given, list[str]]:
    """What was asked for, read and joined, and what must be said of it.

    Raises:
        HarnessError: the input cannot be read, or holds nothing.
    """
    import pandas as pd

    scores, made, notes = _scores(request)
    found = tuple(grids(scores.frame[scores.frame["shots"] == 0]))
    languages = sorted({code for grid in found for code in (*grid.sources, *grid.targets)})
    families = (
        traits.read_families(request.families, languages, request.spelling)
        if request.families
        else traits.table_families()
    )
    asked = Asked(request.distances, request.data, request.results / "cache", request.parallel, request.options)
    chosen = choose(asked, found, made)
    table = chosen.table
    if request.families:
        table = pd.concat([table, _same_family(languages, families)], ignore_index=True)
    joined = Given(
        grids=found,
        distances=table,
        families=families,
        frame=scores.frame,
        selections=scores.selections,
        searches=_searches(scores.frame, made),
        store=Store(request.results),
        groups=chosen.kinds,
        pretrained=_pretrained(request, found, scores.frame),
        populations=traits.read_populations(request.populations, request.spelling) if request.populations else {},
        replicates=request.replicates,
        permutations=request.permutations,
        seed=request.seed,
        trees=request.lambdarank,
    )
    return joined, [*scores.notes, *notes, *families.notes, *chosen.notes]


def parameters(request: Request, found: Given) -> dict[str, str]:
    """What an analysis was made from, as its record and its tracking run say it."""
    return {
        "scores": str(request.matrix or request.results),
        "provenance": ", ".join(sorted(set(found.frame["provenance"]) - {""})),
        "tasks": ", ".join(sorted({grid.task for grid in found.grids})),
        "models": ", ".join(sorted({grid.model for grid in found.grids})),
        "distances": ", ".join(dict.fromkeys(found.distances["distance"])),
        "families": str(request.families or "the harness's table of languages"),
        "replicates": str(found.replicates),
        "permutations": str(found.permutations),
        "seed": str(found.seed),
    }


def _scores(request: Request) -> tuple[Scores, Mapping[tuple[str, str], studied.Studied], list[str]]:
    """The long table, what it was made with, and of what of it that is not known."""
    if request.matrix is not None:
        return from_file(request.matrix, rows=request.rows, unit=request.unit, namespace=request.spelling), {}, []
    if not (request.results / "runs").is_dir():
        raise HarnessError(
            f"{request.results}: no store there yet; `harness run` makes one, --matrix FILE reads a published one"
        )
    store = Store(request.results)
    scores = from_store(store, tuple(dict.fromkeys([*request.strategies, FEW_SHOT])), request.where, request.keep)
    if request.made is not None:
        return scores, request.made, []
    made, unknown = studied.of_store(store, scores.frame, request.options)
    return scores, made, unknown


def _searches(frame: pd.DataFrame, made: Mapping[tuple[str, str], studied.Studied]) -> tuple[Search, ...]:
    """The jobs among the analysed cells that search, in languages that have the same queries."""
    jobs = frame[["task", "model", "source", "seed", "predict_key"]].drop_duplicates()
    found = []
    for task, model, source, seed, key in jobs.itertuples(index=False):
        spec = made[task, model].task if (task, model) in made else None
        if spec and TASK_TYPES[spec.type].match and not paired(spec):
            found.append(Search(spec, model, source, int(seed), key))
    return tuple(found)


def _pretrained(request: Request, grids: Sequence[Grid], frame: pd.DataFrame) -> dict[str, frozenset[str]]:
    """The languages that each model saw: those of the file, or what is known of the models of the store."""
    models = sorted({grid.model for grid in grids})
    if request.pretrained:
        return dict.fromkeys(models, traits.read_languages(request.pretrained, request.spelling))
    if request.matrix is not None:
        return {}
    store, jobs = Store(request.results), frame.drop_duplicates("model").set_index("model")
    known = {
        model: seen_languages(model, (jobs["task"][model], jobs["predict_key"][model]), store, request.options)
        for model in models
    }
    return {model: languages for model, languages in known.items() if languages}


def _same_family(languages: Sequence[str], families: traits.Families) -> pd.DataFrame:
    """0 for one family of the user's file, 1 for two."""
    import pandas as pd

    pairs = [(a, b) for a in languages for b in languages if a != b]
    values = [float(families.family[a] != families.family[b]) for a, b in pairs]
    return pd.DataFrame(pairs, columns=["a", "b"]).assign(distance="family", task="", model="", value=values)
