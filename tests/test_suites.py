"""Suites are read as they are declared, and every one that is shipped can be computed from what its tasks report."""

from __future__ import annotations

import pytest

from harness import scoring
from harness.errors import HarnessError
from harness.suites import read_suite
from harness.sweep import build
from harness.sweep.options import Options

OPTIONS = Options()
# google-research/xtreme evaluate.py at 838c13b; LAReQA's are XQuAD-R's, its own list being empty there
XTREME = {
    "xnli": 15,
    "pawsx": 7,
    "udpos": 33,
    "panx": 40,
    "xquad": 11,
    "mlqa": 7,
    "tydiqa": 9,
    "bucc2018": 4,
    "tatoeba": 36,
}
XTREME_R = {"xnli": 15, "xcopa": 11, "udpos": 38, "panx": 48, "xquad": 12, "mlqa": 7, "tydiqa": 9, "tatoeba": 41,
            "mewslix": 11, "lareqa": 11}  # fmt: skip
# microsoft/XGLUE evaluation/xglue_evaluate.py at e417c4c
XGLUE = {"NER": 4, "POS": 18, "NC": 5, "MLQA": 7, "XNLI": 15, "PAWSX": 4, "QADSM": 3, "WPR": 7, "QAM": 3}


def made(tmp_path, text):
    (tmp_path / "suite").mkdir(exist_ok=True)
    (tmp_path / "suite" / "mine.yaml").write_text(text)
    return read_suite("mine", Options((f"file://{tmp_path}", "pkg://conf")))


def sizes(name):
    return {task: len(one.languages) for task, one in read_suite(name, OPTIONS).tasks.items()}


def test_the_shipped_suites_have_the_published_tasks_and_languages():
    assert sizes("xtreme") == XTREME
    assert sizes("xtreme_r") == XTREME_R
    assert {one.folder: len(one.languages) for one in read_suite("xglue", OPTIONS).tasks.values()} == XGLUE
    assert set(sizes("masakhane").values()) == {20}
    assert sizes("none") == {}


def test_groups_are_those_of_the_official_program():
    groups = {}
    for name, task in read_suite("xtreme_r", OPTIONS).tasks.items():
        for group in task.groups:
            groups.setdefault(group, set()).add(name)
    assert groups == {
        "classification": {"xnli", "xcopa"},
        "multi_choice": {"xcopa"},
        "tagging": {"udpos", "panx"},
        "qa": {"xquad", "mlqa", "tydiqa"},
        "retrieval": {"tatoeba", "mewslix"},
    }


@pytest.mark.parametrize("name", OPTIONS.names("suite"))
def test_every_metric_of_a_suite_is_one_that_its_task_reports_in_each_of_its_languages(name):
    """Otherwise a run of the suite would never complete it."""
    for task, one in read_suite(name, OPTIONS).tasks.items():
        spec = build.task(task, OPTIONS.read("task", task), OPTIONS)
        for language in one.languages:
            assert set(one.metrics) <= {found.signature for found in scoring.metrics_of(spec, language)}, task


def test_an_empty_body_means_all_languages_and_the_main_metric(tmp_path):
    suite = made(tmp_path, "name: mine\ntasks: {mini_qa: null, mini_pos: {metrics: [accuracy], group: [tags]}}")
    assert list(suite.tasks) == ["mini_qa", "mini_pos"]
    assert suite.tasks["mini_qa"].metrics == ("squad_f1",)
    assert len(suite.tasks["mini_qa"].languages) == 16
    assert suite.tasks["mini_pos"].metrics == ("accuracy",)
    assert (suite.tasks["mini_pos"].groups, suite.tasks["mini_pos"].folder) == (("tags",), "mini_pos")


def test_languages_keep_the_suites_spelling_and_order(tmp_path):
    suite = made(tmp_path, "tasks: {xnli: {languages: [zh, ar, sw]}}")
    assert list(suite.tasks["xnli"].languages.items()) == [("zho-Hans", "zh"), ("arb", "ar"), ("swh", "sw")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tasks: [mini_ner]", "suite mine: `tasks` maps each task to what the suite says of it"),
        ("task: {mini_ner: null}", "suite mine: unknown field 'task': did you mean 'tasks'"),
        ("tasks: {mini_nre: null}", "unknown task 'mini_nre': did you mean 'mini_ner'"),
        ("tasks: {mini_ner: {metric: [accuracy]}}", "suite mine, task mini_ner: unknown field 'metric'"),
        ("tasks: {mini_ner: {metrics: accuracy}}", "suite mine, task mini_ner, field 'metrics': expected a list"),
        ("tasks: {mini_ner: {form: tag}}", "suite mine, task mini_ner: form 'tag': did you mean 'tags'"),
        ("tasks: {mini_ner: all}", "suite mine, task mini_ner: expected `field: value` lines, got 'all'"),
        ("tasks: {mini_ner: {languages: [eng, English]}}", "'eng' and 'English' are one language, eng"),
        ("tasks: {mini_ner: {languages: [eng, Klingonese]}}", "unknown language 'Klingonese'"),
        ("tasks: {mini_ner: {languages: [eng, yor]}}", "suite mine, task mini_ner: the task has no yor"),
        (
            "tasks: {mini_qa: {metrics: [squad_m]}}",
            "task mini_qa: the task does not report squad_m: did you mean 'squad_em'",
        ),
    ],
)
def test_a_mistake_in_a_suite_is_named(tmp_path, text, message):
    with pytest.raises(HarnessError) as error:
        made(tmp_path, text)
    assert message in str(error.value)


def test_mini_counts_every_language_and_takes_submissions_of_all_but_retrieval():
    suite = read_suite("mini", Options())
    assert {name: task.form for name, task in suite.tasks.items()} == {
        "mini_ner": "tags", "mini_pos": "tags", "mini_nli": "labels", "mini_qa": "answers", "mini_retrieval": "",
    }  # fmt: skip
    assert {len(task.languages) for task in suite.tasks.values()} == {16}
    assert suite.tasks["mini_qa"].metrics == ("squad_em", "squad_f1")
    assert suite.tasks["mini_ner"].metrics == ("span_f1|mode:strict|scheme:IOB2",)
