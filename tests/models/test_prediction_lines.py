import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data.examples import Corpus, Options, Shape, ValuedText
from harness.errors import DataError
from harness.models import prediction_lines
from harness.models.base import MODELS, TrainingSet
from harness.spec import ModelSpec, Training

VALUES = [ValuedText(f"v{i}", f"g{i}", "a", None, 1.0) for i in range(3)]
CHOICES = [Options(f"o{i}", f"g{i}", "a", ("x", "y", "z"), (0.0, 1.0, 0.0)) for i in range(2)]


def answers(folder, name, text, examples, chosen=None):
    (folder / "t").mkdir(exist_ok=True)
    (folder / "t" / name).write_text(text, encoding="utf-8")
    corpus = Corpus("t", "deu", "test", tuple(examples), "x", (), chosen)
    model = MODELS["predictions"](ModelSpec("p", "predictions", checkpoint=str(folder)), folder, {})
    model.train(TrainingSet(Shape.VALUE, (), ()), Training(), 0, folder / "weights")
    return model.predict(folder / "weights", [corpus])[0]


def test_a_number_a_line(tmp_path):
    assert answers(tmp_path, "test-de.tsv", "0.5\n-1e-3\r\n7\n", VALUES) == [0.5, -0.001, 7.0]
    assert answers(tmp_path, "test-de.tsv", "0.5\n-1e-3\n7\n", VALUES, (2,)) == [7.0]


def test_the_index_of_an_option_or_a_score_for_each(tmp_path):
    text = '{"label": 2}\n{"scores": [0.5, 2, -1.5], "label": 0}\n'
    assert answers(tmp_path, "test-de.jsonl", text, CHOICES) == [(0.0, 0.0, 1.0), (0.5, 2.0, -1.5)]


@pytest.mark.parametrize(
    ("name", "text", "examples", "message"),
    [
        ("test-de.tsv", "0.5\n\n1\n", VALUES, "line 2: '' is no finite number"),
        ("test-de.tsv", "0.5\nnan\n1\n", VALUES, "line 2: 'nan' is no finite number"),
        ("test-de.tsv", "0.5\n1\n", VALUES, "2 lines for 3 examples"),
        ("test-de.jsonl", '{"label": 0}\n', CHOICES, "1 lines for 2 examples"),
        ("test-de.jsonl", '{"label": 0}\n{"label": 3}\n', CHOICES, "line 2: expected.*from 0 to 2.*got .*3"),
        ("test-de.jsonl", '{"label": 0}\n{"label": true}\n', CHOICES, "line 2: expected"),
        ("test-de.jsonl", '{"label": 0}\n{"label": "1"}\n', CHOICES, "line 2: expected"),
        ("test-de.jsonl", '{"label": 0}\n[1]\n', CHOICES, "line 2: expected"),
        ("test-de.jsonl", '{"label": 0}\n{"label"\n', CHOICES, "line 2: not JSON"),
        ("test-de.jsonl", '{"label": 0}\n{"scores": [1, 2]}\n', CHOICES, "line 2: 2 scores for the 3 options of 'o1'"),
        ("test-de.jsonl", '{"label": 0}\n{"scores": [1, 2, NaN]}\n', CHOICES, "line 2: scores must be finite"),
        ("test-de.jsonl", '{"label": 0}\n{"scores": [1, 2, "3"]}\n', CHOICES, "line 2: scores must be finite"),
        ("test-de.jsonl", '{"label": 0}\n{"scores": [1, 2, 1' + "0" * 400 + "]}\n", CHOICES, "line 2: scores must be"),
        ("test-de.jsonl", '{"label": 0}\n{"scores": [1, 2, 1e101]}\n', CHOICES, r"line 2: .*none above 1e\+100"),
        ("test-de.jsonl", '{"label": 0}\n' + "[" * 100_000 + "\n", CHOICES, "line 2: not JSON"),
        ("test-de.tsv", "0.5\n1e101\n1\n", VALUES, "line 2: '1e101' is no finite number, or above"),
        ("test-de.tsv", "0\n1\n", CHOICES, "expected test-deu.jsonl"),
    ],
)
def test_what_does_not_fit_is_named_with_its_line(tmp_path, name, text, examples, message):
    with pytest.raises(DataError, match=message):
        answers(tmp_path, name, text, examples)


@given(st.lists(st.floats(-1e100, 1e100), min_size=3, max_size=3))
def test_scores_are_read_back_as_they_were_written(scores):
    assert prediction_lines.scores("file, line 1", json.dumps({"scores": scores}), CHOICES[0]) == tuple(scores)
    assert prediction_lines.value("file, line 1", json.dumps(scores[0]), VALUES[0]) == scores[0]


@given(st.text())
def test_any_line_is_read_or_refused(line):
    for read, example in ((prediction_lines.value, VALUES[0]), (prediction_lines.scores, CHOICES[0])):
        with suppress(DataError):
            read("file, line 1", line, example)
