"""How rows become examples: classification, regression, multiple choice and ranking."""

import pytest

from harness.data.examples import LabelledText, Options, Row, ValuedText
from harness.data.hidden import refuse_hidden
from harness.errors import DataError
from harness.spec import TaskSpec
from harness.tasktype import TASK_TYPES

LABELS = {"classification": ("sport", "news"), "nli": ("yes", "no")}


def task(type, **fields):
    return TaskSpec("t", type, {"eng": "eng"}, labels=LABELS.get(type, ()), **fields)


def example(type, label_map=None, **fields):
    spec = task(type, label_map=label_map or {})
    kind = TASK_TYPES[type]
    (row,) = kind.gather([Row(fields, "f.tsv, line 7")], spec)
    return kind.example(row, spec, "1", "g:1")


def rows(*lines):
    return [Row(fields, f"f.tsv, line {number}") for number, fields in enumerate(lines, start=1)]


@pytest.mark.parametrize("type", ["classification", "nli"])
def test_one_text_or_two_with_a_label(type):
    label = LABELS[type][1]
    assert example(type, first="a", label=label) == LabelledText("1", "g:1", "a", None, label)
    assert example(type, first="a", second="b", label=label) == LabelledText("1", "g:1", "a", "b", label)
    assert TASK_TYPES[type].tags(task(type)) == LABELS[type]


def test_a_third_text_goes_on_where_the_second_ends():
    assert example("classification", first="a", second="b ", third=" c", label="news").second == "b  c"
    assert example("classification", first="a", second="b", third="", label="news").second == "b"
    assert example("classification", first="a", second=" ", third="c", label="news").second == "c"


def test_both_texts_may_stand_in_one_field():
    assert example("regression", pair="a b\n c ", value="1") == ValuedText("1", "g:1", "a b", "c", 1.0)


@pytest.mark.parametrize(("given", "value"), [("0.25", 0.25), (3, 3.0), (-1.5, -1.5), ("1e-3", 0.001), (" 2 ", 2.0)])
def test_a_value_is_any_finite_number(given, value):
    assert example("regression", first="a", second="b", value=given).value == value


def test_words_for_numbers_are_mapped():
    assert example("regression", {"low": "0", "high": "1.5"}, first="a", value="high").value == 1.5


@pytest.mark.parametrize("answer", [1, "1"])
@pytest.mark.parametrize("options", [{"options": ["x", "y"]}, {"option1": "x", "option2": "y"}])
def test_the_right_option_has_the_gain(options, answer):
    assert example("multiple_choice", first="a", answer=answer, **options) == Options(
        "1", "g:1", "a", ("x", "y"), (0.0, 1.0)
    )


def test_the_question_stands_behind_the_text_in_the_tasks_words():
    meaning = {"cause": "What was the cause?", "B": "1"}
    found = example("multiple_choice", meaning, first="a", question="cause", answer="B", options=["x", "y"])
    assert found.first == "a What was the cause?"
    assert found.gains == (0.0, 1.0)
    assert example("multiple_choice", first="a", question="Why?", answer=0, options=["x", "y"]).first == "a Why?"


def test_the_documents_of_a_query_become_one_example():
    kind, spec = TASK_TYPES["ranking"], task("ranking", label_map={"Good": "2"})
    found = kind.gather(
        rows(
            {"first": "q", "second": "a", "third": "more", "value": "0"},
            {"first": "q", "second": "b", "value": "Good"},
            {"first": "r", "second": "c", "value": 1},
            {"first": "q", "second": "d", "value": 4},
        ),
        spec,
    )
    assert [row.where for row in found] == ["f.tsv, line 1", "f.tsv, line 3", "f.tsv, line 4"]
    assert [kind.example(row, spec, "1", "g") for row in found] == [
        Options("1", "g", "q", ("a more", "b"), (0.0, 2.0)),
        Options("1", "g", "r", ("c",), (1.0,)),
        Options("1", "g", "q", ("d",), (4.0,)),  # as XGLUE's script has it: the same words later are another query
    ]


