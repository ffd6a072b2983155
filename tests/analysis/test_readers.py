"""Matrices, families and populations as people write them, and an answer to everything that is wrong with them."""

from __future__ import annotations

import pytest

from harness.analysis.grid import grids
from harness.analysis.published import from_file
from harness.analysis.traits import read_families, read_languages, read_populations
from harness.errors import DataError

MATRIX = "source,en,de,fi\nen,90,70,50\nde,60,95,\n"


@pytest.fixture
def written(tmp_path):
    def write(text, name="scores.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def pairs(scores):
    return {(row.source, row.target): row.score for row in scores.frame.itertuples()}


def test_rows_are_what_the_corner_says(written):
    found = from_file(written(MATRIX))
    assert pairs(found) == {
        ("eng", "eng"): 0.9, ("eng", "deu"): 0.7, ("eng", "fin"): 0.5, ("deu", "eng"): 0.6, ("deu", "deu"): 0.95,
    }  # fmt: skip
    assert any("1 cells" in note and "empty" in note for note in found.notes)
    assert any("percent" in note for note in found.notes)
    turned = from_file(written(MATRIX.replace("source", "target")))
    assert pairs(turned)["deu", "eng"] == 0.7


@pytest.mark.parametrize("corner", ["lang_train", "Transfer lang", "src", "source\\target", "train/test"])
def test_corners_that_mean_sources(written, corner):
    assert pairs(from_file(written(MATRIX.replace("source", corner))))["eng", "deu"] == 0.7


@pytest.mark.parametrize("corner", ["", "language", "x"])
def test_an_unclear_orientation_is_asked_for(written, corner):
    path = written(MATRIX.replace("source", corner))
    with pytest.raises(DataError, match="--orientation sources"):
        from_file(path)
    assert pairs(from_file(path, rows="source"))["eng", "deu"] == 0.7
    assert pairs(from_file(path, rows="target"))["eng", "deu"] == 0.6


def test_an_orientation_that_the_file_denies(written):
    with pytest.raises(DataError, match="says that rows are sources"):
        from_file(written(MATRIX), rows="target")


def test_a_table_of_pairs(written):
    text = "target_lang\tsource_lang\tf1\tmodel\nde\ten\t0.7\tx\nfi\ten\t0.5\tx\n"
    assert pairs(from_file(written(text, "long.tsv"))) == {("eng", "deu"): 0.7, ("eng", "fin"): 0.5}


def test_missing_diagonal_and_rectangles(written):
    grid = next(grids(from_file(written("source,de,fi,tr\nen,0.7,0.5,0.4\nde,,0.6,0.3\n")).frame))
    assert grid.scores.shape == (2, 3)
    assert grid.common() == ("deu",)
    assert grid.own.sum() == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source,en,de\nen,1,2\nen,3,4\n", "'en' stands there twice"),
        ("source,en,en\nde,50,60\n", "'en' stands there twice"),
        ("source,ar,arb\nen,50,60\nde,50,60\n", "one language, arb"),
        ("source,no,nb\nen,50,60\nde,50,60\n", "one language, nob"),
        ("source,en,qqq\nen,50,60\n", "unknown language 'qqq'"),
        ("source,en,de\nen,50,many\n", "'many' is no number"),
        ("source,en,de\nen,50,inf\n", "inf is no score"),
        ("source,en,de\nen,50,160\n", "from 50 to 160 are no percents"),
        ("source,en,de\nen,,\n", "every cell is empty"),
        ("source,en,de,fi\nen,90,80,70\nde,0.6,0.9,0.7\n", "mixed units"),
        ("source\n", "holds no scores"),
        ("source,target,score\nen,de,50\nen,de,60\n", "eng to deu stands there twice"),
    ],
)
def test_what_is_wrong_is_named(written, text, message):
    with pytest.raises(DataError, match=message):
        from_file(written(text))


def test_small_percents_are_said_to_be_so(written):
    found = from_file(written("source,en,de,fi\nen,90,0.5,70\nde,60,90,1\n"))
    assert pairs(found)["eng", "deu"] == 0.005
    assert any("2 of 6 scores are at most 1 %" in note for note in found.notes)
    # asked for, a row of low percents is taken as such
    assert (
        pairs(from_file(written("source,en,de,fi\nen,90,80,70\nde,0.6,0.9,0.7\n"), unit="percent"))["deu", "eng"]
        == 0.006
    )


