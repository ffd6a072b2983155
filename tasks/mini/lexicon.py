"""One language of the embedded benchmark: its inflected forms and its templates, read from ``languages/<code>.yaml``.

A file holds ``tables`` (a row a meaning, cells parted by ``|`` under the heading ``forms``; the column ``g`` is what
other words agree with), ``agreeing`` words (a form for each such value) and ``templates``. In a template
``word/TAG`` is a word, and anything else a slot:

- ``subject`` takes the filler's first form, ``object.pl`` the named one,
- ``new@object`` the form that agrees with the object, ``verb.past@subject`` the form ``past-`` with that ending.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from harness.errors import DataError
from tasks.mini.tokens import Token

FOLDER = Path(__file__).parent / "languages"
ENTITIES = {"persons": "PER", "cities": "LOC", "orgs": "ORG"}
DEFAULT_TAGS = {
    "persons": "PROPN",
    "cities": "PROPN",
    "orgs": "PROPN",
    "verbs": "VERB",
    "numbers": "NUM",
    "pronouns": "PRON",
}


class Slot(NamedTuple):
    """A place in a template: what fills it, in which form, agreeing with which other slot."""

    name: str
    form: str = ""
    agrees: str = ""


Template = tuple[Token | Slot, ...]


@dataclass(frozen=True, slots=True)
class Filler:
    """A row of a table: one meaning in all the forms that the language's templates ask for.

    Attributes:
        where: file and row, for messages.
        gender: what other words agree with (gender, noun class, classifier); empty where nothing does.
        forms: by name, in the table's order; the first is the default.
    """

    where: str
    gender: str
    forms: Mapping[str, tuple[Token, ...]]

    def form(self, name: str) -> tuple[Token, ...]:
        """The words of a form: of the first one if no name is given, of the singular if the plural is no other."""
        if not name:
            return next(iter(self.forms.values()))
        if name not in self.forms:
            name = name.removesuffix("-pl")
        try:
            return self.forms[name]
        except KeyError:
            raise DataError(
                f"{self.where} has no form {name!r}; it has {', '.join(self.forms)}. Add the form."
            ) from None


Slots = Mapping[str, Filler | str | None]
"""What fills a slot: a row of a table, the template of that name, or nothing."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The forms and templates of one language."""

    code: str
    spaced: bool
    tables: Mapping[str, Mapping[str, Filler]]
    agreeing: Mapping[str, Filler]
    templates: Mapping[str, Template]

    def row(self, table: str, name: str) -> Filler:
        """The row of a meaning.

        Raises:
            DataError: the language has no word for it.
        """
        try:
            return self.tables[table][name]
        except KeyError:
            raise DataError(f"{self.code}.yaml: no row {name!r} in the table {table!r}. Add the row.") from None

    def expand(self, template: str, slots: Slots) -> list[Token]:
        """The words of a template, every slot filled.

        Raises:
            DataError: the language lacks the template, a slot's filler, or a form.
        """
        if template not in self.templates:
            raise DataError(f"{self.code}.yaml: no template {template!r}. Add the template.")
        words: list[Token] = []
        for part in self.templates[template]:
            if isinstance(part, Token):
                words.append(part)
                continue
            filler = slots[part.name] if part.name in slots else self.agreeing.get(part.name, "")
            if filler == "":
                raise DataError(f"{self.code}.yaml, template {template!r}: nothing fills the slot {part.name!r}")
            if isinstance(filler, str):
                words += self.expand(filler, slots)
            elif filler is not None:
                words += filler.form(self._form(part, slots) if part.agrees else part.form)
        return words

    def _form(self, slot: Slot, slots: Slots) -> str:
        other = slots.get(slot.agrees)
        if not isinstance(other, Filler):
            raise DataError(f"{self.code}.yaml: {slot.name!r} agrees with {slot.agrees!r}, which is not there")
        return "-".join(part for part in (slot.form, other.gender) if part)


@functools.cache
def lexicon(code: str) -> Lexicon:
    """The language of this code.

    Raises:
        DataError: there is no such file, or a row has more or fewer cells than its table's heading.
    """
    path = FOLDER / f"{code}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(other.stem for other in FOLDER.glob("*.yaml")))
        raise DataError(f"the embedded benchmark has no language {code!r}; it has {known}")
    # the C parser is ten times as fast, and not in every build of PyYAML
    data: dict[str, Any] = yaml.load(path.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    agreeing = {
        word: Filler(f"{path.name}, {word}", "", {str(key): _words(str(text), "") for key, text in forms.items()})
        for word, forms in (data["agreeing"] or {}).items()
    }
    tables = {name: _table(path.name, name, rows) for name, rows in data["tables"].items()}
    return Lexicon(
        code, data["spaced"], tables, agreeing, {key: _template(text) for key, text in data["templates"].items()}
    )


def _table(file: str, name: str, rows: Mapping[str, str]) -> dict[str, Filler]:
    heading, *others = ([cell.strip() for cell in str(row).split("|")] for row in rows.values())
    table = {}
    for key, cells in zip(list(rows)[1:], others, strict=True):
        where = f"{file}, {name}: {key}"
        if len(cells) != len(heading):
            raise DataError(f"{where}: {len(cells)} cells under {len(heading)} headings ({' | '.join(heading)})")
        forms = dict(zip(heading, cells, strict=True))
        gender = forms.pop("g", "")
        table[key] = Filler(where, gender, {form: _words(text, name) for form, text in forms.items()})
    return table


def _words(text: str, table: str) -> tuple[Token, ...]:
    pairs = [
        part.rpartition("/")[::2] if "/" in part else (part, DEFAULT_TAGS.get(table, "NOUN")) for part in text.split()
    ]
    tags = ["O"] * len(pairs)
    if table in ENTITIES:
        # articles and adpositions at the edges stand beside a name; between its parts they belong to it
        inside = [i for i, (_, tag) in enumerate(pairs) if tag not in ("ADP", "DET")]
        tags[inside[0] : inside[-1] + 1] = [f"I-{ENTITIES[table]}"] * (inside[-1] + 1 - inside[0])
        tags[inside[0]] = f"B-{ENTITIES[table]}"
    return tuple(Token(word, tag, entity, table) for (word, tag), entity in zip(pairs, tags, strict=True))


def _template(text: str) -> Template:
    return tuple(_part(part) for part in str(text).split())


def _part(text: str) -> Token | Slot:
    if "/" in text:
        return Token(*text.rpartition("/")[::2])
    name, _, agrees = text.partition("@")
    return Slot(*name.partition(".")[::2], agrees)
