"""The distances that names, kinds and files ask for, for every task and model; what is left out, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from harness.distances.asked import Asked, Scope
from harness.distances.base import ALL_LAYERS, DISTANCES, Context, Distance, Kind, Need, at_layer, distances
from harness.distances.file import doubt, read_distance
from harness.errors import HarnessError, NotApplicableError, nearest

if TYPE_CHECKING:
    from harness.analysis.grid import Grid
    from harness.studied import Studied

COLUMNS = ["distance", "task", "model", "a", "b", "value", "shared", "coverage"]
DEFAULT = (
    "family_tree", "same_script", "great_circle", "syntactic", "character_ngrams", "entity_overlap", "train_size",
)  # fmt: skip
BY_TASK = frozenset({Need.TEXTS, Need.SIZES})
BY_MODEL = frozenset({Need.TOKENIZER, Need.EMBEDDINGS, Need.PRETRAINING})


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """What came out.

    Attributes:
        table: the columns ``COLUMNS``, known values alone; task and model are empty where a distance depends on none.
        kinds: by distance.
        notes: what is left out or incomplete, and why.
    """

    table: pd.DataFrame
    kinds: Mapping[str, str]
    notes: tuple[str, ...]


def choose(asked: Asked, grids: Sequence[Grid], studied: Mapping[tuple[str, str], Studied]) -> Chosen:
    """The distances between the languages of the grids.

    Distances that were not asked for by name are dropped where they are the same for every pair.

    Args:
        studied: by task and model, what the scores were made with.

    Raises:
        HarnessError: a distance is unknown, or a file holds none.
    """
    wanted = list(_wanted(asked.names or DEFAULT))
    found = [pd.DataFrame(columns=COLUMNS)]
    notes: list[str] = []
    kinds: dict[str, str] = {}
    missing: dict[tuple[str, str], list[str]] = {}
    for _, several in groupby(sorted(wanted, key=_alike), key=_alike):
        of_these = list(several)
        for scope in _scopes(of_these[0].needs, grids, studied):
            for distance, table, why in _computed(of_these, scope, asked):
                if not why and not _named(distance, asked):
                    why = _constant(table, scope)
                if why:
                    missing.setdefault((distance.name, why), []).append(str(scope))
                    continue
                notes += _doubts(distance, table, scope)
                kinds[distance.name] = str(distance.kind)
                found.append(table.assign(task=scope.task, model=scope.model)[COLUMNS])
    together: dict[tuple[str, str], list[str]] = {}
    for (name, why), scopes in missing.items():
        together.setdefault((_in(scopes), why), []).append(name)
    notes += [f"left out: {', '.join(names)}{scopes}: {why}" for (scopes, why), names in together.items()]
    if not asked.names:
        notes.append(f"distances by default: {', '.join(DEFAULT)}; for others --distances with names or kinds")
    table = pd.concat([one for one in found if len(one)] or found, ignore_index=True)
    order = {_bare(one.name): i for i, one in enumerate(wanted)}
    table = table[table["value"].notna()]
    table = table.sort_values("distance", key=lambda names: names.map(_bare).map(order), kind="stable")
    kinds = {name: kind for name, kind in kinds.items() if kind != Kind.FILE}
    return Chosen(table.reset_index(drop=True), kinds, tuple(notes))


def _alike(distance: Distance) -> tuple[list[Need], bool]:
    """What distances agree in that are made from the same things."""
    return sorted(distance.needs), bool(distance.layer)


def _bare(name: str) -> str:
    """A distance's name without its layer."""
    return name.partition("@")[0]


def _named(distance: Distance, asked: Asked) -> bool:
    """Whether a distance was asked for by its own name, or as one of all layers."""
    names = {distance.name, f"{_bare(distance.name)}@{ALL_LAYERS}"} if distance.layer else {distance.name}
    return not names.isdisjoint(asked.names)


