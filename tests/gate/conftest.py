"""A store of two languages and a lock of it."""

from __future__ import annotations

import pytest

from harness.storage.store import Store
from tests.gate.stores import answers, locked, put


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "results")
    put(store, answers(320))
    put(store, answers(240), "swh")
    return store


@pytest.fixture
def lock(store, tmp_path):
    return locked(store, tmp_path / "mini.json")
