"""Every metric through the interface of ``evaluate``, with no network to be had."""

import doctest
import os
import subprocess
import sys

import pytest
from evaluate import combine

import harness.metrics
from harness.errors import HarnessError
from harness.metrics.base import METRICS, evaluate, metric
from harness.metrics.hub import FEATURES, load

LABELS = ("B-PER", "I-PER", "O", "a", "b")
TAGS = ([["B-PER", "I-PER"], ["B-PER"]], [["B-PER", "O"], ["B-PER"]])
CASES = {
    "accuracy": (["a", "b", "b"], ["a", "a", "b"]),
    "macro_f1": (["a", "b", "b"], ["a", "a", "b"]),
    "micro_f1": TAGS,
    "matthews": (["a", "b", "b"], ["a", "a", "b"]),
    "span_f1": TAGS,
    "span_precision": TAGS,
    "squad_f1": ([["one two", "x"], ["y"]], ["two", "z"]),
    "squad_em": ([["one", "x"], ["y"]], ["x", "z"]),
    "mlqa_f1": ([["das Haus"], ["y"]], ["haus am see", "z"]),
    "mlqa_em": ([["das Haus"], ["y"]], ["haus", "z"]),
    "multilingual_f1": ([["北京大学"], ["y"]], ["北京", "z"]),
    "multilingual_em": ([["北京"], ["y"]], ["北京", "z"]),
    "pearson": ([0.0, 1.0, 2.0], [0.1, 0.9, 0.5]),
    "spearman": ([0.0, 1.0, 2.0], [0.1, 0.9, 0.5]),
    "choice_accuracy": ([[1.0, 0.0], [0.0, 1.0]], [[0.2, 0.1], [0.2, 0.1]]),
    "ndcg": ([[1.0, 3.0, 0.0], [0.0, 1.0]], [[0.2, 0.1, 0.3], [0.2, 0.1]]),
    "map_at": ([["a", "b"], ["c"]], [["x", "a", "b"], ["d"]]),
    "mrr_at": ([["a", "b"], ["c"]], [["x", "a", "b"], ["d"]]),
    "mining_f1": ([["a\tb"], ["c\td"]], [["a\tb"], ["c\tx"]]),
    "mining_precision": ([["a\tb"], []], [["a\tb", "c\td"], []]),
    "mining_recall": ([["a\tb"], ["c\td"]], [["a\tb"], []]),
    "rank_variance": (["q", "r"], [[1, 3], [2, 2]]),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_it_scores_what_the_metric_scores(name):
    gold, predicted = CASES[name]
    facts = {"labels": LABELS, "language": "deu"}
    expected = evaluate(metric(name, **facts), gold, predicted)
    assert 0 < expected < 1
    assert load(name, **facts).compute(predictions=predicted, references=gold) == {"score": expected}
    batched = load(name, **facts)
    for guess, truth in zip(predicted, gold, strict=True):
        batched.add_batch(predictions=[guess], references=[truth])
    assert batched.compute() == {"score": expected}
    assert batched.compute(predictions=predicted, references=gold) == {"score": expected}


def test_every_metric_has_features_or_takes_json():
    assert set(CASES) == set(FEATURES)
    as_json = {name for name in METRICS if load(name, labels=LABELS).as_json}
    assert as_json == set(METRICS) - set(FEATURES)


def test_answers_that_are_no_columns_are_json_texts():
    ranks = ['{"cosine": [1, 3]}', '{"cosine": [2, 1]}']
    found = load("retrieval_accuracy").compute(predictions=ranks, references=['"a"', '"b"'])
    assert found == {"score": 0.5}


def test_answers_by_pool_are_json_texts_too():
    lists, gold = '{"all": ["x", "a"], "own": ["a"]}', '{"all": ["a", "b"], "own": ["a"]}'
    assert load("map_at|k:20|pool:own").compute(predictions=[lists], references=[gold]) == {"score": 1.0}
    assert load("map_at|k:20").compute(predictions=[["x", "a"]], references=[["a", "b"]]) == {"score": 0.25}


@pytest.mark.parametrize("text", ["{", "[" * 100_000])
def test_what_is_no_json_is_named(text):
    with pytest.raises(HarnessError, match="example 1: not JSON"):
        load("recall_at|k:1").compute(predictions=['{"cosine": [1, 3]}', text], references=["1", "2"])


@pytest.mark.parametrize("name", sorted(CASES))
def test_without_examples_the_score_is_0(name):
    assert load(name, labels=LABELS, language="deu").compute(predictions=[], references=[]) == {"score": 0.0}


def test_an_empty_batch_does_not_decide_the_kind_of_a_label():
    found = load("accuracy")
    found.add_batch(predictions=[["B-PER", "O"]], references=[["B-PER", "B-PER"]])
    found.add_batch(predictions=[], references=[])
    assert found.compute() == {"score": 0.5}


def test_combined_metrics_are_told_apart():
    both = combine([load("squad_em"), load("squad_f1")])
    found = both.compute(predictions=["one two"], references=[["one"]])
    assert found == {"squad_em_score": 0.0, "squad_f1_score": pytest.approx(2 / 3)}


@pytest.mark.parametrize(
    ("name", "predictions"), [("squad_f1", [["x"]]), ("span_f1", ["B-PER"]), ("pearson", ["much"])]
)
def test_answers_of_another_kind_are_refused(name, predictions):
    with pytest.raises((ValueError, TypeError)):
        load(name).compute(predictions=predictions, references=CASES[name][0][:1])


def test_the_documentation_runs():
    assert doctest.testmod(harness.metrics) == (0, 4)


def test_nothing_is_fetched(tmp_path):
    program = (
        "import socket\n"
        "def refuse(*_, **__): raise OSError('a socket was opened')\n"
        "socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse\n"
        "from harness.metrics.hub import load\n"
        "print(load('span_f1|mode:legacy|scheme:raw').compute(predictions=[['A']], references=[['A']]))\n"
    )
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.stdout == "{'score': 1.0}\n", done.stderr
