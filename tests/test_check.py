"""The gate fails what got worse, refuses what cannot be compared, and passes the rest."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from harness.check import Baseline, Outcome, compare, judge, read_baseline, update, write_baseline
from harness.errors import HarnessError
from harness.records import to_json
from harness.store import Store
from tests.conftest import F1, cell_record


def cell(score=0.5, target="deu", **changes):
    return cell_record(**{"target": target, "scores": {F1: {"score": score, "low": None, "high": None}}} | changes)


def put(store, *records):
    for record in records:
        path = store.folder(record.task, record.predict_key) / f"{record.target}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(to_json(record))


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "results")
    put(store, cell(), cell(0.75, "swh"))
    return store


@pytest.fixture
def baseline(store, tmp_path):
    write_baseline(store, tmp_path / "mini.json", "mini", {"span_f1": 0.03})
    return tmp_path / "mini.json"


def outcomes(verdict):
    return [row.outcome for row in verdict.rows]


def test_the_store_passes_the_baseline_made_from_it(store, baseline):
    verdict = compare(baseline, store)
    assert verdict.exit_code == 0
    assert outcomes(verdict) == [Outcome.PASSED, Outcome.PASSED]
    assert verdict.line == "PASSED against mini (mini): 2 passed"


def test_a_baseline_is_the_same_file_every_time(store, baseline, tmp_path):
    again = write_baseline(store, tmp_path / "again.json", "mini", {"span_f1": 0.03})
    assert (tmp_path / "again.json").read_bytes() == baseline.read_bytes()
    assert replace(read_baseline(baseline), name="again") == again


@pytest.mark.parametrize(
    ("score", "outcome", "code"),
    [
        (0.5 - 0.03, Outcome.PASSED, 0),
        (0.5 - 0.0301, Outcome.REGRESSED, 1),
        (0.5 + 0.03, Outcome.PASSED, 0),
        (0.5 + 0.0301, Outcome.IMPROVED, 0),
    ],
)
def test_only_a_drop_beyond_the_tolerance_fails(store, baseline, score, outcome, code):
    put(store, cell(score))
    verdict = compare(baseline, store)
    assert verdict.rows[0].outcome == outcome
    assert verdict.exit_code == code


def test_a_missing_cell_fails(store, baseline):
    (store.folder("panx", "p0") / "deu.json").unlink()
    verdict = compare(baseline, store)
    assert outcomes(verdict) == [Outcome.MISSING, Outcome.PASSED]
    assert verdict.exit_code == 1


@pytest.mark.parametrize("change", [{"seed": 2}, {"size": 100}, {"shots": 5}, {"limit": 10}, {"sources": ("deu",)}])
def test_a_cell_of_another_configuration_is_no_answer(store, baseline, change):
    put(store, cell(**change))
    assert outcomes(compare(baseline, store)) == [Outcome.MISSING, Outcome.PASSED]


def test_a_score_that_is_no_number_fails(baseline):
    verdict = judge(read_baseline(baseline), [cell(float("nan")), cell(0.75, "swh")])
    assert outcomes(verdict) == [Outcome.NOT_A_NUMBER, Outcome.PASSED]
    assert verdict.exit_code == 1
    assert json.loads(json.dumps(verdict.as_json(), allow_nan=False))["rows"][0]["now"] is None


LEGACY = {"span_f1|mode:legacy|scheme:IOB2": {"score": 0.9, "low": None, "high": None}}


@pytest.mark.parametrize("change", [{"data": "cd"}, {"n": 4}, {"scores": LEGACY, "main_metric": next(iter(LEGACY))}])
def test_other_data_or_another_metric_is_incomparable(store, baseline, change):
    put(store, cell(**change))
    verdict = compare(baseline, store)
    assert sorted(outcomes(verdict)) == [Outcome.INCOMPARABLE, Outcome.PASSED]
    assert verdict.exit_code == 3


def test_a_regression_outweighs_what_is_incomparable(store, baseline):
    put(store, cell(data="cd"), cell(0.1, "swh"))
    assert compare(baseline, store).exit_code == 1


def test_two_runs_that_disagree_are_incomparable_and_named(store, baseline):
    put(store, cell(0.9, predict_key="p1"))
    verdict = compare(baseline, store)
    row = next(row for row in verdict.rows if row.outcome is Outcome.INCOMPARABLE)
    assert "p0, p1" in row.reason
    put(store, cell(0.5, predict_key="p1"))
    assert compare(baseline, store).exit_code == 0


def test_nothing_compared_is_no_pass(baseline, tmp_path):
    assert compare(baseline, Store(tmp_path / "empty")).exit_code == 3
    assert judge(Baseline("empty", "mini", {}, ()), [cell()]).exit_code == 3


def test_the_worst_comes_first_and_what_passed_is_not_listed(tmp_path):
    store = Store(tmp_path / "results")
    languages = ("deu", "fra", "por", "swh")
    put(store, *(cell(0.5, language) for language in languages))
    write_baseline(store, tmp_path / "b.json", "mini", {"span_f1": 0.03})
    put(store, *(cell(score, language) for score, language in zip((0.45, 0.2, 0.5, 0.9), languages, strict=True)))
    verdict = compare(tmp_path / "b.json", store)
    assert [row.promise.target for row in verdict.rows] == ["fra", "deu", "swh", "por"]
    console = Console(width=200, record=True, file=(tmp_path / "out").open("w"))
    console.print(verdict.table())
    text = console.export_text()
    assert text.index("fra") < text.index("deu")
    assert "-30.00" in text
    assert "por" not in text
    assert verdict.line.startswith("REGRESSION")


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=8), st.floats(0, 0.2))
def test_the_exit_code_is_that_of_the_definition(pairs, tolerance):
    languages = [f"l{i}" for i in range(len(pairs))]
    cells = [cell(old, language) for (old, _), language in zip(pairs, languages, strict=True)]
    promises = tuple(promise for record in cells for promise in [promised(record)])
    now = [cell(new, language) for (_, new), language in zip(pairs, languages, strict=True)]
    verdict = judge(Baseline("b", "mini", {"span_f1": tolerance}, promises), now)
    worst = max(old - new for old, new in pairs) - tolerance
    if abs(worst) > 1e-9:
        assert verdict.exit_code == int(worst > 0)


def promised(record):
    from harness.baselines import Promise

    names = ("task", "model", "strategy", "sources", "target", "seed", "shots", "size", "n", "data")
    return Promise(metric=F1, score=record.scores[F1]["score"], **{name: getattr(record, name) for name in names})


def test_an_update_promises_the_tasks_of_the_suite_whatever_they_were_run_for(tmp_path):
    store = Store(tmp_path / "results")
    put(store, cell(task="mini_ner"), cell(task="panx"))
    assert [promise.task for promise in update(tmp_path / "b.json", store, "mini").promises] == ["mini_ner"]
    with pytest.raises(HarnessError, match="unknown suite 'minni': did you mean 'mini'"):
        update(tmp_path / "b.json", store, "minni")


# -- faults in the file


def test_a_missing_file_and_a_broken_one_are_named(store, tmp_path):
    with pytest.raises(HarnessError, match=r"mini\.json: no baseline"):
        compare(tmp_path / "mini.json", store)
    for text in ("", "[]", "{}", '{"schema": 1}'):
        (tmp_path / "mini.json").write_text(text)
        with pytest.raises(HarnessError, match=r"mini\.json is no baseline"):
            compare(tmp_path / "mini.json", store)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda b: b.update(schema=2), "schema 2"),
        (lambda b: b.update(tolerance={}), "no tolerance for span_f1"),
        (lambda b: b.update(tolerance={"span_f1": -1}), "tolerance of span_f1"),
        (lambda b: b["cells"][0].update(score=float("nan")), "no number"),
        (lambda b: b["cells"][0].pop("seed"), "no baseline.*seed"),
        (lambda b: b["cells"].append(b["cells"][0]), "promised twice"),
    ],
)
def test_a_baseline_with_a_fault_is_refused(store, baseline, change, words):
    content = json.loads(baseline.read_text())
    change(content)
    baseline.write_text(json.dumps(content))
    with pytest.raises(HarnessError, match=words):
        compare(baseline, store)


def test_a_baseline_is_not_written_from_nothing_or_from_doubt(store, tmp_path):
    with pytest.raises(HarnessError, match="no tolerance for span_f1"):
        write_baseline(store, tmp_path / "b.json", "mini", {"accuracy": 0.1})
    with pytest.raises(HarnessError, match="no stored cell fits"):
        write_baseline(store, tmp_path / "b.json", "mini", {"span_f1": 0.1}, lambda record: record.task == "xnli")
    put(store, cell(0.1, predict_key="p1"))
    with pytest.raises(HarnessError, match="promised twice"):
        write_baseline(store, tmp_path / "b.json", "mini", {"span_f1": 0.1})
    assert not (tmp_path / "b.json").exists()
