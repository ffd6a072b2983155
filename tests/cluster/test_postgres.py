"""A shared MLflow server on PostgreSQL: many writers, and a server or a database that dies, hangs and comes back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from urllib.parse import quote

import pytest

from harness import tracked, tracking
from harness.storage.store import Store
from harness.tracking import patience
from tests.cluster.postgres import PASSWORD, programs, running, wait_for
from tests.conftest import ROOT
from tests.tracked_jobs import cell, fill

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed: apt-get install postgresql"),
]

CURVE = [{"name": "loss", "step": step, "value": 1 / (step + 1)} for step in range(100)]


@pytest.fixture(scope="module")
def server():
    pytest.importorskip("psycopg2", reason="pip install '.[postgres]'")
    with running() as one:
        yield one


@pytest.fixture
def experiment(request):
    return request.node.name


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """As long as a test does not say otherwise, slow is well: this machine may be at something else, too."""
    monkeypatch.setattr(patience, "_outages", {})
    monkeypatch.setattr(patience, "PATIENCE", 120.0)
    monkeypatch.setattr(patience, "QUIET", 0.0)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "120")


def jobs(root, count, score=0.0):
    """A store of as many jobs, each with a score of its own."""
    store = Store(root)
    keys = [f"p{number}" for number in range(count)]
    for number, key in enumerate(keys):
        fill(store, key, curves=CURVE)
        store.write_cell(cell(score + number / 100, predict_key=key), store.examples("panx", key, "deu"))
    return store, keys


def start(store, server, experiment, shares, **environment):
    words = [str(store.root), server.uri, experiment, json.dumps(shares)]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.cluster.writers", *words],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def runs(server, experiment):
    client = tracking.connected(server.uri)
    number = client.get_experiment_by_name(experiment).experiment_id
    return client.search_runs([number])


def assert_all_there(server, experiment, store):
    """Every job of the store is one finished run with the store's numbers, each of them once."""
    found = {run.data.tags[tracking.KEY]: run for run in runs(server, experiment)}
    assert len(runs(server, experiment)) == len(found)
    assert sorted(found) == sorted(key for _, key in store.jobs())
    for task, key in store.jobs():
        record = store.read_job(task, key)
        cells = [store.read_cell(task, key, target) for target in store.targets(task, key)]
        last = {f"train/{point['name']}": point["value"] for point in record.curves}
        assert found[key].data.metrics == tracked.measurements(record, cells) | last
        assert found[key].info.status == "FINISHED"
    twice = "select count(*) from (select 1 from metrics group by run_uuid, key, step having count(*) > 1) as twice"
    assert server.database.query(twice).strip() == "0"


def assert_synced(server, experiment, store):
    """A replay writes nothing, not a byte."""
    before = server.database.dump()
    done = tracking.sync(store, server.uri, experiment)
    assert done == tracking.Synced(written=0, unchanged=len(list(store.jobs())))
    assert lines(server.database.dump()) == lines(before)


def lines(dump):
    """What a dump holds; newer programs begin and end it with a random word."""
    return [line for line in dump.splitlines() if not line.startswith("\\")]


def test_eight_processes_write_every_run_once(server, experiment, tmp_path):
    store, keys = jobs(tmp_path / "results", 8)
    shares = [keys[i::8] + keys[(i + 1) % 8 :: 8] for i in range(8)]  # every job is told by two of them
    writers = start(store, server, experiment, shares, PATIENCE="120")
    assert writers.communicate()[1] == ""
    assert_all_there(server, experiment, store)
    assert_synced(server, experiment, store)


def test_a_server_that_is_killed_in_the_middle_has_everything_when_it_is_back(server, experiment, tmp_path):
    store, keys = jobs(tmp_path / "results", 8)
    writers = start(store, server, experiment, [keys[::2], keys[1::2]], PATIENCE="60", QUIET="1")
    begun = "select count(*) from runs join experiments using (experiment_id) where experiments.name = '{}'"
    wait_for(lambda: int(server.database.query(begun.format(experiment))) >= 3, 120)
    server.kill()
    server.start()
    noise = writers.communicate()[1]
    assert noise.count("fills the gap") <= 2  # one warning a process
    tracking.catch_up(store, server.uri)  # as the end of a sweep does
    assert_all_there(server, experiment, store)
    assert_synced(server, experiment, store)


