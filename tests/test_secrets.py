"""No password and no token in anything that a sweep leaves behind or says."""

from __future__ import annotations

import logging
import os
import socket
import sys

import pytest

from harness.errors import HarnessError
from harness.secrets import Redacting, redacted, without_password, without_passwords
from harness.storage.records import ErrorRecord
from harness.sweep.compose import sweep

PASSWORD = "correct-horse-9"
ENVIRONMENT = {
    "HF_TOKEN": "hf_abcdefgh12345",
    "AWS_SECRET_ACCESS_KEY": "aws/secret+key/12345",
    "MLFLOW_TRACKING_TOKEN": "bearer-98765",
}
VARIABLES = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "PGPASSWORD")


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    for name in (*VARIABLES, *ENVIRONMENT):
        monkeypatch.setenv(name, "")  # so that what a test sets is undone
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("uri", "safe", "told"),
    [
        ("http://host:5000", "http://host:5000", {}),
        ("http://me@host:5000/base", "http://me@host:5000/base", {}),
        ("sqlite:///results/mlflow.db", "sqlite:///results/mlflow.db", {}),
        ("https://me:p%40ss@host/base", "https://host/base", dict(zip(VARIABLES, ("me", "p@ss"), strict=False))),
        ("http://me:p@ss@[::1]:5000", "http://[::1]:5000", dict(zip(VARIABLES, ("me", "p@ss"), strict=False))),
        ("postgresql://me:a%2Fb@host/db?x=1", "postgresql://me@host/db?x=1", {"PGPASSWORD": "a/b"}),
        ("postgresql+psycopg2://m%40e:a@h:1/db", "postgresql+psycopg2://m%40e@h:1/db", {"PGPASSWORD": "a"}),
    ],
)
def test_a_password_moves_from_the_uri_to_where_the_driver_looks_for_it(uri, safe, told):
    assert without_password(uri) == safe
    assert {name: os.environ[name] for name in VARIABLES if name in os.environ} == told
    assert without_password(safe) == safe


@pytest.mark.parametrize("uri", ["mysql+pymysql://me:correct-horse-9@host/db", "http://me:correct-horse-9/x@host:5000"])
def test_a_password_that_could_not_be_kept_apart_is_refused_without_a_word_of_it(uri):
    with pytest.raises(HarnessError) as refusal:
        without_password(uri)
    assert "correct-horse" not in str(refusal.value)


@pytest.mark.parametrize("form", ["tracking.uri={}", "+tracking.uri={}", "++tracking.uri='{}'", 'tracking.uri="{}"'])
def test_an_override_loses_its_password_and_nothing_else(form):
    given = ("-m", "task=a,b", form.format("http://me:secret@host:1"), "tracking.experiment=me:secret@x")
    assert without_passwords(given) == (
        "-m",
        "task=a,b",
        form.format("http://host:1"),
        "tracking.experiment=me:secret@x",
    )


def test_what_hydra_would_read_otherwise_in_a_uri_is_no_override(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"postgresql://me:{PASSWORD}@host/db?sslmode=require&x=1,2")
    asked = sweep(["task=mini_ner", "tracking=server"], multirun=False)
    assert asked.composed[0].config["tracking"]["uri"] == "postgresql://me@host/db?sslmode=require&x=1,2"
    assert os.environ["PGPASSWORD"] == PASSWORD


def test_texts_lose_passwords_of_uris_signatures_and_values_of_secret_variables(monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false-as-ever")
    monkeypatch.setenv("SHORT_TOKEN", "true")
    text = (
        "GET http://me:a/b@c@host:5000/x failed; s3://k:v@bucket; https://b.example/o?X-Amz-Signature=abc&y=1 "
        "Bearer hf_abcdefgh12345 aws/secret+key/12345; true and false-as-ever; mail me@host: http://host:5000"
    )
    assert redacted(text) == (
        "GET http://me:***@host:5000/x failed; s3://k:***@bucket; https://b.example/o?X-Amz-Signature=***&y=1 "
        "Bearer *** ***; true and false-as-ever; mail me@host: http://host:5000"
    )


def test_an_error_record_and_a_log_line_hold_no_secret(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", ENVIRONMENT["HF_TOKEN"])
    try:
        raise OSError(f"http://me:{PASSWORD}@host said no to {ENVIRONMENT['HF_TOKEN']}")
    except OSError as error:
        record = ErrorRecord.of(error, {})
        line = logging.LogRecord("harness", logging.ERROR, "", 0, "failed: %s", (error,), sys.exc_info())
    told = record.message + record.traceback + Redacting("%(message)s").format(line)
    assert told.count("http://me:***@host said no to ***") == 4
    assert PASSWORD not in told
    assert ENVIRONMENT["HF_TOKEN"] not in told


TASK = """
type: pos
languages: [eng, deu]
labels: [X, Y]
splits: {train: train, test: test}
files: {reader: conll, path: '{code}-{split}.txt', options: {delimiter: whitespace, word: 0, tag: 1}}
metrics: [accuracy]
protocol: {epochs: 1}
"""


def test_a_sweep_whose_tracking_uri_holds_a_password_leaves_it_nowhere(harness, tmp_path):
    """One job fails; the server refuses every connection, which drivers tell with the whole URI."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        uri = f"http://somebody:{PASSWORD}@127.0.0.1:{probe.getsockname()[1]}"
        (tmp_path / "mine" / "task").mkdir(parents=True)
        (tmp_path / "mine" / "tracking").mkdir()
        (tmp_path / "mine" / "task" / "broken.yaml").write_text(TASK)
        (tmp_path / "mine" / "tracking" / "team.yaml").write_text(f"uri: {uri}\nexperiment: e\n")
        for name in ("eng-train", "eng-test", "deu-test"):
            (tmp_path / f"{name}.txt").write_text("a X\nb Y\n\nc X\n\n")
        (tmp_path / "deu-train.txt").write_text("a X\nb Z\n\n")
        words = ["run", "-m", "--config-dir", "mine", "task=broken", "model=majority", "source=eng,deu", "target=all",
                 f"data.root={tmp_path}"]  # fmt: skip
        done = harness(*words, "tracking=team", code=1, **ENVIRONMENT)
        said = done.stdout + done.stderr
        said += harness("sync", "--uri", uri, code=2).stderr
        said += harness("run", "--cfg", "job", f"tracking.uri={uri}", code=0).stdout
    assert "uri: http://127.0.0.1" in said
    assert done.stderr.count("fills the gap") == 1
    assert "runs are missing; `harness sync --uri http://127.0.0.1" in done.stderr
    assert len(list((tmp_path / "results").rglob("error.json"))) == 1
    assert list((tmp_path / "results" / "hydra").rglob("overrides.yaml"))
    held = {"terminal": said.encode()}
    held |= {str(path): path.read_bytes() for path in (tmp_path / "results").rglob("*") if path.is_file()}
    for where, content in held.items():
        for secret in (PASSWORD, *ENVIRONMENT.values()):
            assert secret.encode() not in content, where
