"""Paragraphs about two people, with questions whose answers are spans of them."""

from __future__ import annotations

import functools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tasks.mini import inventory
from tasks.mini.inventory import names
from tasks.mini.lexicon import Lexicon
from tasks.mini.meanings import Clause, Utterance, drawn, event, opening, states
from tasks.mini.realise import question, sentence
from tasks.mini.tokens import Token, joined

PARAGRAPHS = {"train": 60, "dev": 12, "test": 30}
QUESTIONS = 4


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Sentences of one clause each, and what is asked about them.

    Attributes:
        pronouns: whether a sentence names its subject by a pronoun.
        asked: number of the sentence, kind of question, table of the answer.
    """

    sentences: tuple[Utterance, ...]
    pronouns: tuple[bool, ...]
    asked: tuple[tuple[int, str, str], ...]


def rows(language: Lexicon, split: str) -> Iterator[Mapping[str, object]]:
    """Questions on paragraphs with their answer and its offset; the group is the paragraph."""
    for i, paragraph in enumerate(paragraphs(split)):
        context, said, starts = "", [], []
        for utterance, pronoun in zip(paragraph.sentences, paragraph.pronouns, strict=True):
            words = sentence(language, utterance, pronoun)
            text, offsets = joined(words, language.spaced)
            context += " " if context and language.spaced else ""
            said.append(words)
            starts.append([len(context) + offset for offset in offsets])
            context += text
        group = f"{split}-{i:03d}"
        for j, (number, kind, table) in enumerate(paragraph.asked):
            where = number
            while table == "persons" and paragraph.pronouns[where]:
                where -= 1  # the name that a pronoun stands for is in the last sentence without one
            first, last = answer_span(said[where], table)
            start, end = starts[where][first], starts[where][last] + len(said[where][last].word)
            asked = joined(question(language, kind, paragraph.sentences[number].clauses[0]), language.spaced)[0]
            answers = [(context[start:end], start)]
            yield {"id": f"{group}-{j}", "group": group, "question": asked, "context": context, "answers": answers}


def answer_span(words: list[Token], table: str) -> tuple[int, int]:
    """The first and the last word of a sentence that come from a table, less adpositions and articles at the edges."""
    inside = [i for i, word in enumerate(words) if word.table == table and word.tag not in ("ADP", "DET")]
    return inside[0], inside[-1]


@functools.cache
def paragraphs(split: str) -> tuple[Paragraph, ...]:
    """The meanings of a split."""
    rng = random.Random(f"qa/{split}")  # noqa: S311
    return tuple(paragraph(rng, split) for _ in range(PARAGRAPHS[split]))


def paragraph(rng: random.Random, split: str) -> Paragraph:
    """Facts about a woman and a man in any order: what each did, where some live and work, and what they are."""
    persons = names(split).persons
    facts: list[Clause] = []
    for who in (
        rng.choice([p for p in persons if p in inventory.WOMEN]),
        rng.choice([p for p in persons if p not in inventory.WOMEN]),
    ):
        facts.append(_event(rng, split, who, facts))
        for kind in rng.sample(("live", "work", "job"), 2):
            # no two people share a fact, so that every question has one answer
            free = [one for one in states(who, split, kind) if one.core[2:] not in [fact.core[2:] for fact in facts]]
            facts += rng.sample(free, min(1, len(free)))
    rng.shuffle(facts)
    follows = [i > 0 and facts[i - 1].subject == fact.subject for i, fact in enumerate(facts)]
    askable = [(i, kind, table) for i, fact in enumerate(facts) for kind, table in asked(fact).items()]
    return Paragraph(
        tuple(Utterance((fact,), opening(rng, fact)) for fact in facts),
        tuple(after and rng.random() < 0.6 for after in follows),
        tuple(rng.sample(askable, QUESTIONS)),
    )


def asked(fact: Clause) -> dict[str, str]:
    """What can be asked of a clause, and the table that the answer's words come from."""
    if fact.kind == "live":
        return {"where_live": "cities", "who_live": "persons"}
    if fact.kind == "work":
        return {"where_work": "orgs", "who_work": "persons"}
    if fact.kind == "job":
        return {}
    # things that were counted are asked for by their number
    thing = {"many_event": "numbers"} if fact.form == "counted" else {"what_event": "objects"}
    return {"where_event": "cities", "when_event": "times", **thing, "who_event": "persons"}


def _event(rng: random.Random, split: str, who: str, facts: list[Clause]) -> Clause:
    pool = names(split)
    taken = {value for fact in facts for value in (fact.verb, fact.object, fact.city, fact.time)}
    while True:
        found = drawn(split, lambda: event(rng, who, pool))
        found = replace(found, city=rng.choice(pool.cities), time=rng.choice(inventory.TIMES), friend="")
        if found.form != "none" and not taken & {found.verb, found.object, found.city, found.time}:
            return found
