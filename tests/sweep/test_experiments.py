"""Presets train by the published numbers, task by task, and can be planned where there is no data."""

from __future__ import annotations

import json

import pytest

from harness.errors import HarnessError
from harness.languages import canonical
from harness.suites import read_suite
from harness.sweep import build
from harness.sweep.compose import sweep
from harness.sweep.expand import expand
from harness.sweep.options import Options

OPTIONS = Options()
# google-research/xtreme scripts/*.sh at 838c13b: learning rate of base and large models, epochs, batch, tokens a row
XTREME = {
    "xnli": (2e-5, 3e-5, 5, 32, 128, "source_dev"),
    "pawsx": (2e-5, 2e-5, 5, 32, 128, "source_dev"),
    "udpos": (2e-5, 2e-5, 10, 32, 128, "source_dev"),
    "panx": (2e-5, 2e-5, 10, 32, 128, "source_dev"),
    "xquad": (3e-5, 3e-5, 3, 32, 384, "last"),
    "mlqa": (3e-5, 3e-5, 3, 32, 384, "last"),
    "tydiqa": (3e-5, 3e-5, 3, 32, 384, "last"),
}
XTREME_R = {name: numbers for name, numbers in XTREME.items() if name != "pawsx"} | {
    "xcopa": (2e-5, 3e-5, 5, 32, 128, "last")
}
# microsoft/Unicoder understanding/unicoder/xglue.sh
XGLUE = {
    "xglue_ner": (5e-6, 20, 32, 256),
    "xglue_pos": (2e-5, 20, 32, 128),
    "xglue_nc": (5e-6, 10, 32, 256),
    "mlqa": (3e-5, 2, 12, 384),
    "xnli": (5e-6, 10, 32, 256),
    "pawsx": (5e-6, 10, 32, 256),
    "xglue_qadsm": (5e-6, 10, 32, 256),
    "xglue_wpr": (5e-6, 10, 32, 256),
    "xglue_qam": (5e-6, 10, 32, 256),
}


def numbers(experiment, monkeypatch, *overrides):
    """By task, the training numbers and the row length of an experiment's configurations."""
    monkeypatch.setattr("harness.sweep.expand.sources", lambda *_: [("eng",)])
    monkeypatch.setattr("harness.sweep.expand.targets", lambda *_: ("deu",))
    monkeypatch.setattr("harness.sweep.expand._check_applies", lambda *_: None)
    swept = sweep([f"+experiment={experiment}", *overrides], multirun=False)
    assert swept.multirun
    jobs = [job for one in swept.composed for job in expand(one.config, one.choices, swept.options).jobs]
    return {job.task.name: (job.training, job.model) for job in jobs}


@pytest.mark.parametrize(
    ("experiment", "table", "large"),
    [("xtreme", XTREME, False), ("xtreme_large", XTREME, True), ("xtreme_r", XTREME_R, False),
     ("xtreme_r_large", XTREME_R, True)],
)  # fmt: skip
def test_xtremes_numbers_are_those_of_its_scripts(experiment, table, large, monkeypatch):
    found = numbers(experiment, monkeypatch, *([] if large else ["model=xlmr_base"]))
    for task, (base, for_large, epochs, batch, tokens, select) in table.items():
        training, model = found[task]
        rate = for_large if large else base
        assert (training.learning_rate, training.epochs, training.batch_size) == (rate, epochs, batch), task
        assert (training.select, model.max_length, training.clip) == (select, tokens, 1.0), task
        answering = tokens == 384
        assert training.weight_decay == (1e-4 if answering else 0), task
        assert training.warmup == (pytest.approx(500 / 8213, abs=2e-3) if answering else 0), task
    assert {model.name for _, model in found.values()} == {"xlmr_large" if large else "xlmr_base"}


def test_xglues_numbers_are_those_of_its_script(monkeypatch):
    found = numbers("xglue", monkeypatch, "model=xlmr_base")
    assert found.keys() == XGLUE.keys()
    for task, (rate, epochs, batch, tokens) in XGLUE.items():
        training, model = found[task]
        assert (training.learning_rate, training.epochs, training.batch_size) == (rate, epochs, batch), task
        assert (model.max_length, training.warmup, training.weight_decay) == (tokens, 0, 0), task
        assert training.select == ("last" if task == "mlqa" else "source_dev"), task


def test_the_command_line_comes_before_the_experiment(monkeypatch):
    found = numbers("xtreme_large", monkeypatch, "train.learning_rate=1e-5", "select=last", "model=tiny")
    assert {(training.learning_rate, training.select) for training, _ in found.values()} == {(1e-5, "last")}


