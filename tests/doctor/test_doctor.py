"""The doctor finds the faults it is shown, and says how to mend each."""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import shutil
import socket
import sqlite3
import time
from dataclasses import asdict

import pytest
from click.testing import CliRunner

from harness.cli import main
from harness.data import hub
from harness.doctor import cluster as doctor_cluster
from harness.doctor import here as doctor
from harness.doctor.finding import Finding, Status, asked
from harness.doctor.here import diagnose
from harness.machine import cores, memory
from tests.answering import answering


@pytest.fixture(autouse=True)
def quiet(monkeypatch, tmp_path):
    """Nothing of this machine's own is asked; programs are those that a test makes."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", f"{tmp_path}/token")
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def online(monkeypatch):
    for variable in hub.OFFLINE:
        monkeypatch.delenv(variable, raising=False)
    hub.online.cache_clear()
    yield
    hub.online.cache_clear()


def find(name, results, data=None, **options):
    return next(finding for finding in diagnose(results, data, **options) if finding.name == name)


def test_a_healthy_folder_is_ok_and_left_as_it_was(tmp_path):
    results = tmp_path / "not" / "yet"
    assert find("results", results).status is Status.OK
    assert find("locks", results).status is Status.OK
    assert not list(tmp_path.iterdir())


def test_findings_are_json_and_every_fault_has_a_mend(tmp_path):
    (tmp_path / "results").touch()
    findings = diagnose(tmp_path / "results", tmp_path / "missing", workers=10_000)
    assert json.loads(json.dumps([asdict(finding) for finding in findings]))
    assert all(finding.mend for finding in findings if finding.status is not Status.OK)
    status = {finding.name: finding.status for finding in findings}
    assert status["results"] is Status.FAIL
    assert status["data"] is Status.FAIL
    assert status["cores"] is Status.WARN


def test_a_file_system_without_locks_fails(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert find("locks", tmp_path).status is Status.FAIL


def test_locks_that_do_not_exclude_fail(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    assert find("locks", tmp_path).status is Status.FAIL


def test_a_nearly_full_disk_warns(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 99, 1))
    assert find("disk", tmp_path).status is Status.WARN


@pytest.mark.parametrize(("policy", "dynamic", "status"), [("passive", "false", "ok"), ("ACTIVE", "FALSE", "warn")])
def test_thread_settings_are_looked_at(tmp_path, monkeypatch, policy, dynamic, status):
    monkeypatch.setenv("OMP_WAIT_POLICY", policy)
    monkeypatch.setenv("OMP_DYNAMIC", dynamic)
    assert find("threads", tmp_path).status == status


def test_a_network_that_never_answers_costs_no_more_than_its_patience(tmp_path, online, monkeypatch):
    monkeypatch.setattr(hub, "PATIENCE", 0.05)
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: time.sleep(30) or io.BytesIO())
    found = find("network", tmp_path)
    assert found.status is Status.WARN
    assert "HF_HUB_OFFLINE=1" in found.mend


def test_the_network_is_asked_as_the_loader_asks_it(tmp_path, online, monkeypatch):
    asked = []
    monkeypatch.setenv("HF_ENDPOINT", "http://mirror.example:8080")
    monkeypatch.setattr(hub, "getproxies", lambda: {"http": "http://proxy.example:3128"})
    monkeypatch.setattr(socket, "create_connection", lambda at, **_: asked.append(at) or io.BytesIO())
    assert find("network", tmp_path).detail == "mirror.example answers"
    assert asked == [("proxy.example", 3128)]


def test_every_variable_that_says_offline_is_named(tmp_path, online, monkeypatch):
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    assert find("network", tmp_path).detail.startswith("offline by HF_DATASETS_OFFLINE")


def test_data_folders_are_named(tmp_path):
    (tmp_path / "data" / "panx").mkdir(parents=True)
    assert find("data", tmp_path, tmp_path / "data").detail.endswith("panx")
    assert find("data", tmp_path).status is Status.WARN


def test_the_tracking_database_is_opened(tmp_path):
    assert find("tracking", tmp_path).status is Status.OK
    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        connection.execute("CREATE TABLE runs (run_uuid TEXT)")
    assert find("tracking", tmp_path).detail.endswith("0 runs")
    (tmp_path / "mlflow.db").write_text("this is no database, however long it is" * 100)
    assert find("tracking", tmp_path).status is Status.FAIL


def test_what_of_a_cluster_is_absent_is_no_fault(monkeypatch):
    monkeypatch.setattr(doctor_cluster, "find_spec", lambda _: None)
    found = [ask() for ask in (doctor_cluster.slurm, doctor_cluster.ray, doctor_cluster.server, doctor_cluster.s3)]
    assert {finding.status for finding in found} == {Status.OK}
    assert "pip install 'multilingual-harness[ray]'" in found[1].detail
    assert "pip install 'multilingual-harness[s3]'" in found[3].detail


CONFIG = "MaxArraySize            = 1001\nPreemptMode             = REQUEUE\nPreemptType = preempt/partition_prio"
PARTITIONS = "main*|up|2/1/0/3\nnight|down|0/9/1/10"


@pytest.fixture
def slurm(tmp_path):
    """Slurm's programs, each of which runs a line of shell."""
    (tmp_path / "bin").mkdir()

    def install(**lines):
        for name in ("sbatch", *lines):
            path = tmp_path / "bin" / name
            path.write_text(f"#!/bin/sh\n{lines.get(name, '')}\n")
            path.chmod(0o755)
        return doctor_cluster.slurm()

    return install


