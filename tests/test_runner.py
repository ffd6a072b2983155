"""Running jobs in this process: what is trained, predicted, scored, and what is left alone."""

import dataclasses
import json
from pathlib import Path

import pytest

from harness import scoring
from harness.errors import HarnessError, TimeLimitError
from harness.models.base import MODELS
from harness.rescoring import rescore
from harness.runner import run
from harness.storage.store import Store
from harness.sweep.compose import sweep
from harness.sweep.keyed import keyed, missing
from harness.sweep.plan import plan


def planned(tmp_path, *overrides, multirun=False):
    return plan(sweep([f"results={tmp_path}", "tracking=none", *overrides], multirun))


def run_all(tmp_path, *overrides, multirun=False):
    found = planned(tmp_path, *overrides, multirun=multirun)
    return found, [run(one.job, found.setting) for one in found.jobs]


@pytest.fixture
def trainings(monkeypatch):
    """Every training of the floor `majority`, as the folder that it wrote."""
    kind, done = MODELS["majority"], []
    train = kind.train

    def counted(self, data, training, seed, folder, start=None):
        done.append(folder)
        return train(self, data, training, seed, folder, start)

    monkeypatch.setattr(kind, "train", counted)
    return done


def test_new_targets_use_the_weights_that_are_there(tmp_path, trainings):
    run_all(tmp_path, "task=mini_pos", "model=majority", "target=[deu,fin]")
    _, (outcome,) = run_all(tmp_path, "task=mini_pos", "model=majority", "target=[deu,fin,jpn]")
    assert (outcome.status, len(trainings)) == ("done", 1)
    assert run_all(tmp_path, "task=mini_pos", "model=majority", "target=jpn")[1][0].status == "skipped"


def test_what_changes_no_number_changes_no_key(tmp_path):
    (one,) = planned(tmp_path, "task=mini_pos", "model=majority", "target=deu").jobs
    for override in ("checkpoint.keep=all", "on_error=raise", "+model.name=other", "suite=mini"):
        (other,) = planned(tmp_path, "task=mini_pos", "model=majority", "target=deu", override).jobs
        assert (other.train_key, other.predict_key, other.cells) == (one.train_key, one.predict_key, one.cells)
    (more,) = planned(tmp_path, "task=mini_pos", "model=majority", "target=[deu,fin]").jobs
    assert more.predict_key == one.predict_key
    assert more.cells["deu"] == one.cells["deu"]


@pytest.mark.parametrize(
    "override",
    ["seed=1", "size=20", "limit=5", "train.epochs=2", "source=deu", "model=chance", "+model.threads=2",
     "+model.dtype=bfloat16", "train.batch_size=8"],
)  # fmt: skip
def test_what_changes_the_weights_changes_every_key(tmp_path, override):
    base = ("task=mini_pos", "model=majority", "target=fin")
    (one,), (other,) = planned(tmp_path, *base).jobs, planned(tmp_path, *base, override).jobs
    assert other.train_key != one.train_key
    assert other.predict_key != one.predict_key


def test_a_target_is_keyed_by_its_own_data_alone(tmp_path):
    root = tmp_path / "data"
    root.mkdir()
    for name in ("eng-train", "eng-test", "deu-test"):
        (root / f"{name}.txt").write_text("a X\nb Y\n\n")
    conf = tmp_path / "conf" / "task"
    conf.mkdir(parents=True)
    (conf / "own.yaml").write_text(
        "type: pos\nlanguages: [eng, deu, fin]\nlabels: [X, Y]\nsplits: {train: train, test: test}\n"
        "files: {reader: conll, path: '{code}-{split}.txt', options: {delimiter: whitespace, word: 0, tag: 1}}\n"
        "metrics: [accuracy]\nprotocol: {epochs: 1}\n"
    )
    overrides = [f"results={tmp_path / 'results'}", "tracking=none", f"data.root={root}", "task=own", "model=majority"]

    def jobs():
        from harness.data import files

        files._listing.cache_clear()
        files._match.cache_clear()
        return plan(sweep(overrides, multirun=False, config_dir=str(tmp_path / "conf"))).jobs[0]

    before = jobs()
    (root / "fin-test.txt").write_text("c X\n\n")  # a new language
    (root / "deu-test.txt").write_text("a X\nb X\n\n")  # other data for an old one
    after = jobs()
    assert after.predict_key == before.predict_key
    assert after.cells["eng"] == before.cells["eng"]
    assert after.cells["deu"] != before.cells["deu"]
    assert "fin" in after.cells