def _wanted(names: Sequence[str]) -> Iterator[Distance]:
    """Every distance once, in the order in which it is asked for."""
    done: set[str] = set()
    for name in names:
        if Path(name).suffix in (".csv", ".tsv") or Path(name).is_file():
            several = [read_distance(Path(name))]
        elif name in set(Kind):
            several = [DISTANCES[one] for one in DISTANCES if DISTANCES[one].kind == name]
        elif name in DISTANCES:
            several = [DISTANCES[name]]
        elif _bare(name) in DISTANCES:
            several = [at_layer(DISTANCES[_bare(name)], name.partition("@")[2])]
        else:
            raise HarnessError(f"unknown distance {name!r}: {nearest(name, [*DISTANCES, *map(str, Kind)])}")
        yield from (one for one in several if one.name not in done)
        done |= {one.name for one in several}


def _scopes(
    needs: frozenset[Need], grids: Sequence[Grid], studied: Mapping[tuple[str, str], Studied]
) -> Iterator[Scope]:
    groups: dict[tuple[str, str], list[Grid]] = {}
    for grid in grids:
        name = (grid.task if needs & BY_TASK else "", grid.model if needs & BY_MODEL else "")
        groups.setdefault(name, []).append(grid)
    for (task, model), members in groups.items():
        known = [studied[grid.task, grid.model] for grid in members if (grid.task, grid.model) in studied]
        languages = {code for grid in members for code in (*grid.sources, *grid.targets)}
        sources = {code for grid in members for code in grid.sources}
        yield Scope(task, model, tuple(sorted(languages)), tuple(sorted(sources)), known[0] if known else None)


def _computed(wanted: Sequence[Distance], scope: Scope, asked: Asked) -> Iterator[tuple[Distance, pd.DataFrame, str]]:
    """Each distance with its table, or with the reason why there is none; what they need is read once, if at all."""
    nothing = pd.DataFrame(columns=COLUMNS)
    # what reads texts and models is not imported by an analysis that needs none
    from harness.distances import embedded, remembered, sources

    codes = scope.languages
    try:
        if len(codes) < 2:
            raise NotApplicableError("there is one language only")
        wanted = embedded.layered(wanted, scope, asked)
        inputs = sources.inputs_of(wanted, scope, asked)
        places = {one.name: remembered.place(one, codes, inputs, asked) for one in wanted}
        stored = {name: remembered.read(path, codes) for name, path in places.items() if path}
        known = {name: table for name, table in stored.items() if table is not None}
        left = [one for one in wanted if one.name not in known]
        context = sources.context_of(left, inputs, asked) if left else Context()
    except HarnessError as error:
        yield from ((distance, nothing, str(error)) for distance in wanted)
        return
    for distance in wanted:
        if distance.name in known:
            yield distance, known[distance.name].assign(distance=distance.name), ""
            continue
        try:
            table = distances([distance], codes, context)
        except NotApplicableError as error:
            yield distance, nothing, str(error)
            continue
        if path := places[distance.name]:
            remembered.write(path, table)
        yield distance, table, ""


def _constant(table: pd.DataFrame, scope: Scope) -> str:
    """Why a distance cannot tell the pairs of a scope apart; empty where it can."""
    values = table.loc[table["a"].isin(scope.sources), "value"].dropna()
    if values.empty:
        return "known for no pair"
    return "the same for every pair" if np.ptp(values.to_numpy(dtype=float)) == 0 else ""


def _doubts(distance: Distance, table: pd.DataFrame, scope: Scope) -> Iterator[str]:
    name = distance.name + _in([str(scope)])
    known = table.loc[table["value"].notna(), ["a", "b"]]
    silent = sorted(set(scope.languages) - set(known["a"]) - set(known["b"]))
    if silent:
        some = ", ".join(silent[:8]) + (" ..." if len(silent) > 8 else "")
        yield f"{name}: {len(silent)} of {len(scope.languages)} languages are not in it: {some}"
    if distance.kind in (Kind.TYPOLOGICAL, Kind.FILE) and (why := doubt(table["value"].to_numpy(dtype=float))):
        yield f"{name}: {why}"


def _in(scopes: Sequence[str]) -> str:
    """Scopes as they follow a distance's name; nothing for the one that holds everywhere."""
    named = [scope for scope in scopes if scope]
    return f" ({'; '.join(named)})" if named else ""
