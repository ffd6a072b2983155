"""Single sentences: tagged ones for NER and POS, parallel ones for retrieval and for training vectors."""

from __future__ import annotations

import functools
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace

from tasks.mini import inventory
from tasks.mini.inventory import names
from tasks.mini.lexicon import Lexicon
from tasks.mini.meanings import Utterance, distinct, drawn, event, opening, subject, utterance
from tasks.mini.realise import sentence
from tasks.mini.tokens import joined

TAGGED = {"train": 300, "dev": 60, "test": 120}
PARALLEL = {"train": 1200}
RETRIEVAL = {"test": 150}
# sentences of one cluster share their names, so that names alone do not tell a sentence from five others
CLUSTER = 6


def ner(language: Lexicon, split: str) -> Iterator[Mapping[str, object]]:
    """Sentences with their entities, in IOB2."""
    for i, said in enumerate(tagged(split)):
        words = sentence(language, said)
        yield _row(split, i) | {"words": [t.word for t in words], "tags": [t.entity for t in words]}


def pos(language: Lexicon, split: str) -> Iterator[Mapping[str, object]]:
    """The sentences of NER with their parts of speech."""
    for i, said in enumerate(tagged(split)):
        words = sentence(language, said)
        yield _row(split, i) | {"words": [t.word for t in words], "tags": [t.tag for t in words]}


def parallel(language: Lexicon, split: str) -> Iterator[Mapping[str, object]]:
    """Sentences to train vectors on, of no meaning that is tested."""
    for i, said in enumerate(unlabelled()):
        yield _row(split, i) | {"text": joined(sentence(language, said), language.spaced)[0]}


def retrieval(language: Lexicon, split: str) -> Iterator[Mapping[str, object]]:
    """Sentences to be found again in other languages."""
    for i, said in enumerate(clusters()):
        yield _row(split, i) | {"text": joined(sentence(language, said), language.spaced)[0]}


def _row(split: str, index: int) -> dict[str, object]:
    name = f"{split}-{index:04d}"
    return {"id": name, "group": name}


@functools.cache
def tagged(split: str) -> tuple[Utterance, ...]:
    """The meanings of a split of NER and POS; dev has none of train's."""
    rng = random.Random(f"tagged/{split}")  # noqa: S311
    taken = frozenset(tagged("train")) if split == "dev" else frozenset()
    return distinct(TAGGED[split], lambda: utterance(rng, split), taken)


@functools.cache
def unlabelled() -> tuple[Utterance, ...]:
    """The meanings of the parallel training text."""
    rng = random.Random("parallel/train")  # noqa: S311
    return distinct(PARALLEL["train"], lambda: utterance(rng, "train"))


@functools.cache
def clusters() -> tuple[Utterance, ...]:
    """The meanings of retrieval, in clusters that differ in everything but their names; shuffled."""
    rng = random.Random("retrieval/test")  # noqa: S311
    pool = names("test")
    found: dict[Utterance, None] = {}
    while len(found) < RETRIEVAL["test"]:
        who, city = subject(rng, pool), rng.choice(("", *pool.cities))
        found |= dict.fromkeys(distinct(CLUSTER, functools.partial(_member, rng, who, city), frozenset(found)))
    meanings = list(found)
    rng.shuffle(meanings)
    return tuple(meanings)


def _member(rng: random.Random, who: str, city: str) -> Utterance:
    pool = names("test")
    first = drawn("test", lambda: replace(event(rng, who, pool), city=city, friend=""))
    start = opening(rng, first)
    if rng.random() < 0.5:
        return Utterance((first,), start)
    other = rng.choice([job for job in inventory.JOBS if job != who])
    second = drawn("test", lambda: replace(event(rng, other, pool), city="", friend=""))
    return Utterance((first, second), start, rng.choice(("and", "but")))
