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

from harness import doctor
from harness.data import hub
from harness.doctor import Status, diagnose
from harness.machine import cores, memory


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


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
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: time.sleep(30))
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
