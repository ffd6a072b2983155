"""Distances from the table of languages alone: family tree, script, great circle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from harness.distances.base import Context, Distance, Kind, by_pair, frame, register
from harness.languages import Language, language

NO_DESCENT = frozenset({"Creole", "Sign Language"})
"""Families of the table that share no ancestor; their branches do (the lexifier of a creole)."""

PARTS_OF_SCRIPT = {
    "Hans": frozenset({"Hani"}),
    "Hant": frozenset({"Hani"}),
    "Jpan": frozenset({"Hani", "Hira", "Kana"}),
}
"""Scripts of ISO 15924 that are variants or mixtures of others."""


def family_tree(a: Language, b: Language) -> float:
    """Wu and Palmer's distance in the tree family, branch, language: ``1 - 2 depth(ancestor) / (depth a + depth b)``.

    One language in two scripts 0, one branch 1/3, one family 2/3, otherwise 1; NaN for constructed languages, which
    descend from none. So few steps are an ordinal scale, not a measure: prefer Spearman's correlation.
    """
    if "Constructed" in (a.family, b.family):
        return float("nan")
    if a.iso639_3 == b.iso639_3:
        return 0.0
    if a.family != b.family:
        return 1.0
    if a.branch == b.branch:
        return 1 / 3
    return 1.0 if a.family in NO_DESCENT else 2 / 3


def same_script(a: Language, b: Language) -> float:
    """0 for one script, 1 for two."""
    return float(a.script != b.script)


def script_overlap(a: Language, b: Language) -> float:
    """One minus Jaccard's similarity of the scripts that the two are made of: Japanese and Chinese share Han."""
    one, other = (PARTS_OF_SCRIPT.get(x.script, frozenset({x.script})) for x in (a, b))
    return 1 - len(one & other) / len(one | other)


def great_circle(a: Language, b: Language) -> float:
    """The way along the earth's surface as a share of half its girth, in [0, 1]; NaN without coordinates."""
    if a.latitude is None or a.longitude is None or b.latitude is None or b.longitude is None:
        return float("nan")
    north, south = np.radians(a.latitude), np.radians(b.latitude)
    turn = np.radians(a.longitude - b.longitude)
    # the haversine keeps its digits for neighbours, where the arc cosine loses them
    half = np.sin((north - south) / 2) ** 2 + np.cos(north) * np.cos(south) * np.sin(turn / 2) ** 2
    return float(2 * np.arcsin(np.sqrt(np.clip(half, 0, 1))) / np.pi)


def _distance(name: str, value: object) -> Distance:
    def compute(codes: Sequence[str], context: Context) -> pd.DataFrame:  # noqa: ARG001
        return frame(codes, by_pair(codes, {code: language(code) for code in codes}, value))  # type: ignore[arg-type]

    return Distance(name, Kind.TYPOLOGICAL, "1, the harness's table of languages", True, compute)


register(*(_distance(value.__name__, value) for value in (family_tree, same_script, script_overlap, great_circle)))
