"""XTREME's own example submission, scored to the values that its own test expects."""

import json

import pytest

from harness.languages import canonical
from harness.metrics.base import evaluate, metric


@pytest.fixture
def mock(real_data):
    folder = real_data / "xtreme_mock" / "mock_test_data"
    if not folder.is_dir():
        pytest.skip("no xtreme_mock in the folder of real data")
    return folder


def mean(mock, task, signature, read):
    """Mean over the task's languages, times 100."""
    files = sorted((mock / "labels" / task).glob("test-*"))
    scores = [
        evaluate(
            metric(signature, language=canonical(file.stem.removeprefix("test-"))),
            *read(file, mock / "predictions" / task / file.name),
        )
        for file in files
    ]
    return 100 * sum(scores) / len(scores)


def labels(gold, predicted):
    return gold.read_text().split(), predicted.read_text().split()


def sentences(gold, predicted):
    return tuple([block.split("\n") for block in file.read_text().strip().split("\n\n")] for file in (gold, predicted))


def answers(gold, predicted):
    found = json.loads(predicted.read_text())
    questions = [
        (tuple(answer["text"] for answer in question["answers"]), found.get(question["id"], ""))
        for article in json.loads(gold.read_text())["data"]
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    ]
    return tuple(zip(*questions, strict=True))


def rankings(gold, predicted):
    wanted, found = json.loads(gold.read_text()), json.loads(predicted.read_text())
    return [tuple(ids) for ids in wanted.values()], [tuple(found.get(id, ())) for id in wanted]


@pytest.mark.parametrize(
    ("task", "signature", "read", "expected"),
    [
        ("udpos", "span_f1|mode:legacy|scheme:raw", sentences, 70.21746048354693),
        ("udpos", "span_f1|mode:lenient|scheme:raw", sentences, 70.39805810699043),
        ("panx", "span_f1|mode:legacy|scheme:IOB2", sentences, 57.50793650793652),
        ("panx", "span_f1|mode:lenient|scheme:IOB2", sentences, 57.50793650793652),
        ("pawsx", "accuracy", labels, 51.42857142857142),
        ("xnli", "accuracy", labels, 30.666666666666664),
        ("xquad", "squad_em", answers, 77.2727),
        ("xquad", "squad_f1", answers, 79.9587),
        ("tatoeba", "accuracy", labels, 53.6111),
        ("mlqa", "mlqa_em", answers, 57.1429),
        ("mlqa", "mlqa_f1", answers, 81.7687),
        ("mewslix", "mrr_at|k:20", rankings, 14.39025),
        ("mewslix", "map_at|k:20", rankings, 14.39025),  # the same with one gold id a query
        ("tydiqa", "squad_em", answers, 88.8889),
        ("tydiqa", "squad_f1", answers, 97.2222),
    ],
)
def test_the_score_is_xtremes_own(mock, task, signature, read, expected):
    digits = 1e-12 if len(str(expected)) > 10 else 5e-5
    assert mean(mock, task, signature, read) == pytest.approx(expected, abs=digits)
