"""The languages of the benchmarks, and one canonical code for every spelling of them.

A canonical code is ISO 639-3 as FLORES-200 uses it: the individual language where a data set names only the
macro-language (``arb`` for ``ar``, ``swh`` for ``sw``). ISO 15924 follows where the benchmarks write one language in
several scripts: ``zho-Hans`` and ``zho-Hant`` always carry it; elsewhere the usual script has the bare code (``srp`` is
Cyrillic, beside ``srp-Latn``). Everything is read from ``languages.csv``, whose last column lists further spellings,
``namespace:spelling`` where a spelling means this language in one data set only.

Sources: family, branch (genus) and coordinates from WALS Online (Dryer and Haspelmath 2013, CC BY 4.0,
https://wals.info); for languages that WALS lacks, coordinates from Glottolog (CC BY 4.0) as URIEL+ distributes it, or
from an atlas (Khunsari, Pomak; N'Ko at Kankan, where its script was made), and family and branch in WALS's terms.
Departures from WALS: Turkic, Mongolic and Tungusic are families, and creoles are a family of their own with the
lexifier as branch. Constructed languages and collective codes (Berber, Hmong, Nahuatl, Otomi) have no coordinates.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

from harness.errors import HarnessError, nearest

# three letters mean another language here than in ISO 639-3 (``ara`` is Lokono, ``swa`` Swahili), so an unknown one
# must not be looked up as ISO
OWN_CODES = frozenset({"wals"})

LOCALE = re.compile(r"(?P<code>[a-z]{2,3})(-(?P<script>[a-z]{4}))?(-([a-z]{2}|[0-9]{3}))?")


@dataclass(frozen=True, slots=True)
class Language:
    """One language in one script.

    Attributes:
        code: canonical; equal to ``iso639_3``, with a script where one language has several.
        iso639_3: three letters; ``qpm`` (Pomak) is Universal Dependencies' private code.
        iso639_1: two letters, those of the macro-language where only it has any; empty where there are none.
        script: ISO 15924, the one in which the benchmarks write it (Gothic and Akkadian are transliterated).
        family: ``Constructed`` and ``Creole`` among them.
        branch: a group about as old as Germanic or Bantu.
        latitude: degrees north; None for constructed and collective languages.
        longitude: degrees east, in [-180, 180]; None likewise.
    """

    code: str
    iso639_3: str
    iso639_1: str
    name: str
    script: str
    family: str
    branch: str
    latitude: float | None
    longitude: float | None


def languages() -> Mapping[str, Language]:
    """Every language by its canonical code, in the order of the codes."""
    return _table()[0]


def language(code: str) -> Language:
    """The language with this canonical code.

    Raises:
        HarnessError: the code is not canonical.
    """
    try:
        return languages()[code]
    except KeyError:
        raise HarnessError(f"{code!r} is not a canonical language code: {nearest(code, languages())}") from None


def canonical(spelling: str, namespace: str = "", sets: Iterable[str] = ()) -> str:
    """The canonical code of a language, from any usual spelling of it.

    Codes of one to three parts (``de``, ``ger``, ``zho_Hans``, ``pt-BR``) and English names, in either case and with
    spaces, hyphens or underscores, all do; regions are dropped.

    Args:
        spelling: as the data set or a person writes it.
        namespace: the data set whose own spelling it is (``wikiann``, ``ud``, ``uner``, ``wals``); its meanings come
            before the general ones. A canonical code is no such spelling: ``als`` is Tosk Albanian, but Alemannic in
            ``wikiann``.
        sets: other words that may have been meant, for the message.

    Raises:
        HarnessError: nothing is spelt so; the message names the nearest known.
    """
    found = _resolve(_normal(spelling), namespace)
    if found is None:
        where = f" in {namespace}" if namespace else ""
        labels = {f"{known.name} ({known.code})" for known in languages().values()}
        raise HarnessError(
            f"unknown language {spelling!r}{where}: {nearest(spelling, labels.union(languages(), sets))}"
        )
    return found


def _resolve(form: str, namespace: str) -> str | None:
    spellings = _table()[1]
    found = spellings.get((namespace, form))
    if found is not None or namespace in OWN_CODES:
        return found
    if ("", form) in spellings:
        return spellings["", form]
    locale = LOCALE.fullmatch(form)
    if locale is None or locale["code"] == form:
        return None
    found = _resolve(locale["code"], namespace)
    if found is None or locale["script"] is None:
        return found
    table = languages()
    wanted = table[found].iso639_3, locale["script"].title()
    return next((code for code, known in table.items() if (known.iso639_3, known.script) == wanted), None)


@lru_cache(maxsize=2**14)  # a plan asks for the same ones for every job
def _normal(spelling: str) -> str:
    """Lower case without diacritics, words joined by hyphens: ``Norwegian Bokmål`` gives ``norwegian-bokmal``."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", spelling) if not unicodedata.combining(c))
    return re.sub(r"[\W_]+", "-", plain.casefold()).strip("-")


@lru_cache(maxsize=1)
def _table() -> tuple[Mapping[str, Language], Mapping[tuple[str, str], str]]:
    """Languages by code, and codes by namespace and normal spelling."""
    table: dict[str, Language] = {}
    spellings: dict[tuple[str, str], str] = {}
    lines = files("harness").joinpath("languages.csv").read_text(encoding="utf-8").splitlines()
    for row in csv.DictReader(lines):
        aliases = row.pop("aliases").split(";")
        degrees = {axis: float(row[axis]) if row[axis] else None for axis in ("latitude", "longitude")}
        entry = Language(**{**row, **degrees})  # type: ignore[arg-type]
        table[entry.code] = entry
        own = [entry.code, entry.name]
        if entry.code == entry.iso639_3:  # a language with a script in its code leaves the bare ones to aliases
            own.append(entry.iso639_1)
        for spelling in filter(None, own + aliases):
            namespace, _, plain = spelling.rpartition(":")
            holder = spellings.setdefault((namespace, _normal(plain)), entry.code)
            if holder != entry.code:
                raise HarnessError(f"languages.csv gives {spelling!r} to both {holder} and {entry.code}: keep one.")
    return MappingProxyType(table), MappingProxyType(spellings)
