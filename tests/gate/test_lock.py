"""A lock holds what was committed, byte for byte, and says what is wrong with it."""

from __future__ import annotations

import json
from importlib.resources import files

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.errors import HarnessError
from harness.gate.lock import outcomes_path, read_lock, write_lock
from harness.gate.matched import Outcome
from harness.gate.outcomes import Outcomes, digest, pack, unpack
from harness.gate.update import update
from harness.storage.store import Store
from harness.sweep.options import Options
from tests.conftest import F1
from tests.gate.stores import ACCURACY, against, answers, lock_at, locked, put, rules

numbers = st.floats(allow_nan=False, allow_infinity=False, width=64)
tables = st.tuples(st.integers(0, 6), st.integers(1, 4)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=numbers)
)


@given(st.dictionaries(st.tuples(st.text(max_size=4), st.sampled_from([F1, ACCURACY])), tables, max_size=5))
def test_outcomes_come_back_as_they_were(counts):
    held = {key: Outcomes(f"d{i}", table) for i, (key, table) in enumerate(counts.items())}
    back = unpack(pack(held))
    assert list(back) == list(held)
    for key, outcomes in held.items():
        assert back[key].digest == outcomes.digest
        if len(outcomes.counts):
            np.testing.assert_array_equal(back[key].counts, outcomes.counts)


def test_the_digest_knows_order_and_groups():
    seen = {digest(["a", "b"], ["g", "h"]), digest(["b", "a"], ["g", "h"]), digest(["a", "b"], ["g", "g"])}
    assert len(seen) == 3
    assert digest(["a", "b"], ["g", "h"]) in seen


def test_a_lock_is_the_same_two_files_every_time(store, lock, tmp_path):
    locked(store, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "mini.json").read_bytes()
    beside = [outcomes_path(tmp_path / f"{name}.json").read_bytes() for name in ("again", "mini")]
    assert beside[0] == beside[1]
    write_lock(tmp_path / "third.json", read_lock(tmp_path / "mini.json"))
    assert (tmp_path / "third.json").read_bytes() == (tmp_path / "mini.json").read_bytes()


def test_a_lock_fits_its_schema_and_has_a_line_a_cell(lock, tmp_path):
    text = (tmp_path / "mini.json").read_text()
    content = json.loads(text)
    schema = json.loads(files("harness").joinpath("schema/lock.json").read_text())
    jsonschema.Draft202012Validator(schema, format_checker=None).validate(content)
    assert sum('"target"' in line for line in text.splitlines()) == len(content["cells"]) == 2


def test_the_project_s_own_lock_is_sound():
    from tests.conftest import ROOT

    path = ROOT / "results" / "baselines" / "mini.json"
    found = read_lock(path)
    schema = json.loads(files("harness").joinpath("schema/lock.json").read_text())
    jsonschema.validate(json.loads(path.read_text()), schema)
    assert {cell.run.task for cell in found.cells} == set(Options().read("suite", "mini")["tasks"])
    assert all((cell.table, metric) in found.outcomes for cell in found.cells for metric in cell.scores)
    assert outcomes_path(path).stat().st_size < 1e6


# -- update


def test_an_update_holds_the_tasks_of_the_suite_and_says_what_changed(store, lock, tmp_path):
    put(store, answers(300))
    put(store, answers(300), task="panx")
    put(store, answers(300), "fin")
    (store.folder("mini_nli", "p0") / "swh.json").unlink()
    path = tmp_path / "mini.json"
    done = update(path, store, "mini", rules(), Options(), read_lock(path))
    assert (done.promises, done.new, done.changed) == (2, 1, 1)
    assert done.gone == ("mini_nli tiny zero_shot from eng seed 1 on swh, accuracy",)
    assert {cell.target for cell in lock_at(path).cells} == {"deu", "fin"}


def test_the_metrics_that_a_policy_names_are_locked_beside_the_main_one(store, tmp_path):
    more = {
        "matthews": {"score": 0.25, "low": None, "high": None},
        "macro_f1": {"score": 0.5, "low": None, "high": None},
    }
    record = put(store, answers(300), more=more)
    table = store.examples(record.task, record.predict_key, "deu")
    store.write_cell(record, table.assign(**{"matthews::tp:a": 1.0, "macro_f1::tp:a": 1.0}))
    lock = locked(store, tmp_path / "mini.json", metrics=["matthews"])
    assert next(cell for cell in lock.cells if cell.target == "deu").scores == {ACCURACY: 0.75, "matthews": 0.25}


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda store: put(store, answers(1), predict_key="p1"), r"seed 1 on deu: several runs disagree \(p0, p1\)"),
        (
            lambda store: [path.unlink() for path in store.folder("mini_nli", "p0").glob("*.json")],
            "holds no cell of the",
        ),
        (lambda store: [path.unlink() for path in store.folder("mini_nli", "p0").glob("*.parquet")], "no examples"),
        (
            lambda store: [path.write_bytes(b"") for path in store.folder("mini_nli", "p0").glob("*.parquet")],
            "not those",
        ),
    ],
)
def test_nothing_is_overwritten_from_nothing_or_from_doubt(store, lock, tmp_path, spoil, words):
    files_before = {path: path.read_bytes() for path in tmp_path.glob("mini.*")}
    assert len(files_before) == 2
    spoil(store)
    with pytest.raises(HarnessError, match=words):
        update(tmp_path / "mini.json", store, "mini", rules(), Options())
    assert {path: path.read_bytes() for path in tmp_path.glob("mini.*")} == files_before


