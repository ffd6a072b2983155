"""`harness score` and `harness export` as a person calls them: tables, files, exit codes."""

import json
import shutil

import pytest

from tests.submission.conftest import Folders

SUITE = """\
tasks:
  xnli: {form: labels, languages: [de, en], group: [sentences]}
  panx: {form: tags, languages: [de, en], metrics: ["span_f1|mode:strict|scheme:IOB2"], group: [words]}
  xquad: {form: answers, languages: [de, en], metrics: [squad_em, squad_f1], group: [words]}
"""


@pytest.fixture
def call(harness, tmp_path):
    Folders(tmp_path, ("labels", "tags", "answers"))
    (tmp_path / "mine" / "suite").mkdir(parents=True)
    (tmp_path / "mine" / "suite" / "own.yaml").write_text(SUITE)

    def score(*arguments, code):
        return harness("score", "predictions", "gold", "--suite", "own", "--config-dir", "mine", *arguments, code=code)

    return score


def test_a_whole_submission_is_a_table_a_file_and_exit_code_0(call, tmp_path):
    done = call("--json", "out/scores.json", code=0)
    assert done.stderr == ""
    lines = {line.split()[0]: line.split() for line in done.stdout.splitlines()}
    assert done.stdout.splitlines()[0].strip() == "suite own, spans in mode strict, scores x 100"
    assert lines["task"][-2:] == ["worst", "language"]
    assert lines["xnli"][1:5] == ["50.00", "accuracy", "50.00", "2/2"]
    assert lines["xquad"][1:7] == ["50.00", "exact_match", "50.00,", "f1", "50.00", "2/2"]
    assert json.loads((tmp_path / "out" / "scores.json").read_text()) == {
        "all_task": 50.0,
        "sentences": 50.0,
        "words": 50.0,
        "xnli": {"accuracy": {"de": 50.0, "en": 50.0}, "avg_accuracy": 50.0, "avg_metric": 50.0},
        "panx": {
            "f1": {"de": 50.0, "en": 50.0},
            "precision": {"de": 50.0, "en": 50.0},
            "recall": {"de": 50.0, "en": 50.0},
            "avg_f1": 50.0,
            "avg_precision": 50.0,
            "avg_recall": 50.0,
            "avg_metric": 50.0,
        },
        "xquad": {
            "exact_match": {"de": 50.0, "en": 50.0},
            "f1": {"de": 50.0, "en": 50.0},
            "avg_exact_match": 50.0,
            "avg_f1": 50.0,
            "avg_metric": 50.0,
        },
    }


def test_a_partial_submission_has_a_partial_table_null_averages_and_exit_code_3(call, tmp_path):
    (tmp_path / "predictions" / "xnli" / "test-de.tsv").unlink()
    shutil.rmtree(tmp_path / "predictions" / "xquad")
    done = call("--json", "scores.json", code=3)
    lines = {line.split()[0]: line.split() for line in done.stdout.splitlines()}
    assert lines["xnli"][1:5] == ["-", "accuracy", "(50.00)", "1/2"]
    assert done.stderr.splitlines() == [
        "not scored: predictions/xnli/test-de.tsv: no such file",
        "not scored: predictions/xquad: no such folder; xquad is not scored",
    ]
    found = json.loads((tmp_path / "scores.json").read_text())
    assert found.keys() == {"xnli", "panx"}
    assert found["xnli"] == {
        "accuracy": {"en": 50.0},
        "avg_accuracy": None,
        "avg_metric": None,
        "coverage": {"scored": 1, "of": 2, "missing": ["de"]},
    }
    assert found["panx"]["avg_metric"] == 50.0


def test_a_task_that_takes_no_submission_keeps_nothing_from_being_whole(call, tmp_path):
    own = tmp_path / "mine" / "suite" / "own.yaml"
    own.write_text(SUITE + "  lareqa: {languages: [de], metrics: ['map_at|k:20'], group: [words]}\n")
    done = call("--json", "scores.json", code=0)
    assert "takes no submission" in next(line for line in done.stdout.splitlines() if line.startswith("lareqa"))
    assert done.stdout.splitlines()[-1] == "overall: the mean of 3 tasks; lareqa takes no submission"
    found = json.loads((tmp_path / "scores.json").read_text())
    assert (found["all_task"], found["words"], "lareqa" in found) == (50.0, 50.0, False)


def test_the_mode_changes_what_malformed_spans_are_worth(call, tmp_path):
    file = tmp_path / "predictions" / "panx" / "test-de.tsv"
    file.write_text("I-PER\nO\n\nB-LOC\nI-LOC\n")  # an I that nothing opened
    call("--json", "strict.json", code=0)
    call("--json", "lenient.json", "--mode", "lenient", code=0)
    strict, lenient = (json.loads((tmp_path / f"{mode}.json").read_text()) for mode in ("strict", "lenient"))
    assert strict["panx"]["f1"]["de"] == pytest.approx(200 / 3)
    assert lenient["panx"]["f1"]["de"] == 100.0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere", "gold", "--suite", "xtreme"), "harness: nowhere: no such folder"),
        (("predictions", "nowhere", "--suite", "xtreme"), "harness: nowhere: no such folder"),
        (("predictions", "gold", "--suite", "xtrem"), "did you mean 'xtreme'"),
        (("predictions", "gold", "--suite", "uner"), "suite uner takes no submissions"),
        (("predictions", "gold"), "Missing option '--suite'"),
        (("predictions", "gold", "--suite", "xtreme", "--mode", "loose"), "'loose' is not one of"),
    ],
)
def test_a_mistake_on_the_command_line_is_exit_code_2(call, harness, arguments, words):
    done = harness("score", *arguments, code=2)
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_table_comes_although_the_json_cannot_be_written(call, tmp_path):
    (tmp_path / "file").write_text("")
    done = call("--json", "file/scores.json", code=2)
    assert "xnli" in done.stdout
    assert "cannot write" in done.stderr


def test_export_without_a_store_or_with_an_unknown_suite_says_so(harness):
    assert "no store there yet" in harness("export", "out", "--suite", "xtreme", "--model", "m", code=2).stderr


def test_export_says_that_a_suite_takes_no_submissions_rather_than_that_no_cell_fits(harness, tmp_path):
    (tmp_path / "results" / "runs").mkdir(parents=True)
    done = harness("export", "out", "--suite", "uner", "--model", "m", code=2)
    assert "suite uner takes no submissions: no task of it has a `form`" in done.stderr
