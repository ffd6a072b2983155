"""What is known of each language beside its scores: family, script, whether a model saw it, how many speak it."""

from __future__ import annotations

import csv
import math
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from harness.data.files import read_lines
from harness.errors import DataError, HarnessError
from harness.languages import canonical, languages


@dataclass(frozen=True, slots=True)
class Families:
    """A family for every language, and a branch where one is known.

    Attributes:
        family: by language.
        branch: by language; the family where no branch is given.
        notes: lines that name no known language.
    """

    family: dict[str, str]
    branch: dict[str, str]
    notes: tuple[str, ...] = ()


def table_families() -> Families:
    """Those of the harness's table of languages."""
    known = languages()
    return Families(
        {code: one.family for code, one in known.items()},
        {code: f"{one.family}, {one.branch}" for code, one in known.items()},
    )


def scripts() -> dict[str, str]:
    """The script of every language, from the harness's table."""
    return {code: one.script for code, one in languages().items()}


def read_families(path: Path, needed: Collection[str], namespace: str = "") -> Families:
    """Families from a file: ``Language Family`` or ``Language Family, Branch`` a line; ``_`` joins a name's words.

    The first line of a language counts. Varieties that the harness does not know are skipped and named.

    Raises:
        DataError: a language that is needed has no family there, or a line has none.
    """
    family: dict[str, str] = {}
    branch: dict[str, str] = {}
    unknown: list[str] = []
    for number, line in enumerate(_lines(path), start=1):
        name, _, rest = line.replace("\t", " ").partition(" ")
        if not rest.strip():
            raise DataError(f"{path}, line {number}: expected a language and its family, found {line!r}")
        try:
            code = canonical(name.replace("_", " "), namespace)
        except HarnessError:
            unknown.append(name)
            continue
        branch.setdefault(code, rest.strip())
        family.setdefault(code, rest.partition(",")[0].strip())
    absent = sorted(set(needed) - family.keys())
    if absent:
        raise DataError(f"{path}: no family for {', '.join(absent[:8])} ({len(absent)} in all)")
    notes = (f"{path.name}: {', '.join(unknown[:5])} are no known languages; skipped",) if unknown else ()
    return Families(family, branch, notes)


def read_languages(path: Path, namespace: str = "") -> frozenset[str]:
    """A set of languages from a file, one a line or separated by commas: those that a model saw, for instance."""
    text = " ".join(line.partition("#")[0] for line in _lines(path))
    names = [name for name in text.replace(",", " ").split() if name]
    try:
        return frozenset(canonical(name.replace("_", " "), namespace) for name in names)
    except HarnessError as error:
        raise DataError(f"{path}: {error}") from error


def read_populations(path: Path, namespace: str = "") -> dict[str, float]:
    """Speakers by language, from a CSV file whose first two columns are language and number."""
    found: dict[str, float] = {}
    for number, row in enumerate(csv.reader(_lines(path)), start=1):
        where = f"{path}, line {number}"
        if len(row) < 2:
            raise DataError(f"{where}: expected a language and its number of speakers")
        try:
            people = float(row[1].replace("_", ""))
        except ValueError:
            if number == 1:  # a header
                continue
            raise DataError(f"{where}: {row[1]!r} is no number") from None
        try:
            code = canonical(row[0].strip(), namespace)
        except HarnessError as error:
            raise DataError(f"{where}: {error}") from error
        if code in found or not 0 <= people < math.inf:
            raise DataError(f"{where}: {code} " + ("stands there twice" if code in found else f"{people} speakers"))
        found[code] = people
    return found


def _lines(path: Path) -> list[str]:
    return [line.strip() for line in read_lines(path) if line.strip()]
