"""Distances of single layers, and of all that a model has."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.distances.chosen import choose
from harness.models.base import MODELS
from tests.distances.test_chosen import asked, grids, studied


class Deep:
    """A model of three layers, whose vectors of a sentence say which layer they are of."""

    def __init__(self, spec, cache, pretraining):
        self.spec = spec
        self.passes = 0

    def identity(self):
        return {}

    def depth(self):
        return 3

    def embed(self, corpora, folder=None):
        return self.embed_views(corpora, [(self.spec.layer, "mean")], folder)[0]

    def embed_views(self, corpora, views, folder=None):
        PASSES.append([layer for layer, _ in views])
        return [[self._vectors(corpus, layer) for corpus in corpora] for layer, _ in views]

    def _vectors(self, corpus, layer):
        rng = np.random.default_rng(3 if layer == -1 else layer)
        shared = rng.normal(size=(len(corpus), 8))
        own = np.random.default_rng(sum(map(ord, corpus.language))).normal(size=shared.shape)
        return (shared + own / (1 + rng.integers(4))).astype(np.float32)


PASSES: list[list[int]] = []


@pytest.fixture
def known(monkeypatch):
    monkeypatch.setitem(MODELS._known, "deep", Deep)
    PASSES.clear()
    of = studied("mini_ner", "lexical")
    return {("mini_ner", "deep"): replace(of, model=replace(of.model, family="deep", options={}))}


def test_all_layers_come_from_one_pass_and_each_can_be_named(known, tmp_path):
    every = choose(asked(tmp_path, "linear_cka@all", "mean_cosine"), grids(*known), known)
    names = list(dict.fromkeys(every.table["distance"]))
    assert names == ["linear_cka@0", "linear_cka@1", "linear_cka@2", "linear_cka@3", "mean_cosine"]
    assert every.kinds["linear_cka@2"] == "representation"
    assert sorted(PASSES) == [[-1], [0, 1, 2, 3]]
    values = {name: rows["value"].to_numpy() for name, rows in every.table.groupby("distance")}
    assert not np.allclose(values["linear_cka@1"], values["linear_cka@2"])
    one = choose(asked(tmp_path / "other", "linear_cka@2"), grids(*known), known).table
    np.testing.assert_array_equal(one["value"], values["linear_cka@2"])
    PASSES.clear()
    choose(asked(tmp_path, "linear_cka@1"), grids(*known), known)
    assert PASSES == []  # it is remembered from the call for all of them


def test_a_layer_that_there_is_not_is_a_reason_and_harms_no_other(known, tmp_path):
    found = choose(asked(tmp_path, "linear_cka@7", "linear_cka"), grids(*known), known)
    assert set(found.table["distance"]) == {"linear_cka"}
    assert any("linear_cka@7 (deep): model lexical has 3 layers, and so no layer 7" in note for note in found.notes)


def test_models_without_layers_say_so(tmp_path):
    known = {("mini_ner", "lexical"): studied("mini_ner")}
    found = choose(asked(tmp_path, "mean_cosine@all", "mean_cosine"), grids(*known), known)
    assert set(found.table["distance"]) == {"mean_cosine"}
    assert any("mean_cosine@all (lexical): a lexical model has no layers" in note for note in found.notes)
