"""Meanings, drawn with a fixed seed: clauses, utterances of one or two of them, and which are kept for testing."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tasks.mini import inventory
from tasks.mini.inventory import Names, names

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Clause:
    """Who did, or is, what; every field names a row of the languages' tables, or is empty.

    Attributes:
        kind: ``event``, ``live``, ``work`` or ``job``.
        form: of the object: ``one``, ``new``, ``old``, ``counted``, or ``none`` for an event that did not happen.
        friend: who came along.
    """

    kind: str
    subject: str
    verb: str = ""
    object: str = ""
    form: str = "one"
    number: str = ""
    city: str = ""
    friend: str = ""
    time: str = ""
    org: str = ""
    job: str = ""

    @property
    def core(self) -> tuple[str, ...]:
        """What is held out as one: an event with all its circumstances and its denial; else the whole clause."""
        about = (self.verb, self.object) if self.kind == "event" else (self.city, self.org, self.job)
        return (self.kind, self.subject, *about)


@dataclass(frozen=True, slots=True)
class Utterance:
    """One sentence: a clause or two.

    Attributes:
        opening: what stands first instead of the subject: ``time``, ``city``, an opener, or nothing.
        link: how the second clause joins on, ``and`` or ``but``.
    """

    clauses: tuple[Clause, ...]
    opening: str = ""
    link: str = ""


def held_out(clause: Clause) -> bool:
    """Whether a clause is kept for the test sets of every task: two cores in five, and all with a subject unseen."""
    return clause.subject in inventory.UNSEEN_NAMES.persons + inventory.UNSEEN_NAMES.orgs or (
        zlib.crc32("/".join(clause.core).encode()) % 5 < 2
    )


def belongs(clause: Clause, split: str) -> bool:
    """Whether a clause may be said in a split; train and dev share theirs."""
    return held_out(clause) == (split == "test")


def drawn(split: str, draw: Callable[[], Clause]) -> Clause:
    """The first clause drawn that belongs to the split."""
    while not belongs(clause := draw(), split):
        pass
    return clause


def event(rng: random.Random, subject: str, pool: Names) -> Clause:
    """Something that somebody, or an organisation, did or did not do."""
    company = subject in pool.orgs
    verb = rng.choice(inventory.COMPANY_VERBS if company else inventory.VERBS)
    forms = ["one", "one", "new", "counted", "counted"]
    forms += ["old"] if verb not in ("build", "open") else []  # nobody builds an old school
    forms += [] if company else ["none"]
    form = rng.choice(forms)
    return Clause(
        "event",
        subject,
        verb,
        rng.choice(inventory.BUILDINGS if company else inventory.OBJECTS),
        form,
        rng.choice(inventory.NUMBERS) if form == "counted" else "",
        rng.choice(pool.cities) if rng.random() < 0.6 else "",
        rng.choice([p for p in pool.persons if p != subject]) if not company and rng.random() < 0.2 else "",
        rng.choice(inventory.TIMES) if rng.random() < 0.6 else "",
    )


def states(subject: str, split: str, kind: str) -> list[Clause]:
    """All that a split can say of where somebody lives (``live``) or works (``work``), or is (``job``)."""
    pool = names(split)
    field, values = {"live": ("city", pool.cities), "work": ("org", pool.orgs), "job": ("job", inventory.JOBS)}[kind]
    clauses = (Clause(kind, subject, **{field: value}) for value in values)
    return [clause for clause in clauses if belongs(clause, split)]


def clause(rng: random.Random, subject: str, split: str) -> Clause:
    """Any clause of the split with this subject; two in five are states, but a profession has no other profession."""
    kinds = (
        ()
        if subject in names(split).orgs
        else ("live", "work")
        if subject in inventory.JOBS
        else ("live", "work", "job")
    )
    if kinds and rng.random() < 0.4 and (known := states(subject, split, rng.choice(kinds))):
        return rng.choice(known)
    return drawn(split, lambda: event(rng, subject, names(split)))


def subject(rng: random.Random, pool: Names) -> str:
    """Somebody: a person in five cases of ten, a profession in three, an organisation in two."""
    return rng.choice(rng.choice((pool.persons,) * 5 + (inventory.JOBS,) * 3 + (pool.orgs,) * 2))


def opening(rng: random.Random, first: Clause) -> str:
    """What stands first in a sentence; nothing for states and denials, whose order is fixed."""
    if first.kind != "event" or first.form == "none":
        return ""
    free = [name for name in ("time", "city") if getattr(first, name)]
    return rng.choice(("", *free * 2, rng.choice(inventory.OPENERS)))


def utterance(rng: random.Random, split: str) -> Utterance:
    """A sentence of the split; in every other case a second clause follows, half of them on the same person."""
    pool = names(split)
    first = clause(rng, subject(rng, pool), split)
    start = opening(rng, first)
    if rng.random() < 0.5:
        return Utterance((first,), start)
    same = first.subject in pool.persons and rng.random() < 0.5
    second = clause(rng, first.subject if same else subject(rng, pool), split)
    while second.core == first.core:
        second = clause(rng, subject(rng, pool), split)
    return Utterance((first, second), start, rng.choice(("and", "but")))


def distinct(count: int, draw: Callable[[], T], taken: frozenset[T] = frozenset()) -> tuple[T, ...]:
    """The first ``count`` different things drawn that are not already taken."""
    found: dict[T, None] = {}
    while len(found) < count:
        thing = draw()
        if thing not in taken:
            found[thing] = None
    return tuple(found)
