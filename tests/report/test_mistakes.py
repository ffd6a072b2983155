"""Examples that an entry got wrong: spread over languages, always the same, with texts where the data is at hand."""

from __future__ import annotations

import json
from dataclasses import replace

import pandas as pd
import pytest

from harness.data.load import load
from harness.errors import HarnessError
from harness.report.gathered import gather
from harness.report.mistakes import mistakes
from harness.storage.records import CellRecord, from_json
from harness.storage.store import Store
from harness.sweep import build
from harness.sweep.options import Options
from harness.tasktype import TASK_TYPES
from tests.report.stores import put

OPTIONS = Options()


def task(name):
    return build.task(name, OPTIONS.read("task", name), OPTIONS)


def answered(store, name, language, answer, data=None):
    """A cell on the real test set of a task, in which ``answer(i, gold)`` is predicted."""
    spec = task(name)
    corpus = load(spec, language, "test", None)
    gold = [TASK_TYPES[spec.type].gold(example) for example in corpus]
    predicted = [answer(i, one) for i, one in enumerate(gold)]
    metric = spec.metrics[0] if spec.metrics else TASK_TYPES[spec.type].metrics[0]
    right = [int(a == b) for a, b in zip(gold, predicted, strict=True)]
    key = put(store, {language: right}, name, metrics=(metric,))
    path = store.folder(name, key) / f"{language}.json"
    record = from_json(CellRecord, path.read_bytes())
    table = store.examples(name, key, language).assign(
        example_id=[example.id for example in corpus],
        gold=[json.dumps(one, ensure_ascii=False) for one in gold],
        prediction=[json.dumps(one, ensure_ascii=False) for one in predicted],
    )
    store.write_cell(replace(record, data=data or corpus.fingerprint), pd.DataFrame(table))
    return corpus


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results")


def found(store, name="mini_nli", **changes):
    report = gather([store.root], OPTIONS, paired=False)
    return mistakes(report, "mine.eng", name, OPTIONS, **changes)


def test_wrong_labels_come_with_their_texts(store):
    corpus = answered(store, "mini_nli", "deu", lambda i, gold: "neutral" if i % 10 == 0 else gold)
    wrong = found(store)
    assert 0 < len(wrong) <= 20
    for one in wrong:
        example = next(it for it in corpus if it.id == one.example)
        assert one.text == f"{example.first}\n{example.second}"
        assert (one.gold, one.prediction, one.language) == (example.label, "neutral", "deu")
        assert one.gold != one.prediction
    assert wrong == found(store)


def test_they_are_spread_over_languages_and_over_each_corpus(store):
    for language in ("deu", "fin", "swh"):
        answered(store, "mini_nli", language, lambda i, gold: "neutral" if gold != "neutral" else "entailment")
    wrong = found(store, most=6)
    assert [one.language for one in wrong] == ["deu", "deu", "fin", "fin", "swh", "swh"]
    ids = [example.id for example in load(task("mini_nli"), "deu", "test", None)]
    places = [ids.index(one.example) for one in wrong if one.language == "deu"]
    assert places[1] - places[0] > 10
    assert {one.language for one in found(store, most=2)} == {"deu", "fin"}


def test_of_tags_the_words_that_differ_are_shown(store):
    def first_is_wrong(i, gold):
        return ("B-PER" if gold[0] != "B-PER" else "O", *gold[1:])

    corpus = answered(store, "mini_ner", "deu", first_is_wrong)
    (one, *_) = found(store, "mini_ner", most=1)
    example = next(it for it in corpus if it.id == one.example)
    assert one.text == " ".join(example.words)
    assert one.gold == f"{example.words[0]}/{example.tags[0]}"


def test_without_the_data_there_are_ids_alone(store):
    answered(store, "mini_nli", "deu", lambda i, gold: "neutral", data="that of another day")
    assert {one.text for one in found(store)} == {""}
    assert all(one.example and one.gold != "neutral" for one in found(store))


def test_long_texts_are_cut(store, monkeypatch):
    monkeypatch.setattr("harness.report.mistakes.LONGEST", 12)
    answered(store, "mini_nli", "deu", lambda i, gold: "neutral")
    assert all(len(one.text) <= 12 and one.text.endswith("…") for one in found(store))


def test_what_cannot_be_read_has_none(store):
    answered(store, "mini_nli", "deu", lambda i, gold: "neutral")
    report = gather([store.root], OPTIONS, paired=False)
    for table in store.root.rglob("*.parquet"):
        table.unlink()
    assert mistakes(report, "mine.eng", "mini_nli", OPTIONS) == ()
    assert mistakes(report, "mine.eng", "mini_ner", OPTIONS) == ()
    with pytest.raises(HarnessError, match=r"entry 'mine\.deu': did you mean 'mine\.eng'"):
        mistakes(report, "mine.deu", "mini_nli", OPTIONS)
