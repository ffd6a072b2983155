"""Distances on disk: equal inputs are not read again, other inputs are, and a damaged file is no harm."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from harness.distances import remembered, sources
from harness.distances.chosen import choose
from harness.errors import DataError
from harness.studied import Studied
from tests.distances.test_chosen import asked, grids, studied, task

NAMES = ("character_ngrams", "word_overlap", "train_size", "tokenizer_parity")
SMALL = {"init": "none", "buckets": 1024, "width": 16}


@pytest.fixture
def known():
    return {("mini_ner", "tiny"): studied("mini_ner", "tiny", **SMALL)}


def files(folder):
    return sorted((folder / "distances").glob("*.npz"))


def refuse(*_, **__):
    raise DataError("texts are read")


def test_a_second_analysis_reads_no_text(known, tmp_path, monkeypatch):
    first = choose(asked(tmp_path, *NAMES), grids(*known), known)
    assert set(first.table["distance"]) == set(NAMES)
    assert len(files(tmp_path)) == len(NAMES)
    monkeypatch.setattr(sources, "load", refuse)
    second = choose(asked(tmp_path, *NAMES), grids(*known), known)
    pd.testing.assert_frame_equal(first.table, second.table)
    assert first.notes == second.notes
    # what is not there yet is read
    with_more = choose(asked(tmp_path, *NAMES, "type_token_ratio"), grids(*known), known)
    assert any("type_token_ratio (mini_ner): texts are read" in note for note in with_more.notes)


def test_typology_is_not_stored_this_way(known, tmp_path):
    choose(asked(tmp_path, "same_script", "great_circle"), grids(*known), known)
    assert files(tmp_path) == []


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no archive", b"\x93NUMPY"])
def test_a_damaged_file_is_computed_again(known, tmp_path, damage):
    first = choose(asked(tmp_path, "word_overlap"), grids(*known), known).table
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(damage)
    pd.testing.assert_frame_equal(choose(asked(tmp_path, "word_overlap"), grids(*known), known).table, first)
    assert path.read_bytes() == whole


def test_no_changed_byte_changes_a_number(known, tmp_path):
    table = choose(asked(tmp_path, "word_overlap"), grids(*known), known).table
    (path,) = files(tmp_path)
    languages = sorted({*table["a"], *table["b"]})
    whole, right = path.read_bytes(), remembered.read(path, languages)
    assert right is not None
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        found = remembered.read(path, languages)
        assert found is None or found.equals(right), place
    assert remembered.read(path, [*languages, "fra"]) is None


def test_other_texts_models_and_languages_have_tables_of_their_own(tmp_path):
    root = tmp_path / "data"
    root.mkdir()
    (root / "DOCUMENT_IDS.tsv").write_text("a\nb\n")
    for code in ("eng", "deu", "fin", "rus"):
        (root / f"newstest2019-ref.{code}.txt").write_text(f"one {code}\ntwo words\n")
    real = Studied(task("ntrex"), task("ntrex"), studied("mini_ner", "tiny", **SMALL).model)
    known = {("ntrex", "tiny"): real}

    def found(known=known):
        return choose(asked(tmp_path, "subword_jaccard", root=root), grids(("ntrex", "tiny")), known).table

    first = found()
    assert len(files(tmp_path)) == 1
    (root / "newstest2019-ref.deu.txt").write_text("eins zwei\ndrei\n")
    assert not first["value"].equals(found()["value"])
    assert len(files(tmp_path)) == 2
    wider = studied("mini_ner", "tiny", **SMALL | {"buckets": 2048}).model
    found({("ntrex", "tiny"): replace(real, model=wider)})
    assert len(files(tmp_path)) == 3
    found({("ntrex", "tiny"): replace(real, model=replace(wider, name="another name"))})
    assert len(files(tmp_path)) == 3