def test_a_models_own_numbers_come_before_the_experiments(monkeypatch):
    found = numbers("xtreme_large", monkeypatch, "model=tiny")
    assert {training.learning_rate for training, _ in found.values()} == {0.003}


def test_a_preset_of_an_unknown_task_or_number_is_an_error():
    with pytest.raises(HarnessError, match=r"protocol\.xnlo: no such task: did you mean 'xnli'"):
        build.preset({"protocol": {"xnlo": {}}}, "xnli", OPTIONS)
    assert build.preset({"protocol": {"xnli": {"epochs": 2}}}, "panx", OPTIONS) == {}


@pytest.mark.parametrize("experiment", ["xtreme", "xtreme_large", "xtreme_r", "xtreme_r_large", "xglue", "masakhaner"])
def test_without_data_the_plan_says_so(harness, experiment):
    done = harness("plan", f"+experiment={experiment}", "model=xlmr_base", "results=out", code=0)
    assert "0 jobs" in done.stderr
    assert "does not apply (no training data in " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_without_data_is_a_mistake(harness):
    assert harness("run", "+experiment=xtreme", "model=xlmr_base").returncode == 2


def test_the_targets_of_a_preset_are_the_suites_languages():
    """Other languages of the data sets are no part of the published experiment; none of its own is left out."""
    for suite, languages in {"xtreme": "xtreme40", "xtreme_r": "xtreme_r50", "xglue": "xglue19"}.items():
        members = {canonical(code) for code in OPTIONS.read("languages", languages)["members"]}
        wanted = {code for task in read_suite(suite, OPTIONS).tasks.values() for code in task.languages}
        assert wanted == members


def test_the_plan_says_by_which_numbers_each_job_trains(harness):
    done = harness("plan", "-m", "suite=mini", "model=majority", "source=eng", "train.epochs=2", "--json", code=0)
    jobs = {job["job"].split()[0]: job for job in json.loads(done.stdout)["jobs"]}
    assert jobs["mini_qa"]["training"]["epochs"] == 2
    assert jobs["mini_qa"]["max_length"] == 128
    assert jobs["mini_retrieval"]["training"] is None


def test_a_job_whose_model_cannot_be_had_is_listed(harness):
    offline = {"HF_HUB_OFFLINE": "1"}
    done = harness("plan", "-m", "task=mini_ner", "model=xlmr_base,majority", "source=eng", code=0, **offline)
    assert "does not apply (model checkpoint 'FacebookAI/xlm-roberta-base' is not in the local cache" in done.stderr
    assert "1 jobs, 16 cells" in done.stderr
    alone = harness("plan", "task=mini_ner", "model=xlmr_base", "source=eng", code=2, **offline)
    assert "pass model.checkpoint=FOLDER" in alone.stderr


def test_without_a_dev_split_nothing_is_selected_by_it(harness, tmp_path):
    (tmp_path / "own" / "task").mkdir(parents=True)
    (tmp_path / "own" / "task" / "nodev.yaml").write_text(
        "type: ner\nlanguages: [deu, eng]\nlabels: [PER, LOC, ORG]\nsplits: {train: train, test: test}\n"
        "files: {reader: mini, options: {kind: ner}}\nprotocol: {epochs: 1}\n"
    )
    words = ("plan", "--config-dir", "own", "task=nodev", "model=lexical", "source=eng", "target=deu")
    assert "1 jobs, 1 cells" in harness(*words, code=0).stderr
    done = harness(*words, "select=source_dev", code=2)
    assert "no dev split of nodev in eng to select by" in done.stderr


def test_a_suite_of_ones_own_is_run_and_averaged(harness, tmp_path):
    (tmp_path / "own" / "suite").mkdir(parents=True)
    (tmp_path / "own" / "suite" / "two.yaml").write_text(
        "tasks: {mini_pos: {languages: [English, de]}, mini_qa: {languages: [eng], metrics: [squad_em, squad_f1]}}"
    )
    own = ("--config-dir", "own")
    harness("run", "-m", *own, "suite=two", "model=majority", "source=eng", "target=eng,deu", "tracking=none", code=0)
    done = harness("scores", "--suite", "two", *own, "--json", code=0)
    (row,) = json.loads(done.stdout)["rows"]
    assert (row["have"], row["want"]) == (3, 3)
    long = json.loads(harness("scores", "--where", "target=eng", "--all-metrics", "--json").stdout)
    answers = {one["metric"]: 100 * one["score"] for one in long if one["task"] == "mini_qa"}
    assert row["tasks"]["mini_qa"]["score"] == pytest.approx((answers["squad_em"] + answers["squad_f1"]) / 2)
    assert row["overall"] == pytest.approx((row["tasks"]["mini_pos"]["score"] + row["tasks"]["mini_qa"]["score"]) / 2)