def test_a_limit_keeps_the_same_first_groups_in_every_language(tmp_path):
    found, _ = run_all(tmp_path, "task=mini_nli", "model=majority", "target=[deu,jpn]", "limit=4")
    store, one = found.setting.store, found.jobs[0]
    tables = [store.examples("mini_nli", one.predict_key, target) for target in ("deu", "jpn")]
    assert tables[0]["example_id"].tolist() == tables[1]["example_id"].tolist()
    assert tables[0]["group_id"].nunique() == 4
    assert store.read_cell("mini_nli", one.predict_key, "deu").limit == 4


def test_few_shot_trains_its_zero_shot_base_once_and_tags_what_it_touched(tmp_path):
    overrides = ("task=mini_pos", "model=lexical", "strategy=few_shot", "strategy.shots=5", "target=[deu,fin]")
    found, outcomes = run_all(tmp_path, *overrides, "train.epochs=1")
    assert [outcome.status for outcome in outcomes] == ["done", "done"]
    cells = list(found.setting.store.cells())
    assert {(cell.target, cell.shots, cell.touches) for cell in cells} == {("deu", 5, "k"), ("fin", 5, "k")}
    zero, _ = run_all(tmp_path, "task=mini_pos", "model=lexical", "target=[deu,fin]", "train.epochs=1")
    assert zero.setting.store.checkpoint(zero.jobs[0].train_key).exists()  # it was the base
    better = {cell.target: cell for cell in zero.setting.store.cells() if cell.strategy == "zero_shot"}
    assert all(cell.scores["accuracy"]["score"] > better[cell.target].scores["accuracy"]["score"] for cell in cells)


def test_a_changed_scorer_scores_stored_predictions_again_and_trains_nothing(tmp_path, trainings):
    first, _ = run_all(tmp_path, "task=mini_ner", "model=majority", "target=[deu,fin]")
    second, (outcome,) = run_all(
        tmp_path, "task=mini_ner", "model=majority", "target=[deu,fin]", "task.metrics=[accuracy]"
    )
    assert (outcome.status, len(trainings)) == ("done", 1)
    assert second.jobs[0].predict_key == first.jobs[0].predict_key
    cell = second.setting.store.read_cell("mini_ner", second.jobs[0].predict_key, "deu")
    assert list(cell.scores) == ["accuracy"]
    assert 0.4 < cell.scores["accuracy"]["score"] < 1
    # `rescore` goes back to what the task's own YAML says
    assert rescore(Path(tmp_path)) == {"changed": 2, "unchanged": 0, "left": 0}
    assert rescore(Path(tmp_path)) == {"changed": 0, "unchanged": 2, "left": 0}
    assert not missing(first.jobs[0], first.setting.store)


def test_recounting_stored_predictions_gives_the_stored_score(tmp_path):
    for task in ("mini_ner", "mini_nli", "mini_qa"):
        found, _ = run_all(tmp_path, f"task={task}", "model=lexical", "target=deu", "train.epochs=1")
        (one,), store = found.jobs, found.setting.store
        cell = store.read_cell(task, one.predict_key, "deu")
        table = store.examples(task, one.predict_key, "deu")
        assert scoring.recount(one.job.task, "deu", *scoring.stored(table))[0] == cell.scores


def test_retrieval_keeps_ranks_both_ways_and_in_the_pool(tmp_path):
    found, _ = run_all(tmp_path, "task=mini_retrieval", "model=lexical", "source=eng", "target=[deu,nld]")
    (one,), store = found.jobs, found.setting.store
    cell = store.read_cell("mini_retrieval", one.predict_key, "deu")
    assert cell.main_metric == "retrieval_accuracy|direction:both"
    pooled = cell.scores["retrieval_accuracy|direction:pooled"]["score"]
    ranks = [json.loads(text) for text in store.examples("mini_retrieval", one.predict_key, "deu")["prediction"]]
    assert all(one["pooled"] >= one["cosine"][0] for one in ranks)  # the pool holds the language's own sentences
    assert pooled == sum(one["pooled"] == 1 for one in ranks) / len(ranks)
    table = store.examples("mini_retrieval", one.predict_key, "deu")
    assert [one["found"] == id for one, id in zip(ranks, table["example_id"], strict=True)] == [
        one["cosine"][0] == 1 for one in ranks
    ]


