"""MLflow holds what the store holds, once, and nothing is lost or held up when it does not answer."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from harness import tracked, tracking
from harness.errors import HarnessError
from harness.store import ErrorRecord, JobRecord, Store
from tests.conftest import F1 as STRICT
from tests.conftest import cell_record

LEGACY = "span_f1|mode:legacy|scheme:IOB2"
EXPERIMENT = "grid"


def cell(score=0.5, target="deu", **changes):
    plain = {
        "sources": ("eng", "swh"),
        "target": target,
        "scores": {
            STRICT: {"score": score, "low": None, "high": None},
            LEGACY: {"score": 0.625, "low": None, "high": None},
        },
        "n": 1,
        "groups": 1,
    }
    return cell_record(**plain | changes)


def job(**changes):
    plain = JobRecord(
        train_key="t0",
        predict_key="p0",
        task="panx",
        model={"name": "tiny", "family": "tiny"},
        strategy="zero_shot",
        sources=("eng", "swh"),
        targets=("deu", "zho-Hans"),
        seed=1,
        training={"learning_rate": 2e-5, "steps": 10},
        versions={},
        timings={"train": 90.0, "predict": 30.0},
        tokens={"real": 10},
        backend="eager",
        checkpoint=None,
        status="done",
        host="here",
        curves=[{"name": "loss", "step": step, "value": 1 / (step + 1)} for step in range(1500)],
        spec={"size": None},
        created="2026-01-02T03:04:05+00:00",
    )
    return replace(plain, **changes)


def fill(store, *keys):
    row = {"example_id": ["1"], "group_id": ["1"], "gold": ['"O"'], "prediction": ['"O"'], f"{STRICT}::tp": [1.0]}
    for key in keys:
        for target in ("deu", "zho-Hans"):
            store.write_cell(cell(target=target, predict_key=key), pd.DataFrame(row))
        store.write_job(job(predict_key=key))


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    """An empty database, made once: MLflow needs seconds for it."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    tracking.prepare(f"sqlite:///{path}", "other")
    return path.read_bytes()


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "results")
    fill(store, "p0")
    return store


@pytest.fixture
def uri(store, migrated):
    (store.root / "mlflow.db").write_bytes(migrated)
    return f"sqlite:///{store.root}/mlflow.db"


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(tracking, "_silent", set())


def runs(uri, kind="job"):
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(EXPERIMENT).experiment_id
    return client.search_runs([experiment], f"tags.`harness.kind` = '{kind}'")


def artifacts(uri, run):
    from mlflow import MlflowClient

    return sorted(entry.path for entry in MlflowClient(uri).list_artifacts(run.info.run_id))


def test_a_run_says_what_the_records_say(store, uri):
    parent = tracking.start_sweep(uri, EXPERIMENT, "a sweep", {"command": "run -m"}, "seed: 1")
    tracking.log_job(store, uri, EXPERIMENT, "panx", "p0", parent)
    tracking.finish_sweep(parent, "FINISHED")
    (run,) = runs(uri)
    data = run.data
    assert data.metrics["panx/span_f1/deu"] == 0.5
    assert data.metrics["panx/span_f1_mode:legacy_scheme:IOB2/zho-Hans"] == 0.625
    assert data.metrics["seconds/train"] == 90.0
    assert {"model": "tiny", "sources": "eng+swh", "seed": "1", "training.steps": "10"}.items() <= data.params.items()
    assert data.tags["mlflow.parentRunId"] == parent
    assert {
        "harness.provenance": "silver",
        "harness.suite": "xtreme+xtreme_r",
        "harness.train_key": "t0",
    }.items() <= data.tags.items()
    inputs = {(used.dataset.name, used.dataset.digest) for used in run.inputs.dataset_inputs}
    assert inputs == {("panx/deu", ("ab" * 32)[:36]), ("panx/zho-Hans", ("ab" * 32)[:36])}
    tables = [f"{target}.{ending}" for target in ("deu", "zho-Hans") for ending in ("examples.parquet", "json")]
    assert artifacts(uri, run) == sorted([*tables, "config.json", "job.json"])
    assert (run.info.status, run.info.end_time - run.info.start_time) == ("FINISHED", 120_000)
    (sweep,) = runs(uri, "sweep")
    assert (sweep.info.run_id, sweep.info.status, sweep.data.tags["command"]) == (parent, "FINISHED", "run -m")
    assert artifacts(uri, sweep) == ["config.yaml"]


