"""XTREME's own example submission, scored to the values that its own test expects."""

import json

import pytest

from harness.metrics.base import evaluate, metric


@pytest.fixture
def mock(real_data):
    folder = real_data / "xtreme_mock" / "mock_test_data"
    if not folder.is_dir():
        pytest.skip("no xtreme_mock in the folder of real data")
    return folder


def mean(mock, task, signature, read):
    """Mean over the task's languages, times 100."""
    measure = metric(signature)
    files = sorted((mock / "labels" / task).glob("test-*"))
    scores = [evaluate(measure, *read(file, mock / "predictions" / task / file.name)) for file in files]
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
        ("tydiqa", "squad_em", answers, 88.8889),
        ("tydiqa", "squad_f1", answers, 97.2222),
    ],
)
def test_the_score_is_xtremes_own(mock, task, signature, read, expected):
    digits = 5e-5 if read is answers else 1e-12
    assert mean(mock, task, signature, read) == pytest.approx(expected, abs=digits)
