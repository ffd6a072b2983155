"""`harness scores` tells rows apart, knows the suites of today, and says so where no cell fits."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from harness.atomic import write_whole
from harness.options import Options, suites_of
from harness.records import to_json
from harness.store import Store
from harness.tables import narrowed, scores, with_suites
from tests.conftest import cell_record


def put(store, **changes):
    record = cell_record(**changes)
    write_whole(store.folder(record.task, record.predict_key) / f"{record.target}.json", to_json(record))


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "results")
    put(store, task="mini_ner")
    put(store, task="panx")
    return store


@pytest.fixture
def printed(store, capsys):
    """What is printed of the store under some conditions."""

    def call(*where, form="table"):
        scores(store.root, where, False, form)
        return capsys.readouterr().out

    return call


def header(text):
    return text.splitlines()[0].split()


def test_the_suites_are_those_of_the_configuration(tmp_path):
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "mine.yaml").write_text("tasks: {mini_ner: null, kornli: null}")
    found = suites_of(Options(("pkg://conf", f"file://{tmp_path}")))
    assert (found["mini_ner"], found["mini_qa"], found["kornli"]) == (("mine", "mini"), ("mini",), ("mine",))
    assert found["mlqa"] == ("xglue", "xtreme", "xtreme_r")
    assert "turku" not in found


def test_a_row_is_in_every_suite_of_its_task(store):
    frame = with_suites(store.frame(), {"mini_ner": ("large", "mini")})
    assert frame.columns[0] == "suite"
    assert frame["suite"].tolist() == ["large+mini", ""]
    for condition, tasks in {
        "suite=mini": ["mini_ner"],
        "suite=large,other": ["mini_ner"],
        "suite=": ["panx"],
        "suite=large+mini": [],
        "suite=min": [],
    }.items():
        assert narrowed(frame, [condition])["task"].tolist() == tasks
    nothing = narrowed(frame, ["task=xnli", "suite=mini"])
    assert (len(nothing), list(nothing.columns)) == (0, list(frame.columns))


def test_a_cell_is_found_by_a_suite_that_it_was_not_run_for(printed):
    rows = json.loads(printed("suite=mini", form="json"))
    assert [(row["suite"], row["task"]) for row in rows] == [("mini", "mini_ner")]
    assert printed(form="csv").startswith("suite,task,")


def test_rows_of_different_amounts_do_not_look_alike(store, printed):
    assert {"shots", "size", "limit"}.isdisjoint(header(printed()))
    assert "provenance" in header(printed())
    assert "silver" in printed()
    for name in ("shots", "size", "limit"):
        put(store, task="panx", predict_key=name, **{name: 7})
        assert name in header(printed())
        (line,) = (line for line in printed(f"{name}=7").splitlines() if "panx" in line)
        assert "7" in line.split()
        assert name not in header(printed("task=mini_ner"))
    assert "<NA>" not in printed()


def test_where_no_cell_fits_the_conditions_are_said(printed, tmp_path, capsys):
    assert printed("task=panx", "target=swh,[fin]") == "no cell fits: task=panx and target=swh,[fin]\n"
    assert json.loads(printed("task=xnli", form="json")) == []
    assert header(printed("task=xnli", form="csv"))[0].startswith("suite,task,")
    (tmp_path / "empty" / "runs").mkdir(parents=True)
    scores(tmp_path / "empty", ["suite=mini"], False, "table")
    scores(tmp_path / "empty", [], True, "table")
    first, *second = capsys.readouterr().out.splitlines()
    assert first == "no cell fits: suite=mini"
    assert "holds none" in " ".join(second)


def test_an_empty_table_has_the_types_of_a_full_one(store, tmp_path):
    empty = with_suites(Store(tmp_path / "nothing").frame(), {})
    pd.testing.assert_series_equal(empty.dtypes, with_suites(store.frame(), {}).dtypes)