def said(text):
    return f"echo '{text}'"


def test_a_slurm_that_takes_sweeps_says_where_and_how_many(slurm):
    pytest.importorskip("submitit")
    found = slurm(scontrol=said(CONFIG), sinfo=said(PARTITIONS))
    assert found.status is Status.OK
    assert found.detail == (
        "partitions main* up (1 of 3 nodes idle), night down (9 of 10 nodes idle); "
        "arrays of 1001 tasks at most; preemption: requeue"
    )
    many = "\n".join(f"p{i}|up|0/1/0/1" for i in range(12))
    assert "p3 up (1 of 1 nodes idle), 8 more; arrays" in slurm(sinfo=said(many)).detail


def test_a_slurm_that_takes_none_warns_and_says_what_to_do(slurm, monkeypatch):
    pytest.importorskip("submitit")
    dead = slurm(scontrol="echo 'Unable to contact slurm controller (connect failure)' >&2; exit 1")
    assert dead.status is Status.WARN
    assert "no controller answers (Unable to contact slurm controller (connect failure))" in dead.detail
    down = slurm(scontrol=said(CONFIG), sinfo=said(PARTITIONS.replace("|up|", "|drain|")))
    assert (down.status, down.mend.partition(":")[0]) == (Status.WARN, "No partition is up")
    monkeypatch.setattr(doctor_cluster, "PATIENCE", 0.2)
    assert "no answer in 0.2 s" in slurm(scontrol="while :; do :; done").detail
    monkeypatch.setattr(doctor_cluster, "PATIENCE", 5)
    monkeypatch.setattr(doctor_cluster, "find_spec", lambda _: None)
    assert slurm(scontrol=said(CONFIG), sinfo=said(PARTITIONS)).mend == "pip install 'multilingual-harness[slurm]'"


def test_a_ray_that_does_not_answer_warns_and_a_token_is_told_of(tmp_path, monkeypatch):
    pytest.importorskip("ray")
    assert doctor_cluster.ray().detail.endswith("a Ray of its own on this machine")
    (tmp_path / "token").touch()
    assert "set RAY_AUTH_MODE=token" in doctor_cluster.ray().detail
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{probe.getsockname()[1]}")
        found = doctor_cluster.ray()
    assert found.status is Status.WARN
    assert "nobody listens there" in found.detail
    assert "RAY_AUTH_MODE=token" in found.mend
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    assert "RAY_AUTH_MODE" not in doctor_cluster.ray().mend


def test_a_tracking_server_says_its_version_and_whom_it_accepts(monkeypatch):
    with answering(200, {"/api/": b'{"experiments": []}', "/version": b"9.8.7"}) as uri:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri.replace("://", "://ada:horse-battery@"))
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "")  # so that what is set is undone
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "")
        found = doctor_cluster.server()
    assert found.status is Status.OK
    assert "MLflow 9.8.7 answers, and accepts ada" in found.detail
    assert "horse-battery" not in str(found)


@pytest.mark.parametrize(("status", "words"), [(401, "does not accept this user"), (503, "error of its own (503)")])
def test_a_tracking_server_that_refuses_warns(monkeypatch, status, words):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "horse-battery")
    with answering(status, {"/version": b"9.8.7"}) as uri:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        found = doctor_cluster.server()
    assert (found.status, words in found.detail) == (Status.WARN, True)
    assert "harness sync" in found.mend
    assert "horse-battery" not in str(found)