def test_an_unknown_suite_is_answered_with_the_nearest(store, tmp_path):
    with pytest.raises(HarnessError, match="unknown suite 'minni': did you mean 'mini'"):
        update(tmp_path / "b.json", store, "minni", rules(), Options())


# -- faults in the files


def test_a_missing_lock_and_a_broken_one_are_named(tmp_path):
    path = tmp_path / "mini.json"
    with pytest.raises(HarnessError, match=r"mini\.json: no baseline can be read"):
        read_lock(path)
    for text in ("", "[]", "{}", '{"schema": 2}', '{"schema": 1}', '{"schema": 2, "cells": {}}'):
        path.write_text(text)
        with pytest.raises(HarnessError, match=r"mini\.json is no baseline"):
            read_lock(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(HarnessError, match=r"mini\.json is no baseline"):
        read_lock(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lock: lock.update(schema=3), "schema 3; this harness knows 2: upgrade"),
        (lambda lock: lock["cells"][0]["scores"].update(accuracy=float("nan")), "no number"),
        (lambda lock: lock["cells"][0]["scores"].update(accuracy="0.5"), "no number"),
        (lambda lock: lock["cells"][0].pop("seed"), "no baseline.*seed"),
        (lambda lock: lock["cells"].append(lock["cells"][0]), "stands there twice"),
    ],
)
def test_a_lock_with_a_fault_is_refused(lock, tmp_path, change, words):
    path = tmp_path / "mini.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(HarnessError, match=words):
        read_lock(path)


def test_outcomes_that_are_not_the_lock_s_are_refused_with_the_mend(lock, tmp_path):
    path = tmp_path / "mini.json"
    beside = outcomes_path(path)
    beside.write_bytes(beside.read_bytes()[:-1])
    with pytest.raises(HarnessError, match=r"not the file that mini\.json was written with; .* --update"):
        read_lock(path)
    beside.unlink()
    with pytest.raises(HarnessError, match=r"outcomes cannot be read .* --update"):
        read_lock(path)
    assert len(read_lock(path, with_outcomes=False).cells) == 2


# -- the first schema


def first_schema(store, tolerance):
    entries = []
    for cell in store.cells():
        names = ("task", "model", "strategy", "sources", "target", "seed", "shots", "size", "n", "data")
        plain = {name: getattr(cell, name) for name in names}
        entries += [plain | {"metric": metric, "score": score["score"]} for metric, score in cell.scores.items()]
    return {"schema": 1, "suite": "mini", "tolerance": tolerance, "cells": entries}


def test_a_lock_of_the_first_schema_holds_scores_alone_to_its_own_tolerances(store, tmp_path):
    path = tmp_path / "old.json"
    path.write_text(json.dumps(first_schema(store, {"accuracy": 0.06})))
    put(store, answers(300))
    verdict = against(lock_at(path), store, tolerance=0.001)
    assert verdict.exit_code == 0, "0.05 of 0.06"
    assert f"harness check --baseline {path} --update --suite mini" in verdict.notes[0]
    put(store, answers(295))
    verdict = against(lock_at(path), store, tolerance=0.9)
    assert [row.outcome for row in verdict.rows] == [Outcome.REGRESSED, Outcome.PASSED]
    rule = {"language": "deu", "tolerance": 0.1}
    assert against(lock_at(path), store, rules=[rule]).exit_code == 0, "what the policy says of single cells counts"


def test_the_first_schema_had_an_entry_a_number(store, tmp_path):
    content = first_schema(store, {"accuracy": 0.06})
    content["cells"] += [{**entry, "metric": "matthews", "score": 0.5} for entry in content["cells"]]
    path = tmp_path / "old.json"
    path.write_text(json.dumps(content))
    assert [cell.scores["matthews"] for cell in read_lock(path).cells] == [0.5, 0.5]
    content["cells"].append(content["cells"][0])
    path.write_text(json.dumps(content))
    with pytest.raises(HarnessError, match="promised twice"):
        read_lock(path)


def test_the_mend_makes_a_lock_of_the_second_schema(store, tmp_path):
    path = tmp_path / "old.json"
    path.write_text(json.dumps(first_schema(store, {"accuracy": 0.06})))
    update(path, store, "mini", rules(), Options(), read_lock(path))
    assert against(lock_at(path), store).exit_code == 0
    assert lock_at(path).note == ""
    assert Store(tmp_path / "results").root.exists()
