"""Answer retrieval: what is gold in which pool, rankings, the bias towards the own language, one set of candidates."""

import json

import numpy as np
import pytest

from harness.data.examples import Corpus, Query, Sentence
from harness.errors import HarnessError
from harness.metrics.base import evaluate, metric
from harness.retrieval.answers import ANSWERS
from harness.runner import run
from harness.spec import Files, TaskSpec
from harness.sweep.compose import sweep
from harness.sweep.plan import plan

LAREQA = ("map_at|k:20", "map_at|k:20|pool:own", "language_bias")


def language(code, items):
    """A question and a sentence for each item; the sentence answers the question."""
    examples = [Sentence(f"{code}:{i}", f"g{i}", f"{code} says {i}") for i in range(items)]
    examples += [Query(f"q{i}", f"g{i}", f"{code} asks {i}", {"all": (f"{code}:{i}",)}) for i in range(items)]
    return Corpus("t", code, "test", tuple(examples), code)


def found(vectors_of, codes=("deu", "eng"), items=3, metrics=LAREQA):
    """What each language's questions find, by vectors ``(code, kind, item) -> row``."""
    task = TaskSpec("t", "answer_retrieval", {code: code for code in codes}, files=Files("xquad_r"), metrics=metrics)
    pool = tuple(language(code, items) for code in codes)
    sides = {corpus.language: ANSWERS.own(task, (corpus,), pool) for corpus in pool}
    shared = ANSWERS.shared(pool)
    vectors = {}
    for corpus, kind in [*((c, "says") for c in shared), *((c, "asks") for (c,) in sides.values())]:
        rows = np.array([vectors_of(corpus.language, kind, int(e.text.split()[-1])) for e in corpus], dtype=float)
        vectors[corpus.key] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    answers = ANSWERS.answers(task, sides, shared, vectors)
    return {code: ([dict(e.answers) for e in sides[code][0]], answers[code]) for code in codes}


def by_meaning(code, kind, item):
    return [*np.eye(3)[item], 0.1 * (code == "deu"), 0.1 * (code == "eng")]


def by_language(code, kind, item):
    return [*(0.2 * np.eye(3)[item]), 1.0 * (code == "deu"), 1.0 * (code == "eng")]


def test_gold_is_every_languages_answer_in_the_pool_and_the_own_one_in_the_weak_pool():
    gold, _ = found(by_meaning)["deu"]
    assert gold[1] == {"all": ("deu:1", "eng:1"), "own": ("deu:1",), "lone": ("deu:1",)}


def test_a_model_that_knows_meanings_finds_all_answers_first():
    for code, (gold, answers) in found(by_meaning).items():
        scores = {name: evaluate(metric(name, language=code), gold, answers) for name in LAREQA}
        assert scores == {"map_at|k:20": 1.0, "map_at|k:20|pool:own": 1.0, "language_bias": 0.0}
        assert set(answers[0]["all"][:2]) == {"deu:0", "eng:0"}
        assert answers[0]["own"][0] == f"{code}:0"


def test_a_model_that_knows_languages_is_strong_within_one_and_weak_in_the_pool():
    gold, answers = found(by_language)["deu"]
    assert [one["lone"] for one in answers] == [{"deu": 1, "eng": 3}] * 3  # behind two German sentences of other items
    scores = {name: evaluate(metric(name, language="deu"), gold, answers) for name in LAREQA}
    assert scores["map_at|k:20|pool:own"] == 1.0
    assert scores["map_at|k:20"] == pytest.approx((1 + 2 / 4) / 2)
    assert scores["language_bias"] == pytest.approx(1 - 1 / 3)


def test_only_what_the_metrics_ask_for_is_ranked():
    gold, answers = found(by_meaning, metrics=("map_at|k:2",))["deu"]
    assert gold[0] == {"all": ("deu:0", "eng:0")}
    assert answers[0] == ["deu:0", "eng:0"]


def test_the_bias_needs_the_rank_of_the_own_language():
    with pytest.raises(HarnessError, match="example 0: needs the rank of the answer in 'fin'"):
        metric("language_bias", language="fin").count([()], [{"lone": {"deu": 1}}])
    assert evaluate(metric("language_bias", language="deu"), [()], [{"lone": {"deu": 4}}]) == 0.0


