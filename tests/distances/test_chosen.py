"""Which distances are computed for which task and model, and what is said of the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from harness.data.load import load
from harness.distances.asked import Asked
from harness.distances.chosen import DEFAULT, choose
from harness.errors import HarnessError
from harness.studied import Studied
from harness.sweep import build
from harness.sweep.options import Options
from tests.analysis.conftest import grid_of

OPTIONS = Options()
SOURCES, TARGETS = ["deu", "eng", "fin"], ["deu", "eng", "fin", "rus"]


def task(name):
    return build.task(name, OPTIONS.read("task", name), OPTIONS)


def studied(name, family="lexical", **options):
    spec = build.model(family, OPTIONS.read("model", family), task(name))
    return Studied(task(name), task(name), replace(spec, options=options or spec.options))


def grids(*settings):
    return [grid_of(np.zeros((3, 4)), SOURCES, TARGETS, task=name, model=model) for name, model in settings]


def asked(tmp_path, *names, **changes):
    return Asked(names, changes.pop("root", None), tmp_path, options=OPTIONS, **changes)


@pytest.fixture
def both():
    return {(name, "lexical"): studied(name) for name in ("mini_ner", "mini_nli")}


def test_by_default_what_is_cheap_and_each_task_has_its_own_texts(both, tmp_path):
    chosen = choose(asked(tmp_path), grids(*both), both)
    table = chosen.table
    assert not table["value"].isna().any()
    by_task = table.groupby("distance")["task"].agg(set)
    assert by_task["family_tree"] == {""}
    assert by_task["character_ngrams"] == {"mini_ner", "mini_nli"}
    assert by_task["entity_overlap"] == {"mini_ner"}  # nothing is tagged in the other
    assert set(table["model"]) == {""}
    assert list(dict.fromkeys(table["distance"])) == [name for name in DEFAULT if name in set(table["distance"])]
    assert chosen.kinds["entity_overlap"] == "lexical"
    notes = "\n".join(chosen.notes)
    assert "left out: entity_overlap (mini_nli): entity_overlap needs tagged names" in notes
    assert "left out: train_size (mini_ner; mini_nli): the same for every pair" in notes
    assert "distances by default: family_tree" in notes


def test_a_distance_that_is_asked_for_by_name_stays_though_it_is_constant(both, tmp_path):
    table = choose(asked(tmp_path, "train_size"), grids(*both), both).table
    size = len(load(task("mini_ner"), "eng", "train", None))
    of_ner = table[table["task"] == "mini_ner"]
    assert set(of_ner["a"]) == set(SOURCES)  # the training data of targets is not read
    np.testing.assert_allclose(of_ner["value"], -np.log10(size))


def test_ratios_of_sizes_read_the_targets_training_data_too(both, tmp_path):
    table = choose(asked(tmp_path, "size_ratio"), grids(("mini_ner", "lexical")), both).table
    assert set(table["b"]) == set(TARGETS)


def test_kinds_and_files_and_names_together_each_once(both, tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("a,b,value\neng,deu,0.5\neng,fin,0.7\n")
    chosen = choose(asked(tmp_path, "word_overlap", "lexical", str(path)), grids(*both), both)
    counts = chosen.table.groupby(["distance", "task", "a", "b"]).size()
    assert (counts == 1).all()
    assert {"own", "word_overlap", "character_ngrams"} <= set(chosen.table["distance"])
    assert "own" not in chosen.kinds
    # without a tokenizer there are no sub-words, which is said once for all of them
    (line,) = (note for note in chosen.notes if "tokenizer" in note)
    assert line.startswith("left out: subword_jaccard, subword_jensen_shannon, subword_overlap (mini_ner, lexical; ")


def test_unknown_names_are_answered_with_the_nearest(both, tmp_path):
    for wrong, right in (("syntatic", "'syntactic'"), ("lexicl", "'lexical'")):
        with pytest.raises(HarnessError, match=f"unknown distance '{wrong}': did you mean {right}"):
            choose(asked(tmp_path, wrong), grids(*both), both)


def test_scores_of_which_nothing_is_known_have_typology_alone(tmp_path):
    chosen = choose(asked(tmp_path), grids(("matrix", "published")), {})
    assert set(chosen.table["distance"]) <= {"family_tree", "same_script", "great_circle", "syntactic"}
    (said,) = (note for note in chosen.notes if "nothing is known of these scores" in note)
    assert said.startswith("left out: character_ngrams, entity_overlap, train_size (matrix): ")


def test_one_language_has_no_distances(tmp_path):
    chosen = choose(asked(tmp_path), [grid_of([[0.5]], ["eng"], ["eng"])], {})
    assert chosen.table.empty
    assert list(chosen.table.columns)[:3] == ["distance", "task", "model"]


def test_tokenizers_and_embeddings_are_those_of_each_model(tmp_path):
    small = {"init": "none", "buckets": 1024, "width": 16}
    known = {("mini_ner", "tiny"): studied("mini_ner", "tiny", **small), ("mini_ner", "lexical"): studied("mini_ner")}
    names = ("tokenizer_parity", "mean_cosine", "subword_jaccard", "pretraining_source")
    chosen = choose(asked(tmp_path, *names), grids(*known), known)
    models = chosen.table.groupby("distance")["model"].agg(set)
    assert models["tokenizer_parity"] == models["subword_jaccard"] == {"tiny"}
    assert "tiny" in models["mean_cosine"]
    assert set(chosen.table.loc[chosen.table["distance"] == "mean_cosine", "task"]) == {""}
    assert "pretraining_source" not in models  # these options tell no amounts
    assert any(note.startswith("left out: tokenizer_parity (lexical)") for note in chosen.notes)


def test_synthetic_scores_are_not_compared_on_real_sentences(tmp_path):
    """A root with files of a real parallel task: the synthetic task's own sentences are taken all the same."""
    small = {"init": "none", "buckets": 1024, "width": 16}
    known = {("mini_ner", "tiny"): studied("mini_ner", "tiny", **small)}
    root = tmp_path / "data"
    root.mkdir()
    wide = [grid_of(np.zeros((3, 5)), SOURCES, [*TARGETS, "fra"], task="mini_ner", model="tiny")]
    for code in ("eng", "deu", "fin", "rus", "fra"):  # more of the languages than the synthetic sentences have
        (root / f"newstest2019-ref.{code}.txt").write_text("one\ntwo\n")
    found = [
        choose(asked(tmp_path, "tokenizer_parity", root=where, **named), wide, known).table
        for where, named in ((None, {}), (root, {}), (None, {"parallel": "mini_retrieval"}))
    ]
    pd.testing.assert_frame_equal(found[0], found[1])
    pd.testing.assert_frame_equal(found[0], found[2])


def test_missing_data_is_a_reason_and_no_failure(tmp_path):
    known = {("udpos", "lexical"): studied("udpos")}
    chosen = choose(asked(tmp_path, root=tmp_path), grids(*known), known)
    assert "family_tree" in set(chosen.table["distance"])
    assert any("no test data of udpos is at hand: name its folder with --data" in note for note in chosen.notes)
