"""XTREME's own example submission, scored to the digits that its own test and program give."""

import json

import pytest
from seqeval.metrics import f1_score, precision_score, recall_score

from harness.submission import answers, choices, indices, labels, official, pairs, rankings, tags
from harness.submission.score import score
from harness.suites import read_suite
from harness.sweep.options import Options

# google-research/xtreme evaluate_test.py (seqeval 0.0.12), and evaluate.py with seqeval 1.2.2
LEGACY = {
    "pawsx": {"avg_accuracy": 51.42857142857143},
    "xnli": {"avg_accuracy": 30.666666666666668},
    "panx": {"avg_f1": 57.50793650793652, "avg_precision": 54.729166666666664, "avg_recall": 62.750000000000014},
    "udpos": {"avg_f1": 70.21746048354693, "avg_precision": 71.02232625883823, "avg_recall": 69.54982073976082},
    "bucc2018": {"avg_f1": 55.0, "avg_precision": 55.0, "avg_recall": 55.0},
    "tatoeba": {"avg_accuracy": 53.611111111111114},
    "xquad": {"avg_exact_match": 77.27272727272727, "avg_f1": 79.9586776859504},
    "mlqa": {"avg_exact_match": 57.142857142857146, "avg_f1": 81.76870748299321},
    "tydiqa": {"avg_exact_match": 88.88888888888889, "avg_f1": 97.22222222222223},
}


def scored(mock, suite, mode=None):
    options = Options()
    return official.as_json(score(mock / "predictions", mock / "labels", read_suite(suite, options), options, mode))


def close(value):
    return pytest.approx(value, rel=1e-12)


@pytest.fixture(scope="module")
def legacy(real_data):
    folder = real_data / "xtreme_mock" / "mock_test_data"
    if not folder.is_dir():
        pytest.skip("no xtreme_mock in the folder of real data")
    return scored(folder, "xtreme")


@pytest.mark.parametrize("task", LEGACY)
def test_a_task_has_the_averages_of_the_official_test(legacy, task):
    averages = {key: value for key, value in legacy[task].items() if key.startswith("avg_") and key != "avg_metric"}
    assert averages == close(LEGACY[task])


def test_groups_and_the_overall_score_are_the_official_ones(legacy):
    assert legacy["all_task"] == close(62.17319850507246)
    mean = {task: legacy[task]["avg_metric"] for task in LEGACY}
    assert mean["xquad"] == close((77.27272727272727 + 79.9586776859504) / 2)
    for group, tasks in {
        "classification": ["pawsx", "xnli"],
        "tagging": ["udpos", "panx"],
        "qa": ["xquad", "mlqa", "tydiqa"],
        "retrieval": ["bucc2018", "tatoeba"],
    }.items():
        assert legacy[group] == close(sum(mean[task] for task in tasks) / len(tasks))


def test_the_json_has_the_official_keys_and_no_others(legacy):
    groups = {"all_task", "classification", "tagging", "qa", "retrieval"}
    assert legacy.keys() == groups | LEGACY.keys()
    assert legacy["udpos"].keys() == {
        "f1", "precision", "recall", "avg_f1", "avg_precision", "avg_recall", "avg_metric"
    }  # fmt: skip
    assert legacy["mlqa"].keys() == {"exact_match", "f1", "avg_exact_match", "avg_f1", "avg_metric"}
    assert legacy["pawsx"]["accuracy"].keys() == {"de", "en", "es", "fr", "ja", "ko", "zh"}


def test_under_seqeval_1_the_same_files_are_worth_something_else(mock):
    lenient = scored(mock, "xtreme", "lenient")
    assert lenient["all_task"] == close(62.1932649076773)
    assert lenient["udpos"]["avg_f1"] == close(70.39805810699043)
    assert lenient["panx"]["avg_f1"] == close(57.50793650793652)


@pytest.mark.filterwarnings("ignore")  # seqeval wonders about parts of speech
@pytest.mark.parametrize("task", ["udpos", "panx"])
def test_every_language_has_seqevals_own_f1_precision_and_recall(mock, task):
    found = scored(mock, "xtreme", "lenient")[task]
    for file in sorted((mock / "labels" / task).iterdir()):
        gold, predicted = (
            [sentence.split() for sentence in (mock / side / task / file.name).read_text().strip().split("\n\n")]
            for side in ("labels", "predictions")
        )
        language = file.stem.removeprefix("test-")
        for key, measure in (("f1", f1_score), ("precision", precision_score), ("recall", recall_score)):
            assert found[key][language] == close(100 * measure(gold, predicted)), (key, language)


def test_xtreme_r_scores_mewslix_and_says_what_the_mock_lacks(mock):
    found = scored(mock, "xtreme_r")
    ranks = [16, 2, 12, 12, 4, 14, 19, 6, 13, 8, 9]  # of the right entity, one mention a language
    assert found["mewslix"]["avg_map@20"] == close(100 * sum(1 / rank for rank in ranks) / len(ranks))
    assert found["mewslix"]["avg_map@20"] == pytest.approx(14.39025, abs=5e-6)
    assert found["mlqa"]["avg_metric"] == close((57.142857142857146 + 81.76870748299321) / 2)
    # the mock has XTREME's languages alone
    assert found["udpos"]["avg_f1"] is None
    assert found["udpos"]["coverage"] == {"scored": 33, "of": 38, "missing": ["lt", "pl", "uk", "wo", "ro"]}
    assert found["udpos"]["f1"] == close(scored(mock, "xtreme")["udpos"]["f1"])
    assert "all_task" not in found
    assert "qa" not in found


FORMS = {
    "bucc2018": pairs, "mewslix": rankings, "mlqa": answers, "panx": tags, "pawsx": labels, "tatoeba": indices,
    "tydiqa": answers, "udpos": tags, "xnli": labels, "xquad": answers,
}  # fmt: skip


@pytest.mark.parametrize("task", FORMS)
def test_what_is_read_and_written_again_reads_the_same(mock, task, tmp_path):
    form = FORMS[task].FORM
    for file in sorted((mock / "predictions" / task).iterdir()):
        found = form.read(file)
        copy = tmp_path / file.name
        copy.write_text(form.write(found.sentences if task in ("panx", "udpos") else found), encoding="utf-8")
        assert form.read(copy) == found
        if form.suffix == ".tsv":
            assert copy.read_text(encoding="utf-8") == file.read_text(encoding="utf-8").rstrip("\n") + "\n"
        else:
            assert json.loads(copy.read_text(encoding="utf-8")) == json.loads(file.read_text(encoding="utf-8"))


def test_choices_are_read_as_xcopa_writes_them(tmp_path):
    file = tmp_path / "test-et.jsonl"
    file.write_text('{"label": 1, "premise": "x"}\n{"label": 0}\n')
    assert choices.FORM.read(file) == ["1", "0"]