@pytest.fixture
def mewsli(tmp_path):
    """Two mentions in English, one in German, three entities."""
    root = tmp_path / "data"
    root.mkdir()

    def article(id, code, text, name, entity):
        span = {"start": text.index(name), "end": text.index(name) + len(name), "text": name}
        context = {
            "document_id": id,
            "language": code,
            "text": text,
            "sentence_spans": [{"start": 0, "end": len(text)}],
        }
        return {"context": context, "mentions": [{"example_id": id, "entity_id": entity, "mention_span": span}]}

    mentions = [
        article("e1", "en", "The harbour of Hamburg froze.", "Hamburg", "Q1"),
        article("e2", "en", "In Quito it rained.", "Quito", "Q2"),
        article("d1", "de", "Der Hafen von Hamburg ist vereist.", "Hamburg", "Q1"),
    ]
    texts = {"Q3": "Zürich ist eine Stadt", "Q1": "Hamburg is a harbour", "Q2": "Quito es una ciudad"}
    entities = [
        {"entity_id": id, "description": text, "sentence_spans": [{"start": 0, "end": len(text)}]}
        for id, text in texts.items()
    ]
    for name, lines in (("wikinews_mentions-test", mentions), ("candidate_set_entities", entities)):
        (root / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return root


def planned(tmp_path, root, *overrides):
    given = [f"results={tmp_path / 'results'}", "tracking=none", f"data.root={root}", "on_error=raise", "model=lexical"]
    return plan(sweep([*given, *overrides], multirun=False))


def test_mentions_of_all_languages_look_into_one_set_of_entities(tmp_path, mewsli):
    asked = planned(tmp_path, mewsli, "task=mewslix", "source=eng", "target=[eng,deu]", "limit=1")
    run(asked.jobs[0].job, asked.setting)
    store, key = asked.setting.store, asked.jobs[0].predict_key
    for target, n in (("eng", 1), ("deu", 1)):  # a limit cuts the mentions, and not what they look for
        table = store.examples("mewslix", key, target)
        assert len(table) == n
        assert json.loads(table["gold"][0]) == ["Q1"]
        assert sorted(json.loads(table["prediction"][0])) == ["Q1", "Q2", "Q3"]
        assert store.read_cell("mewslix", key, target).scores["mrr_at|k:20"]["score"] == 1.0


def test_another_entity_changes_what_every_language_depends_on(tmp_path, mewsli):
    before = planned(tmp_path, mewsli, "task=mewslix", "source=eng", "target=[eng,deu]").jobs[0]
    path = mewsli / "candidate_set_entities.jsonl"
    entity = {"entity_id": "Q9", "description": "x", "sentence_spans": [{"start": 0, "end": 1}]}
    path.write_text(path.read_text(encoding="utf-8") + json.dumps(entity) + "\n", encoding="utf-8")
    after = planned(tmp_path, mewsli, "task=mewslix", "source=eng", "target=[eng,deu]").jobs[0]
    assert after.predict_key == before.predict_key
    assert all(after.cells[target] != before.cells[target] for target in ("eng", "deu"))


def test_entities_have_no_language_whose_pool_could_be_asked_for(tmp_path, mewsli):
    metrics = "task.metrics=['mrr_at|k:20|pool:own']"
    asked = planned(tmp_path, mewsli, "task=mewslix", "source=eng", "target=eng", metrics)
    with pytest.raises(HarnessError, match="its candidates belong to no language"):
        run(asked.jobs[0].job, asked.setting)


def test_nothing_is_trained_and_english_stands_for_the_source(tmp_path, mewsli):
    with pytest.raises(HarnessError, match="mewslix from deu"):
        planned(tmp_path, mewsli, "task=mewslix", "source=deu", "target=eng")


def test_lareqa_runs_on_its_files(tmp_path, real_data):
    asked = planned(tmp_path, real_data, "task=lareqa", "source=eng", "target=[eng,zho-Hans]", "limit=4")
    run(asked.jobs[0].job, asked.setting)
    store, key = asked.setting.store, asked.jobs[0].predict_key
    for target in ("eng", "zho-Hans"):
        cell = store.read_cell("lareqa", key, target)
        assert cell.scores.keys() == set(LAREQA)
        assert cell.main_metric == LAREQA[0]
        assert cell.scores["map_at|k:20|pool:own"]["score"] > cell.scores["map_at|k:20"]["score"] > 0.02
        prediction = json.loads(store.examples("lareqa", key, target)["prediction"][0])
        assert {id.split(":")[0] for id in prediction["own"]} == {target}
        assert prediction["lone"].keys() == {"deu", "eng", "zho-Hans"}  # the pool is that of all languages with files
