"""A meaning said in a language: the words of a clause, of a sentence, of a question."""

from __future__ import annotations

from dataclasses import replace

from tasks.mini import inventory
from tasks.mini.lexicon import Filler, Lexicon, Slots
from tasks.mini.meanings import Clause, Utterance
from tasks.mini.tokens import Token, capitalised


def sentence(language: Lexicon, said: Utterance, pronoun: bool = False) -> list[Token]:
    """The words of an utterance with its full stop and a capital letter.

    Args:
        pronoun: the first subject is a pronoun, as in a sentence that follows on one about the same person.
    """
    first, *rest = said.clauses
    words = clause(language, first, said.opening, pronoun)
    for other in rest:
        again = other.subject == first.subject
        link = language.expand(said.link, {})
        words += link + clause(language, other, "", again)
    return capitalised(words + language.expand("stop", {}))


def question(language: Lexicon, kind: str, about: Clause) -> list[Token]:
    """The words of a question on a clause (``where_live``, ``who_event`` ...)."""
    return capitalised(language.expand(kind, slots(language, about)))


def clause(language: Lexicon, said: Clause, opening: str = "", pronoun: bool = False) -> list[Token]:
    """The words of a clause, without a capital letter or a full stop."""
    filled = dict(slots(language, said, pronoun))
    template = said.kind
    if said.form == "none":
        template = "denial"
    elif opening:
        template = "opened"
        if opening == "time":
            filled |= {"opening": filled["time"], "time": None}
        elif opening == "city":
            filled |= {"opening": "place", "place": None}
        else:
            filled["opening"] = language.row("openers", opening)
    return language.expand(template, filled)


def slots(language: Lexicon, said: Clause, pronoun: bool = False) -> Slots:
    """What fills the slots of a clause's templates."""
    thing = language.row("objects", said.object) if said.object else None
    if thing is not None and said.form == "counted":
        # several things agree otherwise than one does
        thing = replace(thing, gender=thing.gender and f"{thing.gender}-pl")
    return {
        "subject": _subject(language, said.subject, pronoun),
        "verb": _row(language, "verbs", said.verb),
        "object": thing,
        "what": said.form,
        "number": _row(language, "numbers", said.number),
        "place": "place" if said.city else None,
        "city": _row(language, "cities", said.city),
        "company": "company" if said.friend else None,
        "friend": _row(language, "persons", said.friend),
        "time": _row(language, "times", said.time),
        "org": _row(language, "orgs", said.org),
        "job": _row(language, "jobs", said.job),
    }


def _subject(language: Lexicon, name: str, pronoun: bool) -> Filler:
    if pronoun:
        return language.row("pronouns", "she" if name in inventory.WOMEN else "he")
    table = next((table for table in ("persons", "orgs") if name in language.tables[table]), "jobs")
    return language.row(table, name)


def _row(language: Lexicon, table: str, name: str) -> Filler | None:
    return language.row(table, name) if name else None
