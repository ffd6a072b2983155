"""URIEL's distances, computed from its vectors: the angle between the features that both languages have.

As ``urielplus`` computes them (``2 arccos(cos) / pi``, four digits), but all pairs at once, and without its inventions:
languages without common features have no distance, and an angle with the zero vector is undefined.

Source: Littell et al. (2017), URIEL; Khan et al. (2025), URIEL+ (CC BY-SA 4.0), with the vectors that it ships and
without the databases that it can be told to integrate.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

from harness.distances.base import Context, Distance, Floats, Kind, Need, frame, register
from harness.distances.vectors import FORMAT, release, vectors
from harness.languages import language, languages

MIN_SHARED = 20
"""Features that two languages must share: with fewer, an angle says more of the sampling than of the languages."""

PARTS = {
    "genetic": ("genetic", ""),
    "geographic": ("geographic", ""),
    "syntactic": ("typological", "S_"),
    "phonological": ("typological", "P_"),
    "inventory": ("typological", "INV_"),
    "featural": ("typological", ""),
    "script": ("script", ""),
}
"""For each distance the kind of vectors, and the prefix of the features that it looks at."""


def angular(values: Floats) -> tuple[Floats, Floats]:
    """Angular distances between rows, in [0, 1] for vectors without negative entries, and the columns they rest on.

    Args:
        values: (languages, features), NaN where unknown; a pair is compared in the columns that both have.

    Returns:
        Two matrices (languages, languages); the distance is NaN where there is no common column, or one of the two
        is zero in all of them.
    """
    known = np.isfinite(values).astype(np.float64)
    filled = np.nan_to_num(values.astype(np.float64), nan=0.0)
    norms = np.sqrt((filled**2) @ known.T)  # of each row in the columns that each other has
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines = (filled @ filled.T) / (norms * norms.T)
    return np.round(2 * np.arccos(np.clip(cosines, -1, 1)) / np.pi, 4), known @ known.T


def records(codes: Sequence[str], context: Context) -> pd.DataFrame:
    """Which code each language's vectors are recorded under, by kind; empty where there are none."""
    found = vectors(context.cache)
    columns = {}
    for kind, table in found.items():
        row = dict(zip(table.codes, table.records, strict=True))
        columns[kind] = [row[language(code).iso639_3] for code in codes]
    return pd.DataFrame({"language": list(codes), **columns})


def _compute(name: str, codes: Sequence[str], context: Context) -> pd.DataFrame:
    kind, prefix = PARTS[name]
    table = vectors(context.cache)[kind]
    row = {code: i for i, code in enumerate(table.codes)}
    columns = [i for i, feature in enumerate(table.features) if feature.startswith(prefix)]
    values = table.matrix[np.ix_([row[language(code).iso639_3] for code in codes], columns)].astype(np.float64)
    if name == "script":
        values[[_in_another_script(code) for code in codes]] = np.nan
    distance, shared = angular(values)
    return frame(codes, distance, shared, shared / len(columns))


def _in_another_script(code: str) -> bool:
    """Whether this is a language in a script that is not its usual one, of which no vector speaks."""
    return code != language(code).iso639_3 and language(code).iso639_3 in languages()


register(
    *(
        Distance(
            name,
            Kind.TYPOLOGICAL,
            f"urielplus {release() or 'missing'}, URIEL, union over sources, angular, {FORMAT}",
            True,
            partial(_compute, name),
            MIN_SHARED,
            frozenset({Need.URIEL}),
        )
        for name in PARTS
    )
)
