"""Basic word order: how subject, verb and object follow one another, by WALS 81A where it says, as URIEL records it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from harness.distances.base import Context, Distance, Kind, Need, by_pair, frame, register
from harness.distances.vectors import FORMAT, release, vectors
from harness.languages import language


def orders(codes: Sequence[str], context: Context) -> dict[str, frozenset[str]]:
    """The basic orders of each language, ``SVO`` and the like; several where none dominates, none where unknown."""
    table = vectors(context.cache)["word_order"]
    row = {code: i for i, code in enumerate(table.codes)}
    found = {}
    for code in codes:
        values = table.matrix[row[language(code).iso639_3]]
        named = frozenset(order[2:] for order, value in zip(table.features, values, strict=True) if value > 0)
        if named:
            found[code] = named
    return found


def _compute(codes: Sequence[str], context: Context) -> pd.DataFrame:
    known = orders(codes, context)
    values = by_pair(codes, known, lambda a, b: 1 - len(a & b) / len(a | b))
    return frame(codes, values, coverage=np.isfinite(values) * 1.0)


register(
    Distance(
        "word_order",
        Kind.TYPOLOGICAL,
        f"urielplus {release() or 'missing'}, URIEL's basic orders by WALS, Ethnologue, SSWL, Jaccard, {FORMAT}",
        True,
        _compute,
        needs=frozenset({Need.URIEL}),
    )
)
