"""`harness report` leaves a whole report or the one that was there, beside the records, and in MLflow."""

from __future__ import annotations

from dataclasses import replace

import pytest
from click.testing import CliRunner

from harness.cli import main
from harness.errors import HarnessError
from harness.report import report as verb
from harness.storage.store import Store
from tests.report.sample import sample
from tests.report.stores import put


@pytest.fixture
def request_(tmp_path, monkeypatch):
    """A request whose store is made up."""
    made = sample(many=4, tasks=1, models=2, sources=(), store=str(tmp_path / "results"))
    monkeypatch.setattr(verb, "gather", lambda *given, **more: made.report)
    monkeypatch.setattr(verb, "pairs", lambda report, board, task: made.pairs(board, task))
    monkeypatch.setattr(verb, "mistakes", lambda report, entry, task, *given, **more: made.mistakes(entry, task))
    monkeypatch.setattr(verb, "write_exports", lambda report, folder: folder.mkdir())
    results = tmp_path / "results"
    return verb.Request(results=[results], out=results / "report")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_report_takes_the_place_of_the_last_one(request_):
    index, _ = verb.write(request_)
    (request_.out / "stale.html").write_text("from a task that is gone")
    assert verb.write(request_)[0] == index == request_.out / "index.html"
    assert "stale.html" not in names(request_.out)
    assert names(request_.out.parent) == ["report"]


def test_what_fails_half_way_leaves_the_last_report_and_nothing_else(request_, monkeypatch):
    index, _ = verb.write(request_)
    before = index.read_bytes()

    def full(*given, **more):
        given[1].joinpath("index.html").write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(verb, "write_site", full)
    with pytest.raises(HarnessError, match=r"cannot write .*report: No space left on device"):
        verb.write(request_)
    assert index.read_bytes() == before
    assert names(request_.out.parent) == ["report"]


def test_a_folder_of_something_else_is_left_alone(request_):
    request_.out.mkdir(parents=True)
    (request_.out / "index.html").write_text("<title>my home page</title>")
    with pytest.raises(HarnessError, match="something else than a report"):
        verb.write(request_)
    assert names(request_.out) == ["index.html"]


def test_a_misspelt_folder_of_published_figures_is_told(request_, tmp_path):
    with pytest.raises(HarnessError, match="no such folder"):
        verb.write(replace(request_, published=tmp_path / "publishd"))


def test_the_report_is_logged_with_the_keys_of_its_jobs(request_, monkeypatch):
    asked = []
    monkeypatch.setattr(verb.tracking, "log_report", lambda *given: asked.append(given))
    _, report = verb.write(request_)
    verb.log(request_.out, report, "sqlite:///x.db", "grid")
    keys = {f"{seed:012x}" for seed in (0, 1, 2, 3)}
    assert asked == [("sqlite:///x.db", "grid", keys, request_.out)]


def test_the_verb_ends_with_the_path_of_the_first_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nothing = CliRunner().invoke(main, ["report"])
    assert nothing.exit_code == 2
    assert not list(tmp_path.iterdir())
    store = Store(tmp_path / "results")
    key = put(store, {"deu": 7, "eng": 9})
    put(store, {"deu": 6, "eng": 8}, model="theirs")
    done = CliRunner().invoke(main, ["report"], catch_exceptions=False)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == "results/report/index.html"
    (page,) = (tmp_path / "results" / "report" / "task").glob("*mini_nli.html")
    assert f'<a href="../../runs/mini_nli/{key}/deu.json">70.0</a>' in page.read_text(encoding="utf-8")
    assert (tmp_path / "results" / "report" / "exports" / "scores.csv").is_file()