def test_a_server_that_hangs_holds_no_job_up_and_gets_what_it_missed(server, experiment, tmp_path, monkeypatch):
    store, keys = jobs(tmp_path / "results", 3)
    tracking.log_job(store, server.uri, experiment, "panx", keys[0], None)
    with monkeypatch.context() as patch:
        patch.setattr(patience, "PATIENCE", 1.0)
        server.signal(signal.SIGSTOP)
        for key in keys[1:]:
            tracking.log_job(store, server.uri, experiment, "panx", key, None)
        server.signal(signal.SIGCONT)
    tracking.catch_up(store, server.uri)
    assert_all_there(server, experiment, store)
    assert_synced(server, experiment, store)


def test_a_database_that_is_restarted_below_the_server_loses_nothing(server, experiment, tmp_path, monkeypatch):
    store, keys = jobs(tmp_path / "results", 3)
    tracking.log_job(store, server.uri, experiment, "panx", keys[0], None)
    with monkeypatch.context() as patch:
        patch.setattr(patience, "PATIENCE", 2.0)
        server.database.stop()
        tracking.log_job(store, server.uri, experiment, "panx", keys[1], None)
        server.database.start()
    for key in keys[2:]:
        tracking.log_job(store, server.uri, experiment, "panx", key, None)
    tracking.catch_up(store, server.uri)
    assert_all_there(server, experiment, store)
    assert_synced(server, experiment, store)


def test_a_changed_record_replaces_its_numbers_and_a_second_store_adds_its_own(server, experiment, tmp_path):
    store, keys = jobs(tmp_path / "results", 2, score=0.5)
    assert tracking.sync(store, server.uri, experiment).written == 2
    store.write_cell(cell(0.25, predict_key=keys[0]), store.examples("panx", keys[0], "deu"))
    other = Store(tmp_path / "other")
    fill(other, "q0", curves=CURVE)
    assert tracking.sync(other, server.uri, experiment) == tracking.Synced(written=1, unchanged=0)
    assert tracking.sync(store, server.uri, experiment) == tracking.Synced(written=1, unchanged=1)
    (changed,) = [run for run in runs(server, experiment) if run.data.tags[tracking.KEY] == keys[0]]
    assert changed.data.metrics["panx/span_f1/deu"] == 0.25
    assert_synced(server, experiment, store)
    assert_synced(server, experiment, other)


def test_no_password_is_in_the_database_the_artifacts_or_the_results(server, harness, tmp_path):
    """The server asks for none, the database does; both are told theirs in the URI."""
    words = ("run", "-m", "task=mini_ner", "model=majority", "source=eng", "target=eng,deu", "analysis=none")
    hidden = quote(PASSWORD, safe="")
    http = server.uri.replace("://", f"://somebody:{hidden}@")
    direct = server.database.uri.replace("://mlflow@", f"://mlflow:{hidden}@")
    said = ""
    for name, uri in (("http", http), ("direct", direct)):
        told = (f"tracking.uri={uri}", f"tracking.experiment=secret-{name}", f"results={tmp_path}/{name}")
        done = harness(*words, *told, code=0)
        said += done.stdout + done.stderr
    assert "fills the gap" not in said
    held = server.database.dump() + said
    for path in [*tmp_path.rglob("*"), *(server.folder / "artifacts").rglob("*")]:
        held += path.read_bytes().decode("utf-8", "replace") if path.is_file() else ""
    assert held.count("tracking.uri=http://127.0.0.1") > 1
    assert "tracking.uri=postgresql+psycopg2://mlflow@127.0.0.1" in held
    assert PASSWORD not in held
    assert hidden not in held
