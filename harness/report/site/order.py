"""The order of languages in tables and heatmaps: by family, large ones first, then by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

Known = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Tongue:
    """A language as a row or a column; what is not known of it is empty."""

    code: str
    name: str
    family: str
    script: str


def ordered(codes: Iterable[str], known: Known) -> list[Tongue]:
    """The languages, families together."""
    found = [_tongue(code, known.get(code, {})) for code in codes]
    sizes = Counter(one.family for one in found)
    return sorted(found, key=lambda one: (not one.family, -sizes[one.family], one.family, one.name, one.code))


def _tongue(code: str, facts: Mapping[str, str]) -> Tongue:
    return Tongue(code, facts.get("name") or code, facts.get("family") or "", facts.get("script") or "")


def families(tongues: Sequence[Tongue]) -> list[tuple[str, int]]:
    """The families in their order, and how many languages each has, for a heading above the columns."""
    return [(family, len(list(group))) for family, group in groupby(tongues, key=lambda one: one.family)]


def choices(tongues: Iterable[Tongue]) -> dict[str, list[str]]:
    """What can be filtered by: families and scripts, sorted."""
    every = list(tongues)
    return {
        "family": sorted({one.family for one in every} - {""}),
        "script": sorted({one.script for one in every} - {""}),
    }
