"""Boards of very many runs: the highest are compared one by one, the others are told of and keep their ranks."""

from pathlib import Path

import pytest

from harness.report import compared
from harness.report.site import heat
from harness.report.site.pages import write_site
from tests.report.sample import sample


@pytest.fixture
def made():
    return sample(models=5, tasks=1, many=4, sources=("eng", "deu"))


def test_the_runs_that_stand_highest_are_compared_with_all_that_are_no_runs(made, monkeypatch):
    board, runs = made.report.boards[0], made.report.runs
    assert compared.compared(board, runs) == {one.entry for one in board.standings}
    assert compared.told(board, runs) == ""
    monkeypatch.setattr(compared, "MOST", 2)
    order = [one.entry for one in board.standings]
    others = {id for id in order if id not in runs}
    assert others
    assert compared.compared(board, runs) == {*[id for id in order if id in runs][:2], *others}
    assert "the other 3 have ranks" in compared.told(board, runs)


def test_pages_say_what_they_leave_out_and_every_run_keeps_its_rank_and_its_page(made, monkeypatch, tmp_path: Path):
    monkeypatch.setattr(compared, "MOST", 2)
    monkeypatch.setattr(heat, "MOST", 1)
    write_site(made.report, tmp_path, pairs=made.pairs, mistakes=made.mistakes)
    board = made.report.boards[0]
    rest = [one.entry for one in board.standings if one.entry in made.report.runs][2:]
    overview, task = (tmp_path / "index.html").read_text(), next((tmp_path / "task").glob("demo*.html")).read_text()
    for id in rest:
        assert f"model/{id}.html" in overview
        assert f"model/{id}.html" not in task
        assert (tmp_path / "model" / f"{id}.html").is_file()
    for page in (overview, task, (tmp_path / "compare.html").read_text()):
        assert "the other 3 have ranks" in page
    heatmap = next(path for path in (tmp_path / "heatmap").glob("*.html") if path.name != "index.html")
    assert "models that stand highest; of the other 1 the downloads" in " ".join(heatmap.read_text().split())
