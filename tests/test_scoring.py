"""Metrics of a task: those it names, each label's spans beside all, with the facts of the task and the language."""

import numpy as np
import pytest

from harness import scoring
from harness.errors import HarnessError, NotApplicableError
from harness.metrics.base import METRICS, WholeMetric, evaluate, metric
from harness.spec import TaskSpec

STRICT = "span_f1|mode:strict|scheme:IOB2"
NER = TaskSpec(name="t", type="ner", languages={"deu": "de"}, labels=("PER", "LOC"))


def task(type, *metrics, labels=()):
    return TaskSpec(name="t", type=type, languages={"deu": "de"}, labels=labels, metrics=metrics)


def test_entities_are_scored_by_type_beside_the_main_metric():
    assert scoring.signatures(NER) == (STRICT, f"{STRICT}|type:PER", f"{STRICT}|type:LOC")


def test_the_first_span_f1_with_prefixes_is_split_by_type():
    lenient = "span_f1|mode:lenient|scheme:BIOES"
    found = scoring.signatures(
        task("ner", "accuracy", "span_f1|mode:legacy|scheme:raw", lenient, STRICT, labels=("PER",))
    )
    assert found == ("accuracy", "span_f1|mode:legacy|scheme:raw", lenient, STRICT, f"{lenient}|type:PER")


def test_parts_of_speech_are_not_split():
    tags = ("NOUN", "VERB")
    assert scoring.signatures(task("pos", "span_f1|mode:legacy|scheme:raw", "accuracy", labels=tags)) == (
        "span_f1|mode:legacy|scheme:raw",
        "accuracy",
    )


def test_a_type_that_the_task_names_itself_comes_once():
    one = f"{STRICT}|type:PER"
    assert scoring.signatures(task("ner", STRICT, one, labels=("PER", "LOC"))) == (STRICT, one, f"{STRICT}|type:LOC")


def test_a_type_alone_is_not_split_further():
    one = f"{STRICT}|type:PER"
    assert scoring.signatures(task("ner", one, labels=("PER", "LOC"))) == (one,)


def test_scores_by_type_are_scored_from_the_same_predictions():
    gold = [("B-PER", "O"), ("B-LOC", "B-PER")]
    guess = [("B-PER", "O"), ("O", "B-LOC")]
    scores, table = scoring.recount(NER, "deu", ["1", "2"], ["1", "2"], gold, guess)
    assert [round(one["score"], 9) for one in scores.values()] == [round(2 / 5, 9), round(2 / 3, 9), 0.0]
    assert table[f"{STRICT}|type:PER::tp"].tolist() == [1, 0]
    assert table["gold"].tolist() == ['["B-PER", "O"]', '["B-LOC", "B-PER"]']
    assert scoring.recount(NER, "deu", *scoring.stored(table))[0] == scores


def test_signatures_are_those_of_every_language_and_scores_are_not():
    qa = task("qa", "mlqa_f1", "squad_f1")
    assert scoring.signatures(qa) == ("mlqa_f1", "squad_f1")
    answers = (["1"], ["1"], [("das Haus",)], ["Haus"])
    assert scoring.recount(qa, "deu", *answers)[0]["mlqa_f1"]["score"] == 1.0
    assert scoring.recount(qa, "eng", *answers)[0]["mlqa_f1"]["score"] == pytest.approx(2 / 3)
    with pytest.raises(NotApplicableError, match="tha"):
        scoring.recount(qa, "tha", *answers)


def test_the_labels_of_a_task_reach_its_metrics():
    nli = task("nli", "macro_f1", "matthews", labels=("yes", "no"))
    scores, table = scoring.recount(nli, "deu", ["1", "2"], ["1", "2"], ["yes", "no"], ["yes", "yes"])
    assert scores["macro_f1"]["score"] == pytest.approx(1 / 3)
    assert scores["matthews"]["score"] == 0.0
    assert table["macro_f1::tp:yes"].tolist() == [1, 0]


def test_a_whole_metric_is_scored_with_its_interval():
    rng = np.random.default_rng(0)
    gold = rng.normal(size=40).tolist()
    guess = (np.array(gold) + rng.normal(size=40)).tolist()
    ids = [str(i) for i in range(40)]
    scores, table = scoring.recount(task("regression", "spearman", "pearson"), "deu", ids, ids, gold, guess)
    assert isinstance(metric("spearman"), WholeMetric)
    for name in ("spearman", "pearson"):
        assert scores[name]["score"] == evaluate(metric(name), gold, guess)
        assert scores[name]["low"] < scores[name]["score"] < scores[name]["high"]
    assert table["spearman::gold"].tolist() == gold


def test_questions_are_scored_by_the_official_rules_and_then_by_those_for_every_script():
    assert scoring.signatures(task("qa")) == ("squad_f1", "squad_em", "multilingual_f1", "multilingual_em")


@pytest.mark.parametrize("name", sorted(METRICS))
def test_facts_change_no_signature(name):
    assert metric(name).signature == metric(name, labels=("a",), language="deu").signature


def test_a_setting_that_stands_twice_is_refused_and_not_overwritten():
    with pytest.raises(HarnessError, match=r"span_f1\|mode:strict\|mode:lenient.*'mode' stands twice"):
        metric("span_f1|mode:strict|mode:lenient")
