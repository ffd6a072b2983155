"""Feature vectors of the harness's languages, read from the data files of the package ``urielplus``.

The package itself is never imported: it copies files into its own installation when first used (which read-only
installations refuse, and parallel processes do at once), it configures the root logger, and it needs over a minute for
what is one matrix product. Its arrays are read where they lie, reduced to what is needed here, and kept in the cache.

A language's vector is the one recorded under its own code or under that of its macro-language, whichever records
more: Arabic (``arb``) has 66 typological features, ``ara`` 284.
"""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError, NotApplicableError
from harness.storage.atomic import write_whole
from harness.storage.locks import held

FORMAT = 1  # raised when equal files give other vectors, or they are stored otherwise
TABLES = {
    "genetic": "family_features",
    "geographic": "geocoord_features",
    "typological": "features",
    "script": "script_features",
    "word_order": "features",
}
"""The package's files."""

ORDERS = tuple(f"S_{order}" for order in ("SVO", "SOV", "VSO", "VOS", "OVS", "OSV"))
AUTHORITIES = ("WALS", "ETHNO", "SSWL")
"""Sources on the order of subject, verb and object, best first. The last lists every order that occurs, all six of
Turkish among them, where WALS (feature 81A) names the dominant one."""


@dataclass(frozen=True, slots=True)
class Vectors:
    """Vectors of one kind.

    Attributes:
        codes: ISO 639-3, sorted.
        records: for each the code that its vector is recorded under; empty where there is none.
        features: names.
        matrix: (codes, features), NaN where not recorded; several sources are united by their maximum.
    """

    codes: tuple[str, ...]
    records: tuple[str, ...]
    features: tuple[str, ...]
    matrix: NDArray[np.float32]


def release() -> str:
    """The installed version of ``urielplus``; empty where it is not installed."""
    try:
        return version("urielplus")
    except PackageNotFoundError:
        return ""


def vectors(cache: Path | None) -> Mapping[str, Vectors]:
    """The vectors of every kind, by the names in ``TABLES``.

    Raises:
        NotApplicableError: ``urielplus`` is not installed.
    """
    spec = find_spec("urielplus")
    if spec is None or not spec.submodule_search_locations:
        raise NotApplicableError(
            "this distance needs the data of the package urielplus: pip install 'multilingual-harness[distances]'"
        )
    return _vectors(Path(spec.submodule_search_locations[0]) / "database" / "original_uriel", release(), cache)


@lru_cache(maxsize=4)
def _vectors(folder: Path, release: str, cache: Path | None) -> Mapping[str, Vectors]:
    if cache is None:
        return _reduced(folder)
    content = repr((FORMAT, release)).encode() + files("harness").joinpath("languages.csv").read_bytes()
    path = cache / "distances" / f"uriel-{hashlib.sha256(content).hexdigest()[:16]}.npz"
    # a cache that cannot be written or locked costs the time of reading, not the distances
    with _alone(path):
        with suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return _unpacked(path)
        found = _reduced(folder)
        with suppress(HarnessError):
            write_whole(path, _packed(found))
        return found


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with ExitStack() as stack:
        with suppress(HarnessError):
            stack.enter_context(held(path.with_suffix(".lock")))
        yield


def _reduced(folder: Path) -> dict[str, Vectors]:
    """The vectors of our languages, from the package's own files."""
    candidates = _candidates()
    return {kind: _one(kind, folder / f"{name}.npz", candidates) for kind, name in TABLES.items()}


def _one(kind: str, path: Path, candidates: Mapping[str, list[str]]) -> Vectors:
    with np.load(path, allow_pickle=False) as stored:
        row = {str(code): i for i, code in enumerate(stored["langs"])}
        features = tuple(map(str, stored["feats"]))
        wanted = sorted({row[code] for codes in candidates.values() for code in codes if code in row})
        data = stored["data"][wanted].astype(np.float32)
        sources = [str(source) for source in stored["sources"]]
    position = {i: k for k, i in enumerate(wanted)}
    data[data < 0] = np.nan  # -1 is "not recorded"
    if kind == "word_order":
        data = data[:, [features.index(order) for order in ORDERS]]
        data = data[:, :, [sources.index(source) for source in AUTHORITIES]]
        features, united = ORDERS, _first(data)
    else:
        united = np.fmax.reduce(data, axis=2)
    if kind == "genetic":
        # no family at all is recorded for isolates and for languages that were forgotten alike
        united[~(united > 0).any(axis=1)] = np.nan
    amount = np.isfinite(united).sum(axis=1)
    matrix = np.full((len(candidates), len(features)), np.nan, np.float32)
    records = []
    for i, codes in enumerate(candidates.values()):
        known = [code for code in codes if code in row and amount[position[row[code]]]]
        # of equals the first, which is the language's own
        best = max(known, key=lambda code: amount[position[row[code]]], default="")
        records.append(best)
        if best:
            matrix[i] = united[position[row[best]]]
    return Vectors(tuple(candidates), tuple(records), features, matrix)


def _first(data: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of each language what the first source says that says anything; (languages, features, sources)."""
    speaks = np.isfinite(data).any(axis=1)
    first = speaks.argmax(axis=1)
    said: NDArray[np.float32] = data[np.arange(len(data)), :, first]
    return said


def _candidates() -> dict[str, list[str]]:
    """For each ISO 639-3 code the three-letter codes that mean the same language here, its own first; sorted."""
    found: dict[str, list[str]] = defaultdict(list)
    lines = files("harness").joinpath("languages.csv").read_text(encoding="utf-8").splitlines()
    for row in csv.DictReader(lines):
        aliases = [code for code in row["aliases"].split(";") if len(code) == 3 and code.isascii() and code.islower()]
        found[row["iso639_3"]] += [row["iso639_3"], *aliases]
    return {code: list(dict.fromkeys(codes)) for code, codes in sorted(found.items())}


def _packed(found: Mapping[str, Vectors]) -> bytes:
    arrays = {}
    for kind, vectors in found.items():
        arrays[f"{kind}.codes"], arrays[f"{kind}.records"] = np.array(vectors.codes), np.array(vectors.records)
        arrays[f"{kind}.features"], arrays[f"{kind}.matrix"] = np.array(vectors.features), vectors.matrix
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _unpacked(path: Path) -> dict[str, Vectors]:
    with np.load(path, allow_pickle=False) as stored:
        found = {}
        for kind in TABLES:
            codes, records, features = (
                tuple(map(str, stored[f"{kind}.{part}"])) for part in ("codes", "records", "features")
            )
            found[kind] = Vectors(codes, records, features, stored[f"{kind}.matrix"])
        return found
