"""Premises with three hypotheses each, in blocks of three in which a hypothesis bears each label once.

So neither a hypothesis nor a premise alone says anything of the label.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tasks.mini import inventory
from tasks.mini.inventory import names
from tasks.mini.lexicon import Lexicon
from tasks.mini.meanings import Clause, Utterance, drawn, event, states
from tasks.mini.realise import sentence
from tasks.mini.tokens import joined

LABELS = ("entailment", "contradiction", "neutral")
PREMISES = {"train": 120, "dev": 21, "test": 51}


@dataclass(frozen=True, slots=True)
class Contrast:
    """A hypothesis, and what a premise says that entails it, contradicts it, or leaves it open (nothing, perhaps)."""

    hypothesis: Clause
    entailing: Clause
    contradicting: Clause
    neutral: Clause | None

    def clause(self, label: str) -> Clause | None:
        """What a premise says for this label."""
        return {"entailment": self.entailing, "contradiction": self.contradicting, "neutral": self.neutral}[label]


@dataclass(frozen=True, slots=True)
class Premise:
    """Sentences about one person, and the three hypotheses on them with their labels."""

    sentences: tuple[Utterance, ...]
    hypotheses: tuple[tuple[Clause, str], ...]


def rows(language: Lexicon, split: str) -> Iterator[Mapping[str, object]]:
    """Pairs of premise and hypothesis with their label; the group is the premise."""
    gap = " " if language.spaced else ""
    for i, premise in enumerate(premises(split)):
        said = [sentence(language, one, pronoun=number > 0) for number, one in enumerate(premise.sentences)]
        first = gap.join(joined(words, language.spaced)[0] for words in said)
        for j, (hypothesis, label) in enumerate(premise.hypotheses):
            second = joined(sentence(language, Utterance((hypothesis,))), language.spaced)[0]
            group = f"{split}-{i:03d}"
            yield {"id": f"{group}-{j}", "group": group, "first": first, "second": second, "label": label}


@functools.cache
def premises(split: str) -> tuple[Premise, ...]:
    """The meanings of a split."""
    rng = random.Random(f"nli/{split}")  # noqa: S311
    return tuple(premise for _ in range(PREMISES[split] // 3) for premise in block(rng, split))


def block(rng: random.Random, split: str) -> Iterator[Premise]:
    """Three premises about one person, on the same three hypotheses: a Latin square of labels."""
    chosen = contrasts(rng, split)
    turn = rng.sample(range(3), 3)
    for i in turn:
        labels = [LABELS[(i + j) % 3] for j in range(3)]
        said = [part for contrast, label in zip(chosen, labels, strict=True) if (part := contrast.clause(label))]
        rng.shuffle(said)
        pairs = [(contrast.hypothesis, label) for contrast, label in zip(chosen, labels, strict=True)]
        rng.shuffle(pairs)
        if rng.random() < 0.4:
            sentences = (Utterance((said[0], said[1]), "", "and"), *(Utterance((one,)) for one in said[2:]))
        else:
            sentences = tuple(Utterance((one,)) for one in said)
        yield Premise(sentences, tuple(pairs))


def contrasts(rng: random.Random, split: str) -> list[Contrast]:
    """Three contrasts about one person: one or two of events, the rest of states."""
    person = rng.choice(names(split).persons)
    # a state can be contradicted only where the split knows two
    known = [kind for kind in ("live", "work", "job") if len(states(person, split, kind)) > 1]
    about = rng.sample(known, min(len(known), rng.choice((1, 2))))
    found = [_state(rng, person, split, kind) for kind in about]
    for kind in rng.sample(("city", "time", "number", "age", "denial"), 3 - len(found)):
        found.append(_event(rng, person, split, kind, [contrast.hypothesis.core for contrast in found]))
    return found


def _state(rng: random.Random, person: str, split: str, kind: str) -> Contrast:
    true, false = rng.sample(states(person, split, kind), 2)
    return Contrast(true, true, false, None)


def _event(rng: random.Random, person: str, split: str, kind: str, taken: list[tuple[str, ...]]) -> Contrast:
    pool = names(split)
    bare = Clause("event", person)
    while not bare.verb or bare.core in taken:
        drawn_event = drawn(split, lambda: event(rng, person, pool))
        bare = Clause("event", person, drawn_event.verb, drawn_event.object)
    city, other_city = rng.sample(pool.cities, 2)
    time, other_time = rng.sample(inventory.TIMES, 2)
    number, other_number = rng.sample(inventory.NUMBERS, 2)
    # circumstances that the hypothesis leaves out
    said = replace(bare, city=city, time=time)
    detail = rng.choice((replace(bare, city=city), replace(bare, time=time), said))
    if kind == "city":
        return Contrast(replace(bare, city=city), said, replace(said, city=other_city), replace(bare, time=time))
    if kind == "time":
        return Contrast(replace(bare, time=time), said, replace(said, time=other_time), replace(bare, city=city))
    if kind == "number":
        some, others = (replace(detail, form="counted", number=n) for n in (number, other_number))
        return Contrast(replace(bare, form="counted", number=number), some, others, None)
    if kind == "age":
        new, old = rng.sample(("new", "old"), 2)
        return Contrast(replace(bare, form=new), replace(detail, form=new), replace(detail, form=old), detail)
    never = replace(bare, form="none")
    if rng.random() < 0.5:
        return Contrast(bare, detail, never, None)
    return Contrast(never, never, detail, None)
