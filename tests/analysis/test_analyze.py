"""The verb: files, figures, JSON, MLflow runs, and one analysis that fails while the others go on."""

from __future__ import annotations

import json
from importlib.resources import files

import jsonschema
import numpy as np
import pandas as pd
import pytest

from harness import analyze as verb
from harness.analysis import catalogue
from harness.analysis.figures import style
from harness.analysis.figures.heatmap import heatmap, order
from harness.analysis.request import Request
from harness.errors import HarnessError
from tests.analysis.conftest import grid_of

CODES = ["eng", "deu", "nld", "swe", "rus", "pol", "fra", "spa", "fin", "tur"]


@pytest.fixture
def matrix(tmp_path):
    """Ten languages by ten whose scores fall with how far their places in the list are apart; one cell is empty."""
    rng = np.random.default_rng(0)
    place = np.arange(10)
    scores = 0.9 - 0.05 * np.abs(place[:, None] - place) - 0.02 * place + 0.02 * rng.normal(size=(10, 10))
    table = pd.DataFrame(scores.round(4), index=pd.Index(CODES, name="source"), columns=CODES)
    table.loc["tur", "eng"] = np.nan
    path = tmp_path / "toy.csv"
    table.to_csv(path)
    return path


@pytest.fixture
def distance(tmp_path):
    place = np.arange(10)
    table = pd.DataFrame(np.abs(place[:, None] - place), index=CODES, columns=CODES)
    path = tmp_path / "apart.csv"
    table.to_csv(path)
    return path


def asked(matrix, distance, tmp_path, **changes):
    plain = {"matrix": matrix, "distances": [str(distance)], "out": tmp_path / "out", "results": tmp_path}
    return Request(**(plain | {"replicates": 30, "permutations": 99} | changes))


def test_every_analysis_writes_tables_figures_and_what_it_was_made_from(matrix, distance, tmp_path):
    report = verb.analyze(asked(matrix, distance, tmp_path))
    assert report.failed == {}
    assert [one.name for one in report.results] == [
        name for name in catalogue.ANALYSES if name not in ("few_shot", "selection", "consistency", "utility")
    ]
    for result in report.results:
        folder = tmp_path / "out" / result.name
        content = json.loads((folder / "result.json").read_text())
        assert content["parameters"]["distances"] == "apart"
        for name, table in result.tables.items():
            pd.testing.assert_frame_equal(pd.read_parquet(folder / f"{name}.parquet"), table, check_dtype=False)
            assert (folder / f"{name}.csv").is_file()
        for name in result.figures:
            assert (folder / f"{name}.svg").read_text().startswith("<?xml")
            assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    numbers = next(one for one in report.results if one.name == "correlation").numbers()
    assert numbers["corr.toy.apart.spearman"] < -0.5
    assert numbers["corr.toy.apart.spearman.n"] == 89
    assert all(np.isfinite(value) for value in numbers.values())
    assert any("1 of 90 source-target cells have no score" in note for one in report.results for note in one.notes)


