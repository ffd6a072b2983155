"""`harness scores` tells rows apart, knows the suites of today, and says so where no cell fits."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from click.testing import CliRunner

from harness.cli import main
from harness.storage.atomic import write_whole
from harness.storage.records import to_json
from harness.storage.store import Store
from harness.sweep.options import Options, suites_of
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


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (["task=pans"], "no cell has task=pans: did you mean 'panx'?"),
        (["task=panx", "target=Swahili"], "no cell has target=swh: known: deu"),
        (["target=Germn"], "no cell has target=Germn: unknown language 'Germn': did you mean 'German (deu)'"),
        (["task=panx", "suite=mini"], "of the cells with task=panx none has suite=mini: known: xtreme, xtreme_r"),
        (["seed=7", "task=x"], "no cell has seed=7: known: 1"),
        (["suite=minni"], "no cell has suite=minni: did you mean 'mini'?"),
        (["main=False"], "no cell has main=False: known: True"),
    ],
)
@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_where_no_cell_fits_it_is_said_which_would(store, capsys, where, words, form):
    """An empty answer, and the reason where no script reads it."""
    scores(store.root, where, False, form)
    done = capsys.readouterr()
    assert words in done.err
    lines = ["", *done.out.split()]
    assert {"table": lines == [""], "csv": len(lines) == 2, "json": lines == ["", "[", "]"]}[form], done.out


def test_a_language_is_found_in_any_spelling(store, printed):
    put(store, task="panx", target="fin", sources=("eng", "deu"))
    rows = json.loads(printed("target=Finnish", "sources=en+German", form="json"))
    assert [row["target"] for row in rows] == ["fin"]


def test_a_value_among_several_that_no_cell_has_is_named(store, capsys):
    scores(store.root, ["task=panx,mini_nr"], False, "table")
    done = capsys.readouterr()
    assert "no cell has task=mini_nr: did you mean 'mini_ner'?" in done.err
    assert "panx" in done.out


def test_where_only_other_metrics_fit_the_flag_is_named(store, capsys):
    put(store, task="udpos", scores={name: {"score": 0.5, "low": 0.4, "high": 0.6} for name in ("accuracy", "span_f1")},
        main_metric="accuracy")  # fmt: skip
    scores(store.root, ["metric=span_f1", "task=udpos"], False, "table")
    done = capsys.readouterr()
    assert (done.out, "1 rows fit" in done.err, "--all-metrics" in done.err) == ("", True, True)


def test_two_forms_at_once_are_refused(store):
    done = CliRunner().invoke(main, ["scores", "--results", str(store.root), "--csv", "--json"])
    assert (done.exit_code, "not both" in done.output) == (2, True)


def test_an_empty_store_says_so(tmp_path, capsys):
    (tmp_path / "empty" / "runs").mkdir(parents=True)
    scores(tmp_path / "empty", ["suite=mini"], False, "table")
    scores(tmp_path / "empty", [], True, "json")
    done = capsys.readouterr()
    assert "there is no cell at all" in done.err
    assert "there is no cell yet" in done.err
    assert json.loads(done.out) == []


def test_an_empty_table_has_the_types_of_a_full_one(store, tmp_path):
    empty = with_suites(Store(tmp_path / "nothing").frame(), {})
    pd.testing.assert_series_equal(empty.dtypes, with_suites(store.frame(), {}).dtypes)
