"""Scoring again changes what it can, leaves what it cannot, and keeps out of the way of a running job."""

from __future__ import annotations

import errno
import os

import pandas as pd
import pytest

from harness.errors import HarnessError
from harness.rescoring import rescore
from harness.storage.store import Store
from harness.sweep import keys
from tests.conftest import cell_record

ACCURACY = {"accuracy": {"score": 0.25, "low": None, "high": None}}


def put(store, task, predictions, **changes):
    """A cell of predictions, with a score that no metric of today would give it."""
    n = len(predictions)
    texts = {"example_id": [str(i) for i in range(n)], "group_id": [str(i) for i in range(n)]}
    table = pd.DataFrame(texts | {"gold": ['"0"'] * n, "prediction": predictions, "accuracy::correct": [0.0] * n})
    store.write_cell(cell_record(task=task, n=n, scores=ACCURACY, main_metric="accuracy", **changes), table)


@pytest.fixture
def store(tmp_path):
    """Three cells, of which the first was stored before its metrics wanted a rank in the pool."""
    store = Store(tmp_path / "results")
    put(store, "mini_nli", ['"0"', '"1"'], target="swh")
    put(store, "mini_retrieval", ['{"cosine": [1, 2]}', '{"cosine": [1, 1]}'], predict_key="p1")
    put(
        store,
        "mini_retrieval",
        ['{"cosine": [1, 2], "pooled": 1}', '{"cosine": [1, 1], "pooled": 1}'],
        predict_key="p2",
    )
    return store


def test_a_cell_that_no_longer_fits_is_left_and_the_others_go_on(store, caplog):
    before = store.read_cell("mini_retrieval", "p1", "deu")
    assert rescore(store.root) == {"changed": 2, "unchanged": 0, "left": 1}
    assert store.read_cell("mini_retrieval", "p1", "deu") == before
    assert "mini_retrieval/p1/deu is not scored again: example 0: needs its rank in the pool" in caplog.text
    assert store.read_cell("mini_retrieval", "p2", "deu").scores["retrieval_accuracy|direction:pooled"]["score"] == 1.0
    assert store.read_cell("mini_nli", "p0", "swh").scores["accuracy"]["score"] == 0.5
    assert rescore(store.root) == {"changed": 0, "unchanged": 2, "left": 1}


def test_a_cell_of_an_unknown_task_or_another_table_is_left(store):
    put(store, "gone", ['"0"'], predict_key="p3")
    (store.folder("mini_nli", "p0") / "swh.examples.parquet").write_bytes(b"")
    assert rescore(store.root) == {"changed": 1, "unchanged": 0, "left": 3}


@pytest.mark.parametrize("held", ["t0", "p0"])
def test_the_cells_of_a_running_job_are_left_to_it(tmp_path, held):
    store = Store(tmp_path / "results")
    put(store, "mini_nli", ['"0"'])
    with store.lock(held):
        assert rescore(store.root) == {"changed": 0, "unchanged": 0, "left": 1}
    assert rescore(store.root)["changed"] == 1


def test_the_job_is_locked_while_a_cell_is_rewritten(tmp_path, monkeypatch):
    store, free = Store(tmp_path / "results"), []
    put(store, "mini_nli", ['"0"'])
    write = Store.write_cell

    def watched(self, *arguments):
        for name in ("t0", "p0"):
            with self.lock(name, wait=False) as mine:
                free.append(mine)
        write(self, *arguments)

    monkeypatch.setattr(Store, "write_cell", watched)
    assert rescore(store.root)["changed"] == 1
    assert free == [False, False]


def test_a_cell_that_changed_before_the_lock_is_not_undone(tmp_path, monkeypatch):
    store = Store(tmp_path / "results")
    put(store, "mini_nli", ['"0"'])
    (stale,) = store.cells()
    put(store, "mini_nli", ['"1"', '"0"'], data="cd" * 32)
    monkeypatch.setattr(Store, "cells", lambda _: iter([stale]))
    assert rescore(store.root)["changed"] == 1
    found = store.read_cell("mini_nli", "p0", "deu")
    assert (found.n, found.data, found.scores["accuracy"]["score"]) == (2, "cd" * 32, 0.5)


def test_a_full_disk_ends_the_verb(store, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(HarnessError, match="No space left"):
        rescore(store.root)


def test_what_was_scored_again_has_the_key_of_today(store):
    from harness import scoring
    from harness.sweep import build
    from harness.sweep.options import Options

    rescore(store.root)
    cell, options = store.read_cell("mini_nli", "p0", "swh"), Options()
    task = build.task("mini_nli", options.read("task", "mini_nli"), options)
    assert cell.cell_key == keys.cell_key("p0", cell.data, task, scoring.signatures(task))