def test_the_index_names_every_file_and_every_file_is_in_the_index(matrix, distance, tmp_path):
    verb.analyze(asked(matrix, distance, tmp_path))
    out = tmp_path / "out"
    index = json.loads((out / "index.json").read_text())
    schema = json.loads(files("harness.schema").joinpath("analysis.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(index, schema)
    named = {"index.json"}
    for one in index["analyses"]:
        named.add(one["result"])
        for table in one["tables"]:
            assert len(pd.read_csv(out / table["csv"], keep_default_na=False)) == table["rows"]
            named |= {table["csv"], table["parquet"]}
        for figure in one["figures"]:
            assert figure["title"]
            named |= {figure["svg"], figure["png"]}
    assert named == {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    (heatmap,) = next(one for one in index["analyses"] if one["name"] == "profile")["figures"]
    assert heatmap["caption"].startswith("10 sources, 10 targets, 99 scores, 10 of them of a source on itself")


def test_what_an_earlier_call_drew_does_not_stay(matrix, distance, tmp_path):
    verb.analyze(asked(matrix, distance, tmp_path, only=["profile"]))
    (tmp_path / "out" / "profile" / "heatmap_old.png").write_bytes(b"")
    verb.analyze(asked(matrix, distance, tmp_path, only=["profile"]))
    assert not (tmp_path / "out" / "profile" / "heatmap_old.png").exists()


def test_a_folder_that_is_none_of_ours_is_not_emptied(matrix, distance, tmp_path):
    mine = tmp_path / "out" / "profile" / "notes.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    verb.analyze(asked(matrix, distance, tmp_path, only=["profile"]))
    assert mine.read_text() == "mine"


def test_one_failure_is_told_and_the_others_go_on(matrix, distance, tmp_path, monkeypatch, capsys):
    def broken(given):
        raise ZeroDivisionError("no such luck")

    monkeypatch.setattr(verb, "ANALYSES", catalogue.ANALYSES | {"gap": broken})
    request = asked(matrix, distance, tmp_path, only=["summary", "gap", "profile"])
    assert verb.show(request, None, "harness", as_json=False) == 1
    assert "analysis gap failed: ZeroDivisionError: no such luck" in capsys.readouterr().out
    assert (tmp_path / "out" / "profile" / "result.json").is_file()


def test_unknown_analyses_and_empty_stores(matrix, distance, tmp_path):
    with pytest.raises(HarnessError, match="did you mean 'correlation'"):
        verb.analyze(asked(matrix, distance, tmp_path, only=["corelation"]))
    with pytest.raises(HarnessError, match="no store there yet"):
        verb.analyze(Request(results=tmp_path / "none"))


def test_command_line_with_json_and_mlflow(matrix, distance, tmp_path, harness):
    done = harness(
        "analyze", "--matrix", str(matrix), "--distances", f"{distance},same_script", "--only", "correlation", "--only",
        "regret", "--resamples", "20", "--uri", f"sqlite:///{tmp_path}/ml.db", "--json", code=0,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert set(told["analyses"]) == {"correlation", "regret"}
    assert "corr.toy.same_script.kendall" in told["analyses"]["correlation"]["metrics"]
    import mlflow

    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/ml.db")
    runs = client.search_runs([client.get_experiment_by_name("harness").experiment_id])
    by_name = {run.data.tags["harness.analysis"]: run for run in runs}
    assert set(by_name) == {"correlation", "regret"}
    run = by_name["correlation"]
    assert run.info.status == "FINISHED"
    assert run.data.tags["analysis.schema"] == "1"
    assert run.data.params["seed"] == "0"
    assert {"corr.toy.apart.spearman", "corr.toy.apart.spearman.ci_low", "undefined"} <= run.data.metrics.keys()
    files = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert {"correlation.csv", "correlation.parquet", "distances_toy.svg", "distances_toy.png"} <= files


def test_an_unclear_matrix_exits_with_2(tmp_path, harness):
    (tmp_path / "m.csv").write_text(",en,de\nen,50,60\n")
    done = harness("analyze", "--matrix", "m.csv", code=2)
    assert "--orientation" in done.stderr


def test_the_heat_map_hatches_what_is_missing_and_outlines_the_diagonal():
    scores = np.random.default_rng(0).uniform(size=(3, 4))
    scores[0, 3] = np.nan
    figure = heatmap(grid_of(scores, CODES[:3], CODES[:4]), dict.fromkeys(CODES, "IE"))
    patches = figure.axes[0].patches
    assert sum(patch.get_hatch() is not None for patch in patches) == 1
    assert sum(patch.get_hatch() is None for patch in patches) == 2 * 3
    assert "1 cells have no score (hatched)" in figure.get_supxlabel().replace("\n", " ")


def test_languages_stand_by_family_the_largest_first():
    families = {"fin": "U", "eng": "IE", "deu": "IE", "nld": "IE", "est": "U", "tur": "T"}
    codes = ["fin", "eng", "tur", "deu", "est", "nld"]
    found = [families[codes[i]] for i in order(codes, np.random.default_rng(0).uniform(size=(6, 4)), families)]
    assert found == ["IE", "IE", "IE", "U", "U", "T"]


def test_equal_figures_are_equal_files(tmp_path):
    for name in ("one", "two"):
        with style.fonts():
            style.write(heatmap(grid_of(np.eye(3) / 2, CODES[:3], CODES[:3]), {}), tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


@pytest.mark.parametrize(
    "text",
    [
        "source,eng,deu,fra,spa,fin\neng,90,70,60,65,40\n",  # one source
        "source,eng\ndeu,50\nfra,60\nspa,55\n",  # one target
        "source,eng,deu\neng,90,70\ndeu,60,90\n",
        "source,eng,deu,fra\neng,,70,70\ndeu,70,,70\nfra,70,70,\n",  # constant
        "source,eng,deu,fra,spa\neng,,70,,60\ndeu,,,50,\nfra,40,,,30\nspa,,20,,\n",
        "source,tur\ndeu,50\n",  # one pair
    ],
)
def test_every_analysis_answers_matrices_that_are_hardly_any(text, tmp_path, capsys):
    (tmp_path / "m.csv").write_text(text)
    request = Request(matrix=tmp_path / "m.csv", out=tmp_path / "out", results=tmp_path, replicates=20, permutations=99)
    assert verb.show(request, None, "harness", as_json=False) == 0, capsys.readouterr().out
    for path in (tmp_path / "out").glob("*/*.parquet"):
        table = pd.read_parquet(path)
        if "p" in table and path.stem == "permutation":
            assert table["p"].isna().all()  # fewer than eight languages
        if {"value", "reason"} <= set(table):
            assert (table["value"].notna() | (table["reason"] != "")).all()