@pytest.mark.parametrize(
    ("type", "fields", "message"),
    [
        ("classification", {"first": "a", "label": "spot"}, "label 'spot' is not one of sport, news"),
        ("classification", {"first": " ", "label": "news"}, "'first' is empty"),
        ("classification", {"first": "a", "second": "", "label": "news"}, "'second' is empty"),
        ("regression", {"first": "a", "value": "high"}, "'value' must be a finite number.*'high'"),
        ("regression", {"first": "a", "value": "nan"}, "finite number"),
        ("regression", {"first": "a", "value": "inf"}, "finite number"),
        ("regression", {"first": "a", "value": None}, "finite number"),
        ("regression", {"first": "a", "value": True}, "finite number"),
        ("regression", {"first": "a"}, "finite number"),
        ("regression", {"pair": "a\nb\nc", "value": 1}, "3 lines where a pair of texts has two"),
        ("regression", {"pair": "a", "value": 1}, "1 lines where a pair of texts has two"),
        ("multiple_choice", {"first": "a", "options": ["x", "y"], "answer": 2}, "answer '2' is not one of 0 to 1"),
        ("multiple_choice", {"first": "a", "options": ["x", "y"], "answer": "A"}, "answer 'A'.*`label_map`"),
        ("multiple_choice", {"first": "a", "options": ["x", "y"], "answer": -1}, "answer '-1'"),
        ("multiple_choice", {"first": "a", "options": ["x", "y"], "answer": "²"}, "answer '²'"),
        ("multiple_choice", {"first": "a", "options": ["x"], "answer": 0}, "1 options, and a choice needs two"),
        ("multiple_choice", {"first": "a", "options": "xy", "answer": 0}, "0 options"),
        ("multiple_choice", {"first": "a", "answer": 0}, "0 options"),
        ("multiple_choice", {"first": "a", "options": ["x", " "], "answer": 0}, "option ' ' is no text"),
        ("multiple_choice", {"first": "a", "option1": "x", "option2": "", "answer": 0}, "'option2' is empty"),
        ("multiple_choice", {"first": "a", "question": "", "options": ["x", "y"], "answer": 0}, "'question' is empty"),
        ("ranking", {"first": "q", "value": 1}, "no document `second`"),
        ("ranking", {"first": "q", "second": "a", "value": -1}, "0 or more, not -1"),
        ("ranking", {"first": "q", "second": "a", "value": "good"}, "finite number.*'good'"),
        ("ranking", {"first": None, "second": "a", "value": 1}, "'first' is empty or missing"),
    ],
)
def test_a_malformed_row_is_named_with_its_place(type, fields, message):
    with pytest.raises(DataError, match=message) as raised:
        example(type, **fields)
    assert str(raised.value).startswith("f.tsv, line 7: ")
    assert "task t" in str(raised.value)


@pytest.mark.parametrize(
    ("type", "lines"),
    [
        ("regression", [{"first": "a", "value": None}] * 3),
        ("regression", [{"first": "a", "value": float("nan")}] * 3),
        ("regression", [{"first": "a"}] * 3),
        ("multiple_choice", [{"first": "a", "options": ["x", "y"], "answer": -1}] * 3),
        ("multiple_choice", [{"first": "a", "options": ["x", "y"]}] * 3),
        ("ranking", [{"first": "q", "second": "a"}] * 3),
        ("classification", [{"first": "a", "label": "-1"}] * 3),
        ("classification", [{"first": "a"}] * 3),
    ],
)
def test_withheld_answers_are_named(type, lines):
    with pytest.raises(DataError, match=r"set x: labels hidden \(f.tsv, line 1"):
        refuse_hidden(rows(*lines), task(type), "set x")


@pytest.mark.parametrize(
    ("type", "lines"),
    [
        ("regression", [{"first": "a", "value": "0"}] * 3),
        ("regression", [{"first": "a", "value": -1}, {"first": "a", "value": 0.5}]),
        ("multiple_choice", [{"first": "a", "options": ["x", "y"], "answer": 0}] * 3),
        ("ranking", [{"first": "q", "second": "a", "value": 0}] * 3),
    ],
)
def test_equal_answers_are_no_placeholders(type, lines):
    refuse_hidden(rows(*lines), task(type), "set x")


@pytest.mark.parametrize(
    ("type", "metrics"),
    [
        ("classification", ("accuracy", "macro_f1")),
        ("regression", ("spearman", "pearson")),
        ("multiple_choice", ("choice_accuracy",)),
        ("ranking", ("ndcg",)),
    ],
)
def test_the_main_metric_comes_first(type, metrics):
    assert TASK_TYPES[type].metrics == metrics
