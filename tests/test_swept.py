"""What a sweep ends with: its analysis, once, beside records that nothing of it touches."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness import swept
from harness.errors import HarnessError
from harness.sweep.compose import sweep
from harness.sweep.plan import plan

SWEEP = (
    "task=mini_ner,mini_pos", "model=lexical", "source=eng,deu,fin", "target=eng,deu,fin,spa", "train.epochs=1",
)  # fmt: skip


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "runs").rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("swept")
    command = [sys.executable, "-m", "harness", "run", "-m", *SWEEP]
    first = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert first.returncode == 0, first.stderr
    return folder, first


def analysis(folder: Path) -> Path:
    (found,) = (folder / "results" / "analysis").iterdir()
    return found


def planned(folder: Path, *more: str):
    asked = sweep([*SWEEP, f"results={folder / 'results'}", "tracking=none", *more], multirun=True)
    return plan(asked), asked


def test_a_sweep_ends_with_its_analysis(done):
    folder, first = done
    assert "What explains transfer" in first.stdout
    assert "Which source to choose" in first.stdout
    assert "Synthetic languages" in first.stdout
    out = analysis(folder)
    assert out.name.startswith("sweep-")
    assert str(out) in first.stderr
    content = json.loads((out / "correlation" / "result.json").read_text())
    assert content["parameters"]["tasks"] == "mini_ner, mini_pos"
    assert content["parameters"]["provenance"] == "synthetic"
    assert "character_ngrams" in content["parameters"]["distances"]
    assert "synthetic languages" in (out / "profile" / "heatmap_mini_ner.svg").read_text()
    # four languages: there is no p-value
    tests = json.loads((out / "permutation" / "result.json").read_text())["metrics"]
    assert tests
    assert not any(name.endswith(".p") for name in tests)


def test_its_runs_are_children_of_the_sweeps(done):
    import mlflow

    folder, _ = done
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{folder}/results/mlflow.db")
    runs = client.search_runs([client.get_experiment_by_name("harness").experiment_id])
    by_kind: dict[str, list] = {}
    for run in runs:
        by_kind.setdefault(run.data.tags["harness.kind"], []).append(run)
    (parent,) = by_kind["sweep"]
    names = {run.data.tags["harness.analysis"] for run in by_kind["analysis"]}
    assert {"summary", "correlation", "regret", "mixed"} <= names
    assert {run.data.tags["mlflow.parentRunId"] for run in by_kind["analysis"]} == {parent.info.run_id}
    assert {run.data.tags["harness.provenance"] for run in by_kind["analysis"]} == {"synthetic"}
    (one,) = (run for run in by_kind["analysis"] if run.data.tags["harness.analysis"] == "correlation")
    assert one.data.metrics["corr.mini_ner.family_tree.spearman.n"] == 9
    assert "distances_mini_ner.png" in {file.path for file in client.list_artifacts(one.info.run_id)}


def test_the_same_cells_are_not_analysed_again_and_more_cells_are(done, capsys, monkeypatch):
    folder, _ = done
    before = {path: path.stat().st_mtime_ns for path in analysis(folder).rglob("*")}
    assert swept.analysed(*planned(folder), parent=None, quiet=False)
    assert {path: path.stat().st_mtime_ns for path in analysis(folder).rglob("*")} == before
    said = capsys.readouterr()
    assert "What explains transfer" in said.out
    assert "analysing" not in said.err
    cell = next((folder / "results" / "runs").rglob("spa.json"))
    aside = cell.with_suffix(".aside")
    cell.rename(aside)
    monkeypatch.setattr(swept, "_write", lambda *_: {})
    assert swept.analysed(*planned(folder), parent=None, quiet=True)
    aside.rename(cell)
    assert "analysing 23 cells" in capsys.readouterr().err


def test_a_failure_is_told_and_harms_no_record(done, capsys, monkeypatch):
    folder, _ = done
    before = digests(folder / "results")
    (analysis(folder) / swept.DONE).unlink()

    def broken(*_):
        raise RuntimeError("no such luck")

    monkeypatch.setattr("harness.analyze.analyze", broken)
    assert not swept.analysed(*planned(folder), parent=None, quiet=False)
    assert "the analysis failed: RuntimeError: no such luck" in capsys.readouterr().err
    monkeypatch.undo()
    monkeypatch.setattr("harness.analyze.ANALYSES", {"gap": broken})
    assert not swept.analysed(*planned(folder), parent=None, quiet=True)
    assert "analysis gap failed: RuntimeError: no such luck" in capsys.readouterr().err
    assert not (analysis(folder) / swept.DONE).exists()  # so that it is tried again
    assert digests(folder / "results") == before


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (["source=eng,deu"], "fewer than 3 sources"),
        (["target=eng,deu"], "fewer than 3 sources or 3 targets"),
        (["model=majority"], "no single-source job of a trained model"),
        (["limit=5"], "no single-source job of a trained model on all of its data"),
        (["task=mini_nli"], "nothing was measured"),
    ],
)
def test_what_is_too_small_is_not_analysed_and_says_why(more, why, done, capsys):
    folder, _ = done
    assert swept.analysed(*planned(folder, *more), parent=None, quiet=False)
    said = capsys.readouterr()
    assert f"no analysis: {why}" in said.err
    assert said.out == ""
    analysis(folder)  # there is still one


def test_it_can_be_switched_off_and_misspelt(harness):
    tiny = ("run", "-m", "task=mini_pos", "model=majority", "source=eng", "target=deu", "tracking=none")
    assert "no analysis" not in harness(*tiny, "analysis=none", code=0).stderr
    assert "no analysis" in harness(*tiny, code=0).stderr
    assert "analysis=atuo: did you mean 'auto'" in harness(*tiny, "analysis=atuo", code=2).stderr
    with pytest.raises(HarnessError, match="analysis="):
        swept.wanted({"analysis": False})


def test_an_analysis_of_typology_imports_no_network(tmp_path):
    (tmp_path / "m.csv").write_text("source,eng,deu,fin\neng,90,70,60\ndeu,60,90,50\nfin,40,50,90\n")
    code = (
        "import sys; from pathlib import Path; from harness.analysis.request import Request\n"
        "from harness import analyze\n"
        "analyze.analyze(Request(matrix=Path('m.csv'), results=Path('r'), out=Path('out'), only=['gap']))\n"
        "assert not {'torch', 'transformers', 'sklearn', 'mlflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
