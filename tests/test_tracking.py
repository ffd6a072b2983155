"""MLflow holds what the store holds, once, and nothing is lost or held up when it does not answer."""

from __future__ import annotations

import json
import logging
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from harness import tracked, tracking
from harness.errors import HarnessError
from harness.storage.store import ErrorRecord, Store
from harness.tracking import job_runs, missed, patience, sweep_runs
from harness.tracking.words import words
from tests.answering import answering
from tests.tracked_jobs import cell, fill, job

EXPERIMENT = "grid"


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    """An empty database, made once: MLflow needs seconds for it."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    tracking.prepare(Store(path.parent), f"sqlite:///{path}", "other")
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
    monkeypatch.setattr(patience, "_outages", {})
    monkeypatch.setattr(patience, "PAUSES", ())
    monkeypatch.setattr(sweep_runs, "_known", {})


def runs(uri, kind="job"):
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(EXPERIMENT).experiment_id
    return client.search_runs([experiment], f"tags.`harness.kind` = '{kind}'")


def notes(store):
    return sorted(path.name for path in (store.cache / "untracked").glob("*"))


def kept(store):
    """The jobs that are noted as missed."""
    return [name.partition("-")[0] for name in notes(store) if name.endswith(".job")]


def artifacts(uri, run):
    from mlflow import MlflowClient

    return sorted(entry.path for entry in MlflowClient(uri).list_artifacts(run.info.run_id))


def test_a_run_says_what_the_records_say(store, uri):
    with tracking.sweep(store, uri, EXPERIMENT, "a sweep", {"command": "run -m"}, "seed: 1") as parent:
        tracking.log_job(store, uri, EXPERIMENT, "panx", "p0", parent)
    (run,) = runs(uri)
    (sweep,) = runs(uri, "sweep")
    data = run.data
    assert data.metrics["panx/span_f1/deu"] == 0.5
    assert data.metrics["panx/span_f1_mode:legacy_scheme:IOB2/zho-Hans"] == 0.625
    assert data.metrics["seconds/train"] == 90.0
    assert {"model": "tiny", "sources": "eng+swh", "seed": "1", "training.steps": "10"}.items() <= data.params.items()
    assert data.tags["mlflow.parentRunId"] == sweep.info.run_id
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
    assert (sweep.info.run_name, sweep.info.status, sweep.data.tags["command"]) == ("a sweep", "FINISHED", "run -m")
    assert artifacts(uri, sweep) == ["config.yaml"]
    assert not notes(store)


def test_a_training_curve_is_a_history_with_every_point_once(store, uri):
    from mlflow import MlflowClient

    tracking.log_job(store, uri, EXPERIMENT, "panx", "p0", None)
    # a target that was added later: the record is a new one, its curves are the old ones
    store.write_job(job(host="elsewhere", created="2026-02-02T03:04:05+00:00"))
    tracking.log_job(store, uri, EXPERIMENT, "panx", "p0", None)
    (run,) = runs(uri)
    history = MlflowClient(uri).get_metric_history(run.info.run_id, "train/loss")
    assert [(point.step, point.value) for point in history] == [(step, 1 / (step + 1)) for step in range(1500)]
    assert len(MlflowClient(uri).get_metric_history(run.info.run_id, "panx/span_f1/deu")) == 1


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
    assert after.data.metrics["panx/span_f1/deu"] == 0.25  # lower than before, and as old: what came later counts


def test_a_run_is_found_by_the_suites_that_its_task_is_in_now(store, uri, monkeypatch):
    assert tracked.tags("mini_ner", "p0", None, [])["harness.suite"] == "mini"
    tracking.sync(store, uri, EXPERIMENT)
    monkeypatch.setattr(tracked, "suites_of", lambda _: {"panx": ("small", "large")})
    assert tracking.sync(store, uri, EXPERIMENT) == tracking.Synced(written=1, unchanged=0)
    (run,) = runs(uri)
    assert run.data.tags["harness.suite"] == "small+large"


def test_a_run_that_was_cut_short_is_completed(store, uri, monkeypatch, caplog):
    with monkeypatch.context() as patch:
        patch.setattr(job_runs, "_copy", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
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
from harness.storage.store import Store
root, uri, keys = sys.argv[1:]
tracking.prepare(Store(Path(root)), uri, "grid")
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
    fill(store, "p1")
    with caplog.at_level(logging.WARNING, "harness"):
        tracking.prepare(store, dead_server, EXPERIMENT)
        with tracking.sweep(store, dead_server, EXPERIMENT, "a sweep", {}, "") as parent:
            for key in ("p0", "p1", "p0"):
                tracking.log_job(store, dead_server, EXPERIMENT, "panx", key, parent)
    assert len(caplog.records) == 1
    command = f"harness sync --results {store.root} --uri {dead_server} --experiment {EXPERIMENT}"
    assert f"`{command}` fills the gap" in caplog.text
    assert tracking.catch_up(store, dead_server) == tracking.Synced(written=0, unchanged=2)


def test_a_sweep_that_never_reached_its_server_is_there_after_a_replay_its_jobs_below_it(store, uri, monkeypatch):
    fill(store, "p1")
    with monkeypatch.context() as patch:
        for module in (job_runs, sweep_runs):
            patch.setattr(module, "opened", lambda *_: (_ for _ in ()).throw(OSError("down")))
        with tracking.sweep(store, uri, EXPERIMENT, "a sweep", {}, "") as parent:
            for key in ("p0", "p1", "p0"):
                tracking.log_job(store, uri, EXPERIMENT, "panx", key, parent)
    assert tracking.sync(store, uri, EXPERIMENT) == tracking.Synced(written=2, unchanged=0)
    (sweep,) = runs(uri, "sweep")
    assert sweep.info.status == "FINISHED"
    assert {run.data.tags[tracking.PARENT] for run in runs(uri)} == {sweep.info.run_id}
    assert not notes(store)


def test_what_one_server_has_missed_stays_missed_when_another_gets_it(store, uri, dead_server, monkeypatch):
    """Nor does another experiment of the same server have it."""
    with tracking.sweep(store, dead_server.replace("://", "://me:pass@"), EXPERIMENT, "a sweep", {}, "") as parent:
        tracking.log_job(store, dead_server, EXPERIMENT, "panx", "p0", parent)
    missed_there = notes(store)
    assert sorted(name.rpartition(".")[2] for name in missed_there) == ["job", "sweep"]
    assert tracking.sync(store, uri, EXPERIMENT) == tracking.Synced(written=1, unchanged=0)
    assert not runs(uri, "sweep")
    with monkeypatch.context() as patch:
        patch.setattr(job_runs, "opened", lambda *_: (_ for _ in ()).throw(OSError("down")))
        tracking.log_job(store, uri, EXPERIMENT, "panx", "p0", None)
        patch.chdir(store.root.parent)
        tracking.log_job(store, f"sqlite:///{store.root.name}/mlflow.db", EXPERIMENT, "panx", "p0", None)
    assert len(notes(store)) == len(missed_there) + 1  # a database by any path is the same
    tracking.sync(store, uri, "another")
    assert len(notes(store)) == len(missed_there) + 1
    tracking.sync(store, uri, EXPERIMENT)
    assert notes(store) == missed_there
    spelled_otherwise = dead_server.replace("://", "://you:other@") + "/"
    assert tracking.catch_up(store, spelled_otherwise) == tracking.Synced(written=0, unchanged=1)


def test_no_job_waits_longer_than_its_patience_for_a_server_that_never_answers(store, monkeypatch, caplog):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")
    monkeypatch.setattr(patience, "PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        deaf_uri = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        tracking.log_job(store, deaf_uri, EXPERIMENT, "panx", "p0", None)  # would take a minute if it were waited for
        assert "no answer in 0.5 s" in caplog.text
        (late,) = [one.late for one in patience._outages.values()]
        assert late.is_alive()
        monkeypatch.setattr(patience, "QUIET", 0.0)
        tracking.log_job(store, deaf_uri, EXPERIMENT, "panx", "p0", None)
        assert patience._outages[deaf_uri].late is late  # as long as it is not answered, nothing more is asked
    late.join(10)  # the address is closed: the connection is reset
    assert kept(store) == ["p0"]


def test_a_server_that_is_down_is_asked_again_ever_more_rarely(monkeypatch, caplog):
    clock = [1000.0]
    monkeypatch.setattr(patience.time, "monotonic", lambda: clock[0])
    asked = []

    def work():
        asked.append(clock[0] - 1000)
        raise OSError("connection refused")

    with caplog.at_level(logging.INFO, "harness"):
        for second in range(0, 3000, 10):
            clock[0] = 1000.0 + second
            patience.attempt("http://server", work)
    assert asked == [0, 30, 90, 210, 450, 930, 1530, 2130, 2730]
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_one_warning_an_outage_and_one_line_when_it_is_over(monkeypatch, caplog):
    monkeypatch.setattr(patience, "QUIET", 0.0)
    answers = iter([OSError("down"), OSError("down"), 1, 2, OSError("down"), 3])

    def work():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with caplog.at_level(logging.INFO, "harness"):
        found = [patience.attempt("http://server", work) for _ in range(6)]
    assert found == [None, None, 1, 2, None, 3]
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO", "WARNING", "INFO"]


def test_one_run_that_a_server_refuses_is_no_outage(store, uri, monkeypatch, caplog):
    from mlflow.exceptions import RestException

    fill(store, "p1", "p2")
    whole = job_runs._copy

    def choosy(client, run_id, files, job):
        if job.predict_key == "p1":
            raise RestException({"error_code": "INVALID_PARAMETER_VALUE", "message": "too large"})
        whole(client, run_id, files, job)

    monkeypatch.setattr(job_runs, "_copy", choosy)
    for key in ("p0", "p1", "p2"):
        tracking.log_job(store, uri, EXPERIMENT, "panx", key, None)
    assert kept(store) == ["p1"]
    assert "too large" in caplog.text
    with pytest.raises(HarnessError, match=r"refused 1 runs, such as panx p1: .*too large"):
        tracking.sync(store, uri, EXPERIMENT)
    assert {run.info.status for run in runs(uri)} == {"FINISHED", "RUNNING"}


def test_a_request_that_was_carried_out_unanswered_leaves_one_run_and_each_value_once(store, uri, monkeypatch):
    """Every request in turn is carried out and then fails; the next attempt goes on from there."""
    from mlflow import MlflowClient

    monkeypatch.setattr(patience, "QUIET", 0.0)
    store.write_job(job(curves=job().curves[:10]))
    calls = ("create_run", "log_batch", "log_inputs", "log_artifacts", "set_terminated", "set_tag")
    for name in calls:
        with monkeypatch.context() as patch:
            patch.setattr(MlflowClient, name, unanswered(getattr(MlflowClient, name)))
            tracking.log_job(store, uri, EXPERIMENT, "panx", "p0", None)
    assert tracking.sync(store, uri, EXPERIMENT) == tracking.Synced(written=0, unchanged=1)
    (run,) = runs(uri)
    client = MlflowClient(uri)
    histories = {name: client.get_metric_history(run.info.run_id, name) for name in run.data.metrics}
    assert {len(history) for name, history in histories.items() if name != "train/loss"} == {1}
    assert len(histories["train/loss"]) == 10


def unanswered(call):
    def called(*arguments, **named):
        call(*arguments, **named)
        raise OSError("timed out")

    return called


def test_of_two_runs_of_one_job_the_older_is_kept(store, uri):
    from mlflow import MlflowClient

    tracking.sync(store, uri, EXPERIMENT)
    (run,) = runs(uri)
    client = MlflowClient(uri)
    client.create_run(run.info.experiment_id, run.info.start_time + 1, tags={tracking.KEY: "p0", "harness.kind": "job"})
    assert tracking.sync(store, uri, EXPERIMENT) == tracking.Synced(written=1, unchanged=0)
    assert [one.info.run_id for one in runs(uri)] == [run.info.run_id]
    assert tracking.sync(store, uri, EXPERIMENT) == tracking.Synced(written=0, unchanged=1)


def test_what_jobs_missed_is_written_at_the_end_of_the_sweep_below_it(store, uri, monkeypatch):
    fill(store, "p1", "p2")
    with tracking.sweep(store, uri, EXPERIMENT, "a sweep", {}, "") as parent:
        tracking.log_job(store, uri, EXPERIMENT, "panx", "p0", parent)
        with monkeypatch.context() as patch:
            patch.setattr(job_runs, "opened", lambda *_: (_ for _ in ()).throw(OSError("down")))
            for key in ("p1", "p2"):
                tracking.log_job(store, uri, EXPERIMENT, "panx", key, parent)
    assert kept(store) == ["p1", "p2"]
    assert tracking.catch_up(store, uri) == tracking.Synced(written=2, unchanged=0)
    assert not notes(store)
    assert len({run.data.tags[tracking.PARENT] for run in runs(uri)}) == 1
    assert tracking.catch_up(store, uri) == tracking.Synced(written=0, unchanged=0)


def test_the_run_of_a_sweep_that_was_killed_ends_with_the_next_replay(store, uri):
    with tracking.sweep(store, uri, EXPERIMENT, "a sweep", {}, "seed: 1"):
        (note,) = missed.sweep_notes(store)
        tracking.sync(store, uri, EXPERIMENT)
        assert [run.info.status for run in runs(uri, "sweep")] == ["RUNNING"]  # its process is alive
    missed.leave(store, note)  # what a process that dies leaves behind
    tracking.sync(store, uri, EXPERIMENT)
    (run,) = runs(uri, "sweep")
    assert (run.info.status, artifacts(uri, run)) == ("KILLED", ["config.yaml"])
    assert not notes(store)


def test_a_replay_into_a_dead_server_is_an_error_in_one_plain_line(store, dead_server):
    with pytest.raises(HarnessError) as told:
        tracking.sync(store, dead_server, EXPERIMENT)
    assert str(told.value) == f"tracking at {dead_server} failed: nobody listens there: is the server up?"


def why(uri):
    with pytest.raises(Exception, match=r".") as told:  # whatever MLflow raises
        tracking.connected(uri).get_experiment_by_name("x")
    return words(told.value)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (200, "what answers there is no MLflow server"),
        (401, "does not accept this user and password"),
        (403, "lets nobody of this user or host in"),
        (404, "what answers there is no MLflow server"),
        (500, r"an error of its own \(500\)"),
        (503, r"an error of its own \(503\)"),
    ],
)
def test_what_a_server_answers_is_said_in_plain_words(status, said):
    with answering(status) as uri:
        assert re.search(said, why(uri))
        assert "API request" not in why(uri)


def test_why_nobody_answers_is_said_in_plain_words(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        assert why(f"http://127.0.0.1:{deaf.getsockname()[1]}") == "no answer in time: is the server well?"
    with answering(200) as uri:
        assert why(uri.replace("http:", "https:")).startswith("no TLS there")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: (_ for _ in ()).throw(socket.gaierror(-2, "unknown")))
    assert why("http://no-such-host.invalid:5000").startswith("no machine has that name")


def test_a_replay_of_nothing_makes_nothing(harness, tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("nowhere", "empty"):
        assert "no store there yet" in harness("sync", "--results", name, code=2).stderr
    assert [path.name for path in tmp_path.rglob("*")] == ["empty"]


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
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(EXPERIMENT).experiment_id
    sweeps = [
        client.create_run(experiment, moment, tags={"harness.kind": "sweep"}, run_name=name).info.run_id
        for moment, name in enumerate(("older", "newer", "of another job"), start=1)
    ]
    for sweep, key in zip(sweeps, ("p0", "p0", "p1"), strict=True):
        client.create_run(experiment, tags={tracking.PARENT: sweep, tracking.KEY: key})
    assert tracking.log_report(uri, EXPERIMENT, {"p0", "px"}, tmp_path / "report")
    found = [[one.path for one in client.list_artifacts(sweep, "report/task")] for sweep in sweeps]
    assert found == [[], ["report/task/a.html"], []]