def test_a_tracking_database_is_asked_without_being_changed(monkeypatch, tmp_path):
    pytest.importorskip("psycopg2")
    monkeypatch.setenv("PGPASSWORD", "")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{probe.getsockname()[1]}/mlflow"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"postgresql+psycopg2://me:horse-battery@{where}")
        found = doctor_cluster.server()
    assert (found.status, "onnection refused" in found.detail) == (Status.WARN, True)
    assert "horse-battery" not in str(found)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/none.db")
    assert doctor_cluster.server().status is Status.OK
    assert not (tmp_path / "none.db").exists()


def test_who_never_answers_is_not_waited_for_and_hides_no_other(monkeypatch, tmp_path):
    from harness.doctor import finding

    monkeypatch.setattr(finding, "REACH", 0.3)
    for name in ("slurm", "server", "_network"):
        monkeypatch.setattr(doctor, name, lambda: time.sleep(30))
    found = {one.name: one for one in diagnose(tmp_path, None)}
    for name in ("slurm", "server", "network"):
        assert (found[name].status, found[name].detail) == (Status.WARN, "no answer within 0.3 s")
        assert found[name].mend
    assert found["data"].detail.startswith("no data root")


def test_a_checkout_compares_versions_with_its_own_constraints():
    assert not [one for one in doctor._packages(doctor.CONSTRAINTS) if "not compared" in one.detail]


def test_versions_are_compared_with_the_constraints(tmp_path, monkeypatch):
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("# tested\nnumpy==0.0.1\nno-such-package-anywhere==1.0\n")
    monkeypatch.setattr(doctor, "CONSTRAINTS", constraints)
    monkeypatch.setattr(doctor, "_requirements", lambda: ["no-such-package-anywhere>=1"])
    assert find("numpy", tmp_path).status is Status.WARN
    assert find("no-such-package-anywhere", tmp_path).status is Status.FAIL


def group(root, path, **limits):
    (root / path).mkdir(parents=True, exist_ok=True)
    for name, value in limits.items():
        (root / path / name.replace("__", ".")).write_text(f"{value}\n")


def test_the_tightest_quota_of_version_2_counts(tmp_path):
    membership = tmp_path / "self"
    membership.write_text("0::/job/step\n")
    group(tmp_path, "job/step", cpu__max="max 100000", memory__max="max")
    assert cores(tmp_path, membership) == len(os.sched_getaffinity(0))
    group(tmp_path, "job", cpu__max="150000 100000", memory__max=1_000_000)
    assert cores(tmp_path, membership) == 1
    assert memory(tmp_path, membership) == 1_000_000
    group(tmp_path, "job/step", cpu__max="50000 100000")
    assert cores(tmp_path, membership) == 1


def test_quotas_of_version_1_count(tmp_path):
    membership = tmp_path / "self"
    membership.write_text("4:memory:/of/the/host\n3:cpu,cpuacct:/job\n0::/\n")
    group(tmp_path, "cpu/job", cpu__cfs_quota_us=-1, cpu__cfs_period_us=100_000)
    group(tmp_path, "memory", memory__limit_in_bytes=2_000_000)
    assert cores(tmp_path, membership) == len(os.sched_getaffinity(0))
    assert memory(tmp_path, membership) == 2_000_000
    group(tmp_path, "cpu/job", cpu__cfs_quota_us=100_000)
    assert cores(tmp_path, membership) == 1


def test_without_control_groups_the_affinity_counts(tmp_path):
    assert cores(tmp_path, tmp_path / "missing") == len(os.sched_getaffinity(0))


def test_a_question_that_fails_is_told_as_it_is_and_hides_no_other():
    def fails() -> Finding:
        raise PermissionError("no entry")

    good = Finding("good", Status.OK, "well")
    bad, other = asked({"bad": fails, "good": lambda: good})
    assert (bad.status, bad.detail) == (Status.WARN, "PermissionError: no entry")
    assert other == good


def test_brackets_of_what_is_found_are_printed(monkeypatch, tmp_path):
    mend = "pip install 'multilingual-harness[s3]'"
    monkeypatch.setattr(doctor, "diagnose", lambda *_: [Finding("s3", Status.WARN, "[red]", mend)])
    said = CliRunner().invoke(main, ["doctor", "--results", str(tmp_path)]).output
    assert mend in said
    assert "[red]" in said
