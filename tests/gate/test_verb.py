"""`harness check` as a person or a CI job starts it: baselines of three kinds, files, exit codes."""

from __future__ import annotations

import json
import os
from xml.etree import ElementTree as ET

import pytest
import yaml
from click.testing import CliRunner

from harness import tracking
from harness.cli import main
from harness.storage.store import Store
from tests.conftest import ROOT
from tests.gate.stores import answers, job, put


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)

    def run(*arguments, code=None):
        done = CliRunner().invoke(main, ["check", *arguments])
        if code is not None:
            assert done.exit_code == code, done.output
        return done

    return run


def test_write_a_lock_pass_it_fail_it(store, call, tmp_path):
    said = call("--baseline", "b.json", "--update", "--suite", "mini", code=0).output
    assert "2 numbers promised (2 new, 0 changed, 0 gone)" in said
    assert "PASSED against b (mini)" in call("--baseline", "b.json", code=0).output
    put(store, answers(100))
    done = call("--baseline", "b.json", code=1)
    assert "mini_nli in German fell 80.0 -> 25.0" in done.output
    assert "no longer" not in call("--baseline", "b.json", "--update", code=0).output
    call("--baseline", "b.json", code=0)


def test_what_an_update_no_longer_promises_is_said(store, call):
    call("--baseline", "b.json", "--update", "--suite", "mini", code=0)
    (store.folder("mini_nli", "p0") / "swh.json").unlink()
    assert "no longer promised: mini_nli tiny" in call("--baseline", "b.json", "--update", code=0).output


def test_a_results_folder_is_a_baseline(store, call, tmp_path):
    other = Store(tmp_path / "other")
    put(other, answers(300))
    put(other, answers(240), "swh")
    job(other, put(other, answers(300)), trained=False)
    done = call("--baseline", "results", "--results", "other", "--json", code=1)
    content = json.loads(done.output)
    assert content["policy"] == "default"
    assert {cell["target"]: cell["outcome"] for cell in content["cells"]} == {"deu": "regressed", "swh": "passed"}


def test_an_mlflow_run_is_a_baseline_and_so_is_a_sweep(store, call, tmp_path):
    for target in ("deu", "swh"):
        record = store.read_cell("mini_nli", "p0", target)
    job(store, record, trained=False)
    uri = f"sqlite:///{tmp_path}/tracks.db"
    with tracking.sweep(store, uri, "harness", "nightly", {}, "") as parent:
        tracking.log_job(store, uri, "harness", "mini_nli", "p0", parent)
    (sweep,) = tracking.connected(uri).search_runs(["1"], "attributes.run_name = 'nightly'")
    (tmp_path / "mine" / "tracking").mkdir(parents=True)
    (tmp_path / "mine" / "tracking" / "mlflow.yaml").write_text(f"uri: {uri}\nexperiment: harness\n")
    for name in ("nightly", "p0"):
        said = call("--baseline", f"mlflow:{name}", "--config-dir", "mine", code=0).output
        assert f"PASSED against mlflow:{name}: 2 passed (2 of them unchanged)" in said
    put(store, answers(100))
    assert "80.0 -> 25.0" in call("--baseline", f"mlflow:{sweep.info.run_id}", "--config-dir", "mine", code=1).output
    assert "no run of that id, name or key" in call("--baseline", "mlflow:x", "--config-dir", "mine", code=2).output


def test_files_are_written_for_whoever_asks(store, lock, call, tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    (tmp_path / "summary.md").write_text("before\n")
    put(store, answers(100))
    call("--baseline", "mini.json", "--markdown", "out/c.md", "--junit", "out/j.xml", code=1)
    comment = (tmp_path / "out" / "c.md").read_text()
    assert comment.startswith("<!-- harness check: mini -->")
    assert (tmp_path / "summary.md").read_text() == "before\n" + comment
    assert ET.parse(tmp_path / "out" / "j.xml").getroot().findall(".//failure")


def test_nothing_compared_and_other_data_exit_with_3(store, lock, call, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "nothing was compared" in call("--baseline", "mini.json", "--results", "empty", code=3).output
    put(store, answers(320), data="cd" * 32)
    assert "the evaluation data is another" in call("--baseline", "mini.json", code=3).output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--baseline", "nothing.json"), "nothing.json: no baseline can be read"),
        (("--baseline", "empty"), "no results folder"),
        (("--baseline", "results"), "compared with itself"),
        (("--baseline", "mini.json", "--results", "nowhere"), "--results nowhere: there is no such folder"),
        (("--baseline", "mlflow:abc"), "mlflow.db does not exist"),
        (("--baseline", "mini.json", "--policy", "p.yaml"), "unknown language 'swahilli': did you mean 'Swahili"),
        (("--baseline", "mini.json", "--policy", "defalt"), "did you mean 'default'"),
        (("--baseline", "new.json", "--update"), "say whose cells it shall hold, with --suite"),
        (("--baseline", "results", "--update"), "--update writes a lock file"),
        (("--baseline", "p.json", "--update", "--suite", "mini"), "p.json is no baseline"),
        ((), "--baseline"),
        (("--baseline", "mini.json", "--suite", "mini"), "--suite is for --update"),
        (("--baseline", "mini.json", "--update", "--junit", "j.xml"), "compares nothing"),
    ],
)
def test_what_is_asked_wrongly_exits_with_2_and_changes_nothing(lock, call, tmp_path, arguments, words):
    (tmp_path / "empty").mkdir()
    (tmp_path / "p.yaml").write_text("rules: [{language: swahilli, tolerance: 0.1}]")
    (tmp_path / "p.json").write_text('{"mine": 1}')
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    done = call(*arguments, code=2)
    assert words in done.output
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_the_workflow_in_the_docs_uses_options_that_there_are():
    workflow = yaml.safe_load((ROOT / "docs" / "github-actions.yml").read_text())
    steps = {step.get("name"): step for step in workflow["jobs"]["check"]["steps"]}
    program, verb, *options = steps["check"]["run"].split()
    assert (program, main.commands[verb].name) == ("harness", "check")
    known = {name for option in main.commands["check"].params for name in option.opts}
    assert {option for option in options if option.startswith("--")} <= known
    assert "split('\\n', 1)[0]" in steps["comment"]["with"]["script"], "the marker is the comment's first line"


def test_the_gate_imports_no_torch_and_no_mlflow(store, lock, tmp_path):
    import subprocess
    import sys

    code = (
        "import sys; from harness.cli import main\n"
        "try: main(['check', '--baseline', 'mini.json'])\n"
        "except SystemExit as done: assert not done.code, done.code\n"
        "assert not {'torch', 'mlflow', 'transformers'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
