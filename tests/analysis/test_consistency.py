"""The consistency of searches, from the store to the table."""

from __future__ import annotations

import pytest

from harness.analysis.request import Request
from harness.analyze import analyze
from harness.retrieval.consistency import of_job
from harness.runner import run
from harness.sweep.compose import sweep
from harness.sweep.plan import plan


def stored(folder, *more):
    asked = ["model=lexical", "source=eng,deu", "target=all", "tracking=none", f"results={folder}", *more]
    found = plan(sweep(asked, multirun=True))
    for one in found.jobs:
        assert run(one.job, found.setting).status == "done"
    return found


def test_a_search_in_parallel_languages_has_a_row_a_job(tmp_path):
    found = stored(tmp_path, "task=mini_retrieval")
    report = analyze(Request(results=tmp_path, out=tmp_path / "out", only=["consistency"]))
    assert report.failed == {}
    (result,) = report.results
    table = result.tables["consistency"].set_index("source")
    for one in found.jobs:
        right = of_job(found.setting.store, one.job.task, one.predict_key)
        row = table.loc[one.job.sources[0]]
        assert (row["rank_variance"], row["low"], row["high"]) == (right.variance, right.low, right.high)
        assert (row["queries"], row["languages"]) == (right.queries, len(one.job.targets))
    mean = result.metrics["consistency.mini_retrieval.lexical.rank_variance"]
    assert mean == pytest.approx(table["rank_variance"].mean())
    assert result.tables["language_bias"].empty


def test_what_predicts_has_none(tmp_path):
    stored(tmp_path, "task=mini_pos", "train.epochs=1", "target=deu,fin")
    report = analyze(Request(results=tmp_path, out=tmp_path / "out", only=["consistency"]))
    assert report.results == ()
    assert "consistency: no search whose languages share their queries; skipped" in report.notes
