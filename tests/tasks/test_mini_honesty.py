"""The embedded benchmark leaks no test meaning, cannot be solved by its artefacts, and can by what it asks for."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

import numpy as np
import pytest
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from harness.data.readers import READERS, Request
from tasks.mini import inference, meanings, questions, sentences
from tasks.mini.lexicon import FOLDER, lexicon
from tasks.mini.realise import sentence

CODES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
# one language a script and a family; fitting classifiers in all sixteen would tell nothing more
SOME = ["eng", "rus", "hin", "tur", "zho-Hans"]


@cache
def fields(kind: str, code: str, split: str) -> list[dict]:
    return [dict(row.fields) for row in READERS["mini"].rows(Request((), code, code, split, {"kind": kind}))]


@cache
def said(split: str) -> frozenset[meanings.Clause]:
    """Every clause of every task in a split, in texts and hypotheses."""
    utterances = list(sentences.tagged(split))
    utterances += [one for premise in inference.premises(split) for one in premise.sentences]
    utterances += [one for paragraph in questions.paragraphs(split) for one in paragraph.sentences]
    utterances += sentences.unlabelled() if split == "train" else ()
    utterances += sentences.clusters() if split == "test" else ()
    hypotheses = {clause for premise in inference.premises(split) for clause, _ in premise.hypotheses}
    return frozenset({clause for utterance in utterances for clause in utterance.clauses} | hypotheses)


def test_no_test_meaning_occurs_in_training():
    trained = said("train") | said("dev")
    assert not said("test") & trained
    assert not {clause.core for clause in said("test")} & {clause.core for clause in trained}


@pytest.mark.parametrize("code", CODES)
def test_no_test_sentence_occurs_in_training(code):
    def texts(split: str) -> set[str]:
        found = {"".join(row["words"]) for row in fields("ner", code, split)}
        for kind in ("retrieval",) if split == "test" else ("parallel",) if split == "train" else ():
            found |= {row["text"].replace(" ", "") for row in fields(kind, code, split)}
        return found

    assert not texts("test") & (texts("train") | texts("dev"))
    assert not texts("dev") & {"".join(row["words"]) for row in fields("ner", code, "train")}
    for kind, field in (("nli", "first"), ("nli", "second"), ("qa", "context")):
        trained = {row[field] for split in ("train", "dev") for row in fields(kind, code, split)}
        assert not trained & {row[field] for row in fields(kind, code, "test")}


@pytest.mark.parametrize("code", CODES)
def test_half_of_the_test_names_are_unseen(code):
    def entities(split: str) -> set[tuple[str, ...]]:
        spans: list[list[str]] = []
        for row in fields("ner", code, split):
            for word, tag in zip(row["words"], row["tags"], strict=True):
                if tag[0] == "B":
                    spans.append([word])
                elif tag[0] == "I":
                    spans[-1].append(word)
        return {tuple(span) for span in spans}

    test = entities("test")
    unseen = test - entities("train") - entities("dev")
    assert 0.4 <= len(unseen) / len(test) <= 0.6
    words = {token.word for one in sentences.unlabelled() for token in sentence(lexicon(code), one)}
    assert not [name for name in unseen if words.issuperset(name)]


def test_every_hypothesis_and_every_premise_bears_each_label_equally_often():
    for split in inference.PREMISES:
        for field in ("second", "group"):
            labels: dict[str, Counter[str]] = {}
            for row in fields("nli", "eng", split):
                labels.setdefault(row[field], Counter())[row["label"]] += 1
            assert all(len(set(count.values())) == 1 and len(count) == 3 for count in labels.values())


@pytest.mark.parametrize("code", SOME)
@pytest.mark.parametrize("field", ["first", "second"])
def test_half_of_a_pair_does_not_tell_its_label(code, field):
    train, test = fields("nli", code, "train"), fields("nli", code, "test")
    model = make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(1, 4)), LogisticRegression(C=10))
    model.fit([row[field] for row in train], [row["label"] for row in train])
    assert model.score([row[field] for row in test], [row["label"] for row in test]) <= 0.40


@pytest.mark.parametrize("code", SOME)
def test_comparing_premise_and_hypothesis_tells_the_label(code):
    def features(row: dict) -> list[float]:
        """How much of the hypothesis the premise holds, by character n-grams, and by its least familiar part."""
        first, second = row["first"], row["second"].rstrip(".।。")
        held = [second[i : i + 4] in first for i in range(len(second) - 3)]
        gaps = "".join("x" if there else " " for there in held).split("x")
        longest = max(map(len, gaps))
        tail = [second[i : i + 3] in first for i in range(len(second) // 2, len(second) - 2)]
        return [float(np.mean(held)), float(all(held)), longest / 10, float(np.mean(tail or [1.0])), len(first) / 100]

    train, test = fields("nli", code, "train"), fields("nli", code, "test")
    model = make_pipeline(LogisticRegression(C=100, max_iter=2000))
    model.fit([features(row) for row in train], [row["label"] for row in train])
    assert model.score([features(row) for row in test], [row["label"] for row in test]) > 0.5


@pytest.mark.parametrize("code", CODES)
def test_the_position_of_a_word_does_not_tell_its_part_of_speech(code):
    def pairs(split: str) -> list[tuple[int, str]]:
        return [pair for row in fields("pos", code, split) for pair in enumerate(row["tags"])]

    usual = Counter(tag for _, tag in pairs("train")).most_common(1)[0][0]
    by_position: dict[int, Counter[str]] = {}
    for place, tag in pairs("train"):
        by_position.setdefault(place, Counter())[tag] += 1
    guess = {place: count.most_common(1)[0][0] for place, count in by_position.items()}
    test = pairs("test")
    majority = sum(tag == usual for _, tag in test) / len(test)
    assert sum(tag == guess.get(place, usual) for place, tag in test) / len(test) <= majority + 0.10


@pytest.mark.parametrize("split", questions.PARAGRAPHS)
@pytest.mark.parametrize("code", CODES)
def test_no_sentence_of_a_paragraph_holds_the_answers(code, split):
    """As sentences go, from the first or from the last: no place holds many more answers than its share."""
    counts: Counter[int] = Counter()
    rows = fields("qa", code, split)
    for row in rows:
        ends = [match.end() for match in re.finditer("[.।。]", row["context"])]
        counts[sum(end <= row["answers"][0][1] for end in ends)] += 1
    usual = max(counts.values()) / len(rows)
    assert counts[0] / len(rows) <= 1 / len(counts) + 0.10
    assert usual <= 1 / len(counts) + 0.15


@pytest.mark.parametrize("pair", [("eng", "deu"), ("spa", "ita"), ("rus", "ukr"), ("fin", "est"), ("eng", "ind")])
def test_names_and_digits_alone_do_not_find_a_translation(pair):
    def names(code: str) -> list[str]:
        made = [sentence(lexicon(code), one) for one in sentences.clusters()]
        return [" ".join(t.word for t in words if t.entity != "O" or t.word.isdigit()) or "-" for words in made]

    query, answer = map(names, pair)
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)).fit(query + answer)
    similarity = (vectors.transform(query) @ vectors.transform(answer).T).toarray()
    assert np.mean(similarity.argmax(axis=1) == np.arange(len(query))) <= 0.30


def test_knowing_every_name_in_every_language_does_not_find_a_translation():
    """An oracle that reads off the names finds one sentence of those that share them."""
    named = {*meanings.inventory.TEST_NAMES.persons, *meanings.inventory.TEST_NAMES.orgs}
    signatures = [
        tuple((clause.subject if clause.subject in named else "", clause.city) for clause in one.clauses[:1])
        for one in sentences.clusters()
    ]
    assert len(set(signatures)) / len(signatures) <= 0.30


@pytest.mark.parametrize("code", SOME)
@pytest.mark.parametrize("kind", ["ner", "pos"])
def test_a_small_model_learns_to_tag(kind, code):
    def words(split: str) -> tuple[list[dict[str, int]], list[str]]:
        found, tags = [], []
        for row in fields(kind, code, split):
            padded = ["", "^", *row["words"], "$", ""]
            for i, tag in enumerate(row["tags"]):
                around = {f"{place}:{part}": 1 for place in range(5) for part in grams(padded[i + place])}
                found.append(around)
                tags.append(tag)
        return found, tags

    def grams(word: str) -> set[str]:
        marked = f"<{word}>"
        return {marked, *(marked[k : k + n] for n in (2, 3, 4) for k in range(len(marked) - n + 1))}

    model = make_pipeline(DictVectorizer(), LogisticRegression(C=10, max_iter=200))
    model.fit(*words("train"))
    assert model.score(*words("test")) > 0.9
