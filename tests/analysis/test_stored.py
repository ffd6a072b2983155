"""The store as a long table: what is kept out, seeds averaged, floors found, twins refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.analysis import guards
from harness.analysis.grid import grids
from harness.analysis.stored import from_store
from harness.errors import HarnessError
from harness.storage.store import Store
from tests.conftest import F1, cell_record


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def keep(store, score=0.5, **changes):
    """Stores a cell with this score; its key is made of what tells it apart."""
    key = (
        "-".join(str(value).replace("(", "") for value in changes.values())
        .replace(" ", "")
        .replace("'", "")
        .replace(",", "")
    )
    record = cell_record(
        predict_key=f"p{key.replace(')', '')}", scores={F1: {"score": score, "low": None, "high": None}}, **changes
    )
    examples = pd.DataFrame(
        {"example_id": ["a", "b", "c"], "group_id": ["a", "b", "c"], "gold": "x", "prediction": "x"}
    )
    store.write_cell(record, examples)


def test_seeds_are_averaged_and_their_spread_shown(store):
    for seed, score in ((0, 0.4), (1, 0.6)):
        keep(store, score, seed=seed, target="deu")
    keep(store, 0.7, seed=0, target="fin")
    (grid,) = grids(from_store(store).frame)
    assert grid.scores.tolist() == [[0.5, 0.7]]
    assert grid.spread[0, 0] == pytest.approx(np.std([0.4, 0.6], ddof=1))
    assert grid.seeds.tolist() == [[2, 1]]
    assert any("2 seeds" in note for note in guards.of_grid(grid))


def test_what_is_no_zero_shot_run_on_everything_is_kept_out_and_said(store):
    keep(store, target="deu")
    keep(store, target="fin", limit=5)
    keep(store, target="tur", touches="dev")
    keep(store, target="rus", size=100)
    keep(store, target="spa", sources=("deu", "eng"), strategy="multi_source")
    keep(store, target="hin", strategy="few_shot", shots=8, touches="k")
    found = from_store(store)
    assert found.frame["target"].tolist() == ["deu"]
    assert len(found.notes) == 4
    few = from_store(store, ("zero_shot", "few_shot")).frame
    assert sorted(zip(few["target"], few["shots"], strict=True)) == [("deu", 0), ("hin", 8)]


def test_several_sources_have_no_distance(store):
    keep(store, target="deu")
    keep(store, target="spa", sources=("deu", "eng"))
    assert any("several sources" in note for note in from_store(store).notes)


def test_floors_are_those_of_models_that_learn_nothing(store):
    keep(store, 0.30, target="deu")
    keep(store, 0.90, target="fin")
    for model, score in (("majority", 0.3), ("chance", 0.2)):
        keep(store, score, target="deu", model=model)
    (grid,) = grids(from_store(store).frame)
    assert grid.model == "tiny"
    assert grid.floor[0] == 0.3
    assert np.isnan(grid.floor[1])
    assert grid.at_floor.tolist() == [[True, False]]
    assert any("1 of 2 cells at or below the floor" in note for note in guards.of_grid(grid))


def test_cells_that_differ_in_what_is_not_shown_are_refused(store):
    keep(store, target="deu", data="aa")
    keep(store, target="deu", data="bb")
    with pytest.raises(HarnessError, match=r"jobs pdeu-aa and pdeu-bb differ.*--where"):
        from_store(store)
    assert len(from_store(store, where=["predict_key=pdeu-aa"]).frame) == 1


def test_an_empty_store_says_what_it_left_out(store):
    keep(store, target="deu", limit=3)
    with pytest.raises(HarnessError, match="no cell to analyse: 1 cells left out: limited"):
        from_store(store)


def test_what_would_have_been_there_is_said(store):
    keep(store, target="deu")
    with pytest.raises(HarnessError, match=r"than zero_shoot \(zero_shot: --strategy takes them in\)"):
        from_store(store, ("zero_shoot",))
    with pytest.raises(HarnessError, match="no cell has model=tny: did you mean 'tiny'"):
        from_store(store, where=["model=tny"])