def test_a_training_curve_is_a_history_with_every_point_once(store, uri):
    from mlflow import MlflowClient

    tracking.log_job(store, uri, EXPERIMENT, "panx", "p0", None)
    store.write_job(job(host="elsewhere"))
    tracking.log_job(store, uri, EXPERIMENT, "panx", "p0", None)
    (run,) = runs(uri)
    history = MlflowClient(uri).get_metric_history(run.info.run_id, "train/loss")
    assert [(point.step, point.value) for point in history] == [(step, 1 / (step + 1)) for step in range(1500)]


def test_a_replay_changes_nothing_and_doubles_nothing(store, uri):
    fill(store, "p1")
    tracking.log_job(store, uri, EXPERIMENT, "panx", "p0", None)
    assert tracking.sync(store, uri, EXPERIMENT) == tracking.Synced(written=1, unchanged=1)
    before = {run.info.run_id: run.to_dictionary() for run in runs(uri)}
    assert tracking.sync(store, uri, EXPERIMENT) == tracking.Synced(written=0, unchanged=2)
    assert {run.info.run_id: run.to_dictionary() for run in runs(uri)} == before
    assert len(before) == 2


def test_a_changed_record_updates_its_run_in_place(store, uri):
    tracking.sync(store, uri, EXPERIMENT)
    (before,) = runs(uri)
    store.write_cell(cell(0.25), store.examples("panx", "p0", "deu"))
    assert tracking.sync(store, uri, EXPERIMENT).written == 1
    (after,) = runs(uri)
    assert after.info.run_id == before.info.run_id
    assert after.data.metrics["panx/span_f1/deu"] == 0.25  # lower than before: the later value is the one that counts


def test_a_run_is_found_by_the_suites_that_its_task_is_in_now(store, uri, monkeypatch):
    assert tracked.tags("mini_ner", "p0", None, [])["harness.suite"] == "mini"
    tracking.sync(store, uri, EXPERIMENT)
    monkeypatch.setattr(tracked, "suites_of", lambda _: {"panx": ("small", "large")})
    assert tracking.sync(store, uri, EXPERIMENT) == tracking.Synced(written=1, unchanged=0)
    (run,) = runs(uri)
    assert run.data.tags["harness.suite"] == "small+large"