def test_a_metric_that_needs_ranks_which_were_not_stored_has_them_predicted(tmp_path):
    overrides = ("task=mini_retrieval", "model=lexical", "source=eng", "target=deu")
    run_all(tmp_path, *overrides, "task.metrics=[retrieval_accuracy]")
    metrics = "task.metrics=[retrieval_accuracy,'retrieval_accuracy|direction:both|similarity:margin']"
    found, (outcome,) = run_all(tmp_path, *overrides, metrics)
    assert outcome.status == "done"
    cell = found.setting.store.read_cell("mini_retrieval", found.jobs[0].predict_key, "deu")
    assert list(cell.scores) == [
        "retrieval_accuracy|direction:both", "retrieval_accuracy|direction:both|similarity:margin",
    ]  # fmt: skip


def test_a_failure_is_an_outcome_and_a_record_unless_it_shall_stop(tmp_path, monkeypatch):
    def broken(self, folder, corpora):
        raise RuntimeError("no such luck")

    monkeypatch.setattr(MODELS["majority"], "predict", broken)
    found, (outcome,) = run_all(tmp_path, "task=mini_pos", "model=majority", "target=deu")
    assert (outcome.status, outcome.message) == ("failed", "RuntimeError: no such luck")
    error = Store(tmp_path).read_error("mini_pos", found.jobs[0].predict_key)
    assert "in broken" in error.traceback
    loud = dataclasses.replace(found.setting, raise_errors=True)
    with pytest.raises(RuntimeError, match="no such luck"):
        run(found.jobs[0].job, loud)
    assert run(found.jobs[0].job, dataclasses.replace(loud, again=False)).status == "skipped"


def test_a_time_limit_is_taken_for_no_other_error_on_the_way(tmp_path, monkeypatch):
    """A signal's handler raises it anywhere: here where an error means that a prediction does not fit a new metric."""

    def cut_short(*_):
        raise TimeLimitError("over its time limit")

    run_all(tmp_path, "task=mini_ner", "model=majority", "target=deu")
    monkeypatch.setattr(scoring, "recount", cut_short)
    found, (outcome,) = run_all(tmp_path, "task=mini_ner", "model=majority", "target=deu", "task.metrics=[accuracy]")
    assert (outcome.status, outcome.message) == ("failed", "over its time limit")
    assert Store(tmp_path).read_error("mini_ner", found.jobs[0].predict_key).exception == "TimeLimitError"


def test_a_locked_job_is_left_to_the_process_that_has_it(tmp_path):
    found = planned(tmp_path, "task=mini_pos", "model=majority", "target=deu")
    (one,) = found.jobs
    with found.setting.store.lock(one.train_key):
        assert run(one.job, found.setting).status == "elsewhere"
    assert run(one.job, found.setting).status == "done"


def test_a_job_whose_own_record_is_missing_is_written_without_training(tmp_path, trainings):
    found, _ = run_all(tmp_path, "task=mini_pos", "model=majority", "target=deu")
    (one,) = found.jobs
    record = found.setting.store.folder("mini_pos", one.predict_key) / "job.json"
    record.unlink()
    again = planned(tmp_path, "task=mini_pos", "model=majority", "target=deu")
    assert again.open == {one.predict_key: ()}
    assert run(one.job, found.setting).status == "done"
    assert record.exists()
    assert len(trainings) == 1


def test_equal_jobs_have_equal_keys_in_another_process(tmp_path, harness):
    arguments = ("task=mini_nli", "model=tiny", "strategy=few_shot", "source=eng", "target=deu")
    done = json.loads(harness("plan", *arguments, "--json", code=0, PYTHONHASHSEED="7").stdout)
    (one,) = planned(tmp_path, *arguments).jobs
    assert (done["jobs"][0]["train_key"], done["jobs"][0]["predict_key"]) == (one.train_key, one.predict_key)


def test_an_unknown_metric_is_named_before_anything_runs(tmp_path):
    with pytest.raises(HarnessError, match="unknown metric 'acuracy': did you mean 'accuracy'"):
        planned(tmp_path, "task=mini_pos", "model=majority", "task.metrics=[acuracy]")


def test_keys_do_not_depend_on_where_the_results_lie(tmp_path):
    (one,) = planned(tmp_path / "a", "task=mini_pos", "model=majority").jobs
    assert keyed(one.job, None, tmp_path / "elsewhere").train_key == one.train_key
