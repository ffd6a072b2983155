"""What selecting on target dev buys: compared cell by cell, beside scores that none of it reaches."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from harness.analysis.resampling import Draws
from harness.analysis.selection import audit
from harness.analysis.stored import from_store
from harness.errors import HarnessError
from harness.storage.records import JobRecord
from harness.storage.store import Store
from tests.conftest import F1, cell_record

LANGUAGES = ("deu", "eng", "fin", "rus")


def cells(select, score, seeds=(0,), targets=LANGUAGES, sources=LANGUAGES[:3]):
    return [
        {
            "task": "t", "model": "m", "strategy": "zero_shot", "source": source, "target": target, "seed": seed,
            "score": score(source, target, seed), "metric": "f1", "n": 10, "floor": np.nan, "select": select,
        }
        for source, target, seed in itertools.product(sources, targets, seeds)
    ]  # fmt: skip


def base(source, target, seed):
    return 0.5 + 0.01 * LANGUAGES.index(source) + 0.02 * LANGUAGES.index(target) + 0.1 * seed


def test_the_gain_is_the_mean_over_pairs_of_different_languages():
    gain = {"deu": 0.01, "eng": 0.02, "fin": 0.03, "rus": 0.04}
    rows = cells("last", base) + cells("target_dev", lambda s, t, seed: base(s, t, seed) + (9 if s == t else gain[t]))
    result = audit(pd.DataFrame(rows), replicates=500)
    (row,) = result.tables["selection"].to_dict("records")
    pairs = [gain[t] for s, t in itertools.product(LANGUAGES[:3], LANGUAGES) if s != t]
    assert row["gain"] == pytest.approx(np.mean(pairs))
    assert (row["selected_by"], row["instead_of"], row["pairs"]) == ("target_dev", "last", 9)
    assert row["low"] < row["gain"] < row["high"]
    assert (row["better"], row["worse"], row["most_at"]) == (1.0, 0.0, "rus")
    assert row["most"] == pytest.approx(0.04)
    by_target = result.tables["targets"].set_index("target")
    assert by_target["gain"].to_dict() == pytest.approx(gain)
    assert by_target["sources"].to_dict() == {"deu": 2, "eng": 2, "fin": 2, "rus": 3}
    # every source gains alike, so there is nothing to resample
    assert by_target.loc["rus", "low"] == pytest.approx(0.04)
    assert result.metrics["selection.t.m.zero_shot.target_dev_over_last"] == row["gain"]
    assert any("overestimate" in note for note in result.notes)


def test_seeds_are_paired_and_cells_of_one_way_alone_are_told():
    # the second seed, higher by 0.1, was selected in one way only: it must not look like a gain
    rows = cells("last", base) + cells("source_dev", base, seeds=(0, 1)) + cells("target_dev", base, targets=["rus"])
    result = audit(pd.DataFrame(rows), replicates=50)
    table = result.tables["selection"].set_index(["selected_by", "instead_of"])
    np.testing.assert_allclose(table["gain"], 0, atol=1e-12)
    assert table.loc[("source_dev", "last"), "pairs"] == 9
    assert table.loc[("target_dev", "last"), "pairs"] == 3
    assert any(note.startswith("12 cells were selected by source_dev or last alone") for note in result.notes)


def test_the_interval_is_of_resampled_sources_and_targets():
    rng = np.random.default_rng(0)
    gain = rng.normal(0.02, 0.01, (3, 4))
    at = LANGUAGES.index
    rows = cells("last", lambda *_: 0.5) + cells("target_dev", lambda s, t, _: 0.5 + gain[at(s), at(t)])
    row = audit(pd.DataFrame(rows), replicates=40, seed=7).tables["selection"].iloc[0]
    draws, means = Draws.of((3, 4), 40, 7), []
    for u, v in zip(draws.sources, draws.targets, strict=True):
        drawn = [(gain[i, j], u[i] * v[j]) for i in range(3) for j in range(4) if i != j]
        total = sum(weight for _, weight in drawn)
        means.append(sum(value * weight for value, weight in drawn) / total if total else np.nan)
    assert (row["low"], row["high"]) == pytest.approx(np.nanquantile(means, [0.025, 0.975]))


def keep(store, select, score, target="deu", source="eng", touches="none"):
    key = f"{select}-{source}-{target}" if select == "target_dev" else f"{select}-{source}"
    record = cell_record(
        predict_key=key, train_key=key, cell_key=f"{key}-{target}", target=target, sources=(source,), touches=touches,
        scores={F1: {"score": score, "low": None, "high": None}},
    )  # fmt: skip
    ids = ["a", "b", "c"]
    store.write_cell(record, pd.DataFrame({"example_id": ids, "group_id": ids, "gold": "x", "prediction": "x"}))
    store.write_job(
        JobRecord(
            train_key=key, predict_key=key, task="panx", model={}, strategy="zero_shot", sources=(source,),
            targets=(target,), seed=1, training={"select": select}, versions={}, timings={}, tokens={}, backend="",
            checkpoint=None, status="done", host="", curves=[], spec={"train": {"training": {"select": select}}},
        )
    )  # fmt: skip


def test_analyses_see_one_way_of_selection_and_never_target_dev(tmp_path):
    store = Store(tmp_path)
    for target in ("deu", "fin"):
        keep(store, "last", 0.5, target)
        keep(store, "source_dev", 0.6, target)
        keep(store, "target_dev", 0.7, target, touches="dev")
    found = from_store(store)
    assert found.frame["score"].tolist() == [0.5, 0.5]
    assert set(found.selections["select"]) == {"last", "source_dev", "target_dev"}
    assert any(note.startswith("2 cells left out: they looked at the target's dev") for note in found.notes)
    assert any(note.startswith("2 cells left out: selected by source_dev") for note in found.notes)
    assert from_store(store, where=["select=source_dev"]).frame["score"].tolist() == [0.6, 0.6]
    with pytest.raises(HarnessError, match="no cell to analyse: 2 cells left out: they looked at the target's dev"):
        from_store(store, where=["select=target_dev"])


def test_the_way_of_the_most_cells_is_analysed(tmp_path):
    store = Store(tmp_path)
    keep(store, "last", 0.5, "deu")
    for target in ("deu", "fin"):
        keep(store, "source_dev", 0.6, target)
    assert from_store(store).frame["score"].tolist() == [0.6, 0.6]
    assert len(from_store(store).selections) == 3


def test_with_one_way_there_is_nothing_to_audit(tmp_path):
    store = Store(tmp_path)
    keep(store, "last", 0.5)
    assert from_store(store).selections is None