def test_a_run_that_was_cut_short_is_completed(store, uri, monkeypatch, caplog):
    with monkeypatch.context() as patch:
        patch.setattr(tracking, "_copy", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
        tracking.log_job(store, uri, EXPERIMENT, "panx", "p0", None)
    assert "disk full" in caplog.text
    assert tracking.sync(store, uri, EXPERIMENT).written == 1
    (run,) = runs(uri)
    assert run.info.status == "FINISHED"
    assert "job.json" in artifacts(uri, run)


def test_a_failed_job_is_a_failed_run_until_it_has_succeeded(store, uri):
    store.write_error("panx", "p1", ErrorRecord.of(ValueError("no tags"), {}))
    tracking.sync(store, uri, EXPERIMENT)
    failed = next(run for run in runs(uri) if run.info.status == "FAILED")
    assert artifacts(uri, failed) == ["error.json"]
    store.clear_error("panx", "p1")
    fill(store, "p1")
    tracking.sync(store, uri, EXPERIMENT)
    assert [run.info.status for run in runs(uri)] == ["FINISHED", "FINISHED"]
    assert failed.info.run_id in {run.info.run_id for run in runs(uri)}


def test_damaged_and_temporary_files_are_not_uploaded(store, uri):
    folder = store.folder("panx", "p0")
    (folder / "zho-Hans.json").write_text("{")
    (folder / ".deu.json.0.tmp").write_text("{")
    tracking.sync(store, uri, EXPERIMENT)
    (run,) = runs(uri)
    assert artifacts(uri, run) == ["config.json", "deu.examples.parquet", "deu.json", "job.json"]


LOG = """
import sys
from pathlib import Path
from harness import tracking
from harness.store import Store
root, uri, keys = sys.argv[1:]
tracking.prepare(uri, "grid")
for key in keys.split(","):
    tracking.log_job(Store(Path(root)), uri, "grid", "panx", key, None)
"""


def test_two_processes_write_a_database_that_is_not_there_yet(store):
    keys = [f"p{i}" for i in range(6)]
    fill(store, *keys)
    uri = f"sqlite:///{store.root}/mlflow.db"
    # both are given all the jobs: none may be doubled, and none lost
    command = [sys.executable, "-c", LOG, str(store.root), uri]
    processes = [
        subprocess.Popen([*command, ",".join(order)], stderr=subprocess.PIPE, text=True) for order in (keys, keys[::-1])
    ]
    noise = [process.communicate()[1] for process in processes]
    assert noise == ["", ""]  # no migration messages, no progress bars, no warnings
    assert sorted(run.data.tags["harness.predict_key"] for run in runs(uri)) == keys
    assert {run.info.status for run in runs(uri)} == {"FINISHED"}


@pytest.fixture
def dead_server():
    """An address that refuses every connection."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_a_dead_server_costs_one_warning_and_no_result(store, dead_server, uri, caplog):
    with caplog.at_level(logging.WARNING, "harness"):
        tracking.prepare(dead_server, EXPERIMENT)
        assert tracking.start_sweep(dead_server, EXPERIMENT, "a sweep", {}, "") is None
        for _ in range(3):
            tracking.log_job(store, dead_server, EXPERIMENT, "panx", "p0", None)
    assert len(caplog.records) == 1
    assert "`harness sync` fills the gap" in caplog.text
    assert tracking.sync(store, uri, EXPERIMENT).written == 1


def test_a_server_that_never_answers_is_given_up(store, monkeypatch, caplog):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        tracking.log_job(store, f"http://127.0.0.1:{deaf.getsockname()[1]}", EXPERIMENT, "panx", "p0", None)
    assert "fills the gap" in caplog.text


def test_a_replay_into_a_dead_server_is_an_error(store, dead_server):
    with pytest.raises(HarnessError, match="Is the server up"):
        tracking.sync(store, dead_server, EXPERIMENT)


def test_a_broken_database_is_a_warning_while_running_and_an_error_in_a_replay(store, caplog):
    (store.root / "mlflow.db").write_text("no database" * 1000)
    uri = f"sqlite:///{store.root}/mlflow.db"
    tracking.log_job(store, uri, EXPERIMENT, "panx", "p0", None)
    assert "fills the gap" in caplog.text
    with pytest.raises(HarnessError, match="tracking at sqlite"):
        tracking.sync(store, uri, EXPERIMENT)


def test_names_are_legal_to_mlflow():
    from mlflow.utils.validation import _validate_metric_name

    for name in ("span_f1|mode:strict", "task/größe/zho-Hans", "a" * 400, "exact@1"):
        _validate_metric_name(tracked.legal(name))


def test_configurations_name_a_database_below_the_results():
    from omegaconf import OmegaConf

    folder = Path(__file__).parent.parent / "conf" / "tracking"
    files = {path.stem: OmegaConf.load(path) for path in folder.glob("*.yaml")}
    assert set(files) >= {"mlflow", "none"}
    assert files["none"].uri is None
    composed = OmegaConf.create({"results": "results", "tracking": files["mlflow"]})
    assert composed.tracking.uri == "sqlite:///results/mlflow.db"
    assert json.dumps(OmegaConf.to_container(files["none"]))


def test_a_report_is_an_artifact_of_the_latest_sweep_that_ran_a_job_of_it(store, uri, tmp_path):
    from mlflow import MlflowClient

    (tmp_path / "report" / "task").mkdir(parents=True)
    (tmp_path / "report" / "task" / "a.html").write_text("a")
    assert not tracking.log_report(uri, EXPERIMENT, {"p0"}, tmp_path / "report")
    sweeps = [tracking.start_sweep(uri, EXPERIMENT, name, {}, "") for name in ("older", "newer", "of another job")]
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(EXPERIMENT).experiment_id
    for sweep, key in zip(sweeps, ("p0", "p0", "p1"), strict=True):
        client.create_run(experiment, tags={tracking.PARENT: sweep, tracking.KEY: key})
    assert tracking.log_report(uri, EXPERIMENT, {"p0", "px"}, tmp_path / "report")
    found = [[one.path for one in client.list_artifacts(sweep, "report/task")] for sweep in sweeps]
    assert found == [[], ["report/task/a.html"], []]