def test_how_the_unit_was_found_is_said(written):
    for text, unit, words in (
        (
            MATRIX,
            "",
            "scores of scores.csv are taken for percents, as one is above 1 (50 to 95); --unit says otherwise",
        ),
        (MATRIX, "percent", "are taken for percents, as --unit says"),
        ("source,en,de\nen,0.9,1\n", "", "are taken for fractions, as none is above 1 (0.9 to 1)"),
    ):
        assert any(words in note for note in from_file(written(text), unit=unit).notes)


@pytest.mark.parametrize(
    "text",
    [
        "source,en,de,fi\nen,1,3,2\nde,2,1,3\nfi,3,2,1\n",  # of the sources of each target, and the other way round
        "source,en,de,fi\nen,,2,1\nde,1,,2\nfi,2,1,\n",
        "source,en,de,fi\nen,1,3,1.5\nde,2.5,1,1.5\nfi,2.5,2,3\n",  # ties share the mean of their ranks
        "source,en,de,fi\nen,1,3,1\nde,2,1,1\nfi,2,2,3\n",  # or the best of them
        "source,en,de,fi\nen,1,9,3\nde,4,5,8\nfi,7,2,6\n",  # of all pairs
    ],
)
def test_ranks_are_no_scores(written, text):
    with pytest.raises(DataError, match="look like ranks"):
        from_file(written(text))
    assert max(pairs(from_file(written(text), unit="percent")).values()) <= 0.09


@pytest.mark.parametrize(
    "text",
    [
        "source,en,de,fi\nen,2,3,2\nde,3,2,3\nfi,1,1,4\n",  # low percents
        "source,en,de,fi\nen,1,0,1\nde,0,1,0\nfi,1,1,0\n",  # fractions of few examples
        "source,en,de\nen,1,2\nde,2,1\n",  # too few to say
    ],
)
def test_whole_numbers_need_not_be_ranks(written, text):
    assert from_file(written(text)).notes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sorce,target,f1\nen,de,70\nen,fi,50\n",
         r"which column is the source\? Columns: sorce, target, f1 \(the target is 'target'; the score is 'f1'\). "
         r"The source: did you mean 'sorce'\? Call it source in the first line"),
        ("run,train_language,lang,acc\n1,en,de,70\n1,en,fi,50\n",
         r"which column is the target\?.*The target: known: lang, run Call it target .* test, target, tgt"),
        ("train,test,number\nen,de,70\n", r"which column is the score\?.*: known: number Call it score"),
        ("a,b,c\nen,de,70\n", r"the source and which the target and which the score\? Columns: a, b, c"),
    ],
)  # fmt: skip
def test_a_column_of_pairs_that_cannot_be_told_is_asked_for(written, text, words):
    with pytest.raises(DataError, match=words):
        from_file(written(text))


def test_no_file(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv: no such file"):
        from_file(tmp_path / "none.csv")


def test_families_and_branches(written):
    path = written(
        "English IE, Germanic\nOld_French IE, Romance\nFinnish Uralic\nKlingonese Conlang\nEnglish Other\n", "f.txt"
    )
    found = read_families(path, {"eng", "fin"})
    assert found.family == {"eng": "IE", "fro": "IE", "fin": "Uralic"}
    assert found.branch["fro"] == "IE, Romance"
    assert any("Klingonese" in note for note in found.notes)
    with pytest.raises(DataError, match="no family for deu"):
        read_families(path, {"deu"})
    with pytest.raises(DataError, match="line 1: expected a language and its family"):
        read_families(written("English\n", "g.txt"), set())


def test_sets_of_languages(written):
    assert read_languages(written("en, de  # seen\nOld_French\n", "seen.txt")) == {"eng", "deu", "fro"}
    with pytest.raises(DataError, match="unknown language"):
        read_languages(written("xqz\n", "seen.txt"))


def test_populations(written):
    assert read_populations(written("language,speakers\nen,4e8\nde,9_0\n")) == {"eng": 4e8, "deu": 90.0}
    for text, message in (
        ("en,1\nen,2\n", "twice"), ("en,-1\n", "-1.0 speakers"), ("a,b\nen,many\n", "is no number"),
        ("en\n", "expected"),
        ("qqq,5\n", "unknown language"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=message):
            read_populations(written(text))
