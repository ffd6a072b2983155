"""What is said of matrices that do not carry an answer: each in one line, and never a silent number."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from harness.analysis.request import Request
from harness.analyze import analyze
from harness.cli import main

FEW = "source,eng,deu,fra,spa,fin\neng,90,70,60,65,40\ndeu,70,90,60,61,40\nfra,60,62,90,75,35\nspa,61,60,80,90,33\n"
ONE = "source,eng,deu,fra,spa,fin\neng,90,70,60,65,40\n"


def notes(text, tmp_path, *names):
    (tmp_path / "m.csv").write_text(text)
    report = analyze(
        Request(
            matrix=tmp_path / "m.csv", results=tmp_path, out=tmp_path / "out", replicates=20, permutations=99,
            distances=names, only=["summary", "correlation", "permutation", "mixed", "clusters"],
        )
    )  # fmt: skip
    assert report.failed == {}
    return [*report.notes, *(note for one in report.results for note in one.notes)]


def test_too_few_languages_are_said_once_for_all_distances(tmp_path):
    said = notes(FEW, tmp_path, "family_tree", "great_circle")
    assert "m, published: 4 languages: below 8 there is no p-value (mantel, qap of family_tree, great_circle)" in said
    assert "m, published: 5 languages: below 8 there is no p-value (labels of family_tree, great_circle)" in said
    assert "m, published, mixed model: 5 languages: below 8 there is no p-value" in said
    assert (
        "m, published: 1 targets with 4 sources in common and a distance; no tree (family_tree, great_circle)" in said
    )


def test_one_source_is_named_as_the_reason(tmp_path):
    said = notes(ONE, tmp_path, "family_tree", "same_script")
    assert any("one source only (eng)" in note for note in said)
    assert "m, published: one source (mantel, qap, labels of family_tree, same_script)" in said
    assert not any("undefined, undefined" in note for note in said)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--unit", "percent"), "--unit says how a --matrix FILE is to be read"),
        (("--orientation", "sources"), "--orientation says how"),
        (("--matrix", "m.csv", "--where", "task=xnli"), "--where narrows a store"),
        (("--matrix", "m.csv"), "eng to eng: '90,5' is no number; write 90.5"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.csv").write_text("source;eng;deu\neng;90,5;70\n")
    done = CliRunner().invoke(main, ["analyze", *arguments])
    assert (done.exit_code, words in done.output) == (2, True), done.output


@pytest.mark.parametrize("corner", ["", "language"])
def test_the_corner_that_does_not_say_what_rows_are_is_shown(corner, tmp_path, harness):
    (tmp_path / "m.csv").write_text(f"{corner},eng,deu\neng,90,70\ndeu,60,80\n")
    told = harness("analyze", "--matrix", "m.csv", code=2).stderr
    assert ("upper left cell is empty" if not corner else "cell ('language') does not say") in told
    assert "Unnamed" not in told
