"""Data and results in an S3 bucket: a server on this machine, and machines with caches of their own."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.cluster
SECRET = "hunter2"
SWEEP = ("run", "-m", "task=mini_ner,mini_nli,mini_pos,own_pos", "model=majority", "source=eng", "target=eng,deu",
         "--config-dir", "conf", "analysis=none", "tracking=none")  # fmt: skip
FILES = {"eng-train": "a X\nb Y\n\n", "eng-test": "b Y\na X\n\n", "deu-test": "b Y\n\na X\n\n", "fra-test": "?"}
OWN = (
    "type: pos\nlanguages: [eng, deu, fra]\nlabels: [X, Y]\nsplits: {train: train, test: test}\nprovenance: synthetic\n"
    "files: {reader: conll, path: '{code}-{split}.txt', options: {delimiter: whitespace, word: 0, tag: 1}}\n"
    "metrics: [accuracy]\nprotocol: {epochs: 1}\n"
)


class S3:
    """A server with one bucket, which can be stopped and started, and the log of what was asked of it."""

    def __init__(self, bucket: str) -> None:
        self.bucket, self.port = bucket, 0
        self.asked: list[str] = []
        self.seen: Callable[[str], object] = self.asked.append
        self.start()

    def start(self) -> None:
        from moto.server import ThreadedMotoServer

        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=self.port)
        self.server.start()
        self.port = self.server.get_host_and_port()[1]

    @property
    def client(self) -> Any:
        import boto3

        return boto3.client("s3", endpoint_url=f"http://127.0.0.1:{self.port}", region_name="us-east-1",
                            aws_access_key_id="me", aws_secret_access_key=SECRET)  # fmt: skip

    def put(self, name: str, text: str) -> None:
        self.client.put_object(Bucket=self.bucket, Key=f"data/{name}.txt", Body=text.encode())

    def results(self) -> dict[str, str]:
        """Digests of the stored cells and tables."""
        client = self.client
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix="of/us/runs/")
        keys = [one["Key"] for page in pages for one in page.get("Contents", ()) if not one["Key"].endswith("job.json")]
        bodies = {key: client.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in keys}
        return {key.removeprefix("of/us/"): hashlib.sha256(body).hexdigest() for key, body in bodies.items()}

    def objects(self, method: str, folder: str) -> list[str]:
        """The objects below a folder that were read (GET) or written (PUT), in order."""
        return [
            name for line in self.asked for name in re.findall(rf"{method} /{self.bucket}/{folder}/(\S+) HTTP", line)
        ]


@pytest.fixture
def s3(tmp_path) -> Iterator[S3]:
    pytest.importorskip("s3fs", reason="no S3 client: pip install 'multilingual-harness[s3]'")
    pytest.importorskip("moto.server", reason="no S3 server: pip install 'multilingual-harness[cluster]'")
    one = S3(hashlib.sha256(str(tmp_path).encode()).hexdigest()[:16])

    class Noted(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            one.seen(re.sub(r"\x1b\[[\d;]*m", "", record.getMessage()))

    log = logging.getLogger("werkzeug")
    before = log.handlers, log.propagate, log.level
    log.handlers, log.propagate = [Noted()], False
    log.setLevel(logging.INFO)
    try:
        one.client.create_bucket(Bucket=one.bucket)
        for name, text in FILES.items():
            one.put(name, text)
        one.asked.clear()
        yield one
    finally:
        one.server.stop()
        log.handlers, log.propagate = before[:2]
        log.setLevel(before[2])


class Machine:
    """A folder with a cache of its own, from which the command line is started."""

    def __init__(self, folder: Path, bucket: str, port: int) -> None:
        self.folder = folder
        (folder / "conf" / "task").mkdir(parents=True)
        (folder / "conf" / "task" / "own_pos.yaml").write_text(OWN)
        mine = {name: value for name, value in os.environ.items() if not name.startswith(("HARNESS_", "AWS_", "OMP_"))}
        self.environment = mine | {
            "XDG_CACHE_HOME": str(folder / "cache"),
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "me",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_MAX_ATTEMPTS": "1",  # a server that is down is not waited for
            "AWS_EC2_METADATA_DISABLED": "true",
            "HARNESS_DATA": f"s3://{bucket}/data",
        }
        self.store = f"s3://{bucket}/of/us"

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "harness", *arguments]
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environment | environment,
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def call(self, *arguments: str, code: int = 0, **environment: str) -> tuple[str, str]:
        """What it wrote to standard output and to standard error."""
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=300)
        assert process.returncode == code, out + err
        assert SECRET not in out + err
        return out, err


@pytest.fixture
def machine(tmp_path, s3) -> Callable[[str], Machine]:
    return lambda name: Machine(tmp_path / name, s3.bucket, s3.port)


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> dict[str, str]:
    """Digests of the cells and tables of a sweep that knows no bucket."""
    machine = Machine(tmp_path_factory.mktemp("plain"), bucket="", port=0)
    data, results = machine.folder / "data", machine.folder / "results"
    data.mkdir()
    for name, text in FILES.items():
        (data / f"{name}.txt").write_text(text)
    machine.call(*SWEEP, HARNESS_DATA=str(data))
    files = [path for path in (results / "runs").rglob("[!.]*") if path.is_file() and path.name != "job.json"]
    return {str(path.relative_to(results)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_sweep_in_a_bucket_is_that_of_a_folder_and_known_to_every_machine(s3, machine, plain):
    one, two, three = map(machine, ("one", "two", "three"))
    workers = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    one.call(*SWEEP, *workers, f"results={one.store}", "tracking=mlflow")
    assert s3.results() == plain
    assert sorted(s3.objects("GET", "data")) == ["deu-test.txt", "eng-test.txt", "eng-train.txt"]  # once, and no other
    assert {path.name for path in one.folder.iterdir()} == {"conf", "cache"}
    assert len(list(one.folder.glob("cache/harness/buckets/*/mlflow.db"))) == 1

    s3.asked.clear()
    _, told = two.call(*SWEEP, f"results={two.store}")
    assert "4 jobs, 8 cells: 8 done, 0 to do" in told
    assert not s3.objects("PUT", "of/us")
    assert not [name for name in s3.objects("GET", "of/us") if name.endswith(".parquet")]

    index, _ = three.call("report", "--results", three.store, "--config-dir", "conf")
    assert Path(index.strip()).is_file()
    assert Path(index.strip()).is_relative_to(three.folder / "cache")

    s3.asked.clear()
    s3.put("deu-test", "b X\n\na Y\n\n")
    out, _ = one.call("plan", *SWEEP[1:], f"results={one.store}", "--json")
    assert {job["job"].split()[0]: job["to_do"] for job in json.loads(out)["jobs"] if job["to_do"]} == {
        "own_pos": ["deu"]
    }
    assert s3.objects("GET", "data") == ["deu-test.txt"]
    kept = [path for path in one.folder.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert not kept


def test_a_server_that_goes_down_while_results_are_sent_costs_nothing_but_the_sending(s3, machine, plain):
    one, two = machine("one"), machine("two")
    begun = threading.Event()

    def seen(line: str) -> None:
        s3.asked.append(line)
        if "PUT" in line and "/runs/" in line:
            begun.set()

    s3.seen = seen
    process = one.start(*SWEEP, f"results={one.store}")
    assert begun.wait(120)
    s3.server.stop()
    _, told = process.communicate(timeout=300)
    assert process.returncode == 1, told
    assert "jobs go on, and their results are sent later" in told
    assert "the same command sends them" in told
    assert "Traceback" not in told
    s3.start()
    assert s3.results() != plain
    _, told = one.call(*SWEEP, f"results={one.store}")
    assert "8 done, 0 to do" in told
    assert s3.results() == plain
    out, _ = two.call("scores", "--results", two.store, "--json", "--config-dir", "conf")
    assert len(json.loads(out)) == 8


def test_two_machines_at_once_have_all_of_both_halves(s3, machine, plain):
    machines = [machine("one"), machine("two")]
    halves = ["task=mini_ner,own_pos", "task=mini_nli,mini_pos"]
    running = [one.start(*SWEEP, half, f"results={one.store}") for one, half in zip(machines, halves, strict=True)]
    for process in running:
        _, told = process.communicate(timeout=300)
        assert process.returncode == 0, told
    assert s3.results() == plain
    for one in machines:
        out, _ = one.call("plan", *SWEEP[1:], f"results={one.store}", "--json")
        assert json.loads(out)["to_do"] == 0


def test_what_is_wrong_with_a_bucket_is_said_in_a_line(s3, machine, tmp_path):
    one = machine("one")
    (tmp_path / "absent").mkdir()
    (tmp_path / "absent" / "s3fs.py").write_text("raise ImportError('no s3fs')")
    scores = ("scores", "--results", one.store)
    nowhere = "s3://there-is-no-such-bucket/x"
    for arguments, environment, words in (
        (("scores", "--results", nowhere), {}, "NoSuchBucket|bucket does not exist.*Make the bucket"),
        (("run", "task=mini_ner", "model=majority", f"results={nowhere}"), {}, "bucket does not exist"),
        (("plan", "task=own_pos", "--config-dir", "conf", f"data.root={nowhere}"), {}, "bucket does not exist"),
        (scores, {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "Check the credentials"),
        (scores, {"PYTHONPATH": str(tmp_path / "absent")}, r"pip install 'multilingual-harness\[s3\]'"),
        (scores, {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}, "Does its server answer"),
        (("run", "task=mini_ner", f"results=s3://me:{SECRET}@bucket/x"), {}, "credentials have no place"),
    ):
        out, err = one.call(*arguments, code=2, **environment)
        assert re.fullmatch(rf"harness: .*({words}).*\n", err), err
        assert not out
    out, _ = one.call("doctor", "--results", nowhere, "--data", nowhere, "--json", code=1)
    found = {finding["name"]: finding for finding in json.loads(out)}
    assert (found["bucket"]["status"], found["data"]["status"]) == ("fail", "fail")
