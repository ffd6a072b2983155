"""Every export says the same numbers as the report, is well-formed whatever models are called, and marks the best."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from importlib.resources import files

import jsonschema
import pandas as pd
import pytest

from harness.report import exports, marked, published
from harness.report.as_json import as_json
from harness.report.exports import write_exports
from harness.report.gathered import gather
from harness.report.latex import latex
from harness.report.markdown import markdown
from harness.report.tables import long_frame, overview_frame, task_frame
from harness.storage.store import Store
from harness.suites import read_suite
from harness.sweep.options import Options
from tests.conftest import ROOT
from tests.report.stores import put

OPTIONS = Options()
SCHEMA = json.loads(files("harness.schema").joinpath("report.json").read_text())
NLI = "mini_nli"
HOSTILE = r"<script>alert('x')</script> | a_b & 50% {x} \end #1 $y$ [a](b) *c*"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    found = Store(tmp_path_factory.mktemp("store") / "results")
    suite = read_suite("mini", OPTIONS)
    for model, right in {"good": 28, "near": 27, "bad": 9}.items():
        cells = {code: [1] * right + [0] * (30 - right) for code in suite.tasks[NLI].languages}
        put(found, cells, model=model)
    put(found, dict.fromkeys(("deu", "fin"), 5), model="short", sources=("deu",))
    put(found, dict.fromkeys(suite.tasks[NLI].languages, 3), model="majority", family="majority")
    return found


@pytest.fixture(scope="module")
def report(store):
    return gather([store.root], OPTIONS)


@pytest.fixture(scope="module")
def one_source(store):
    return gather([store.root], OPTIONS, where=["sources=eng"])


def test_the_json_obeys_its_schema_and_is_complete(report):
    found = json.loads(json.dumps(as_json(report), allow_nan=False))
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(found, SCHEMA)
    (board,) = found["boards"]
    task = board["tasks"][NLI]
    place = task["languages"].index("fin")
    assert task["scores"]["good.eng"]["value"][place] == round(28 / 30, 6)
    assert task["scores"]["short.deu"]["value"].count(None) == 14
    assert [one["entry"] for one in board["standings"]] == [one.entry for one in report.boards[0].standings]
    assert found["entries"]["good.eng"]["cost"]["seconds"] == {"train": 2.0, "score": 1.0}


def test_published_figures_obey_the_schema_too():
    paths = published.files(ROOT / "results" / "published")
    report = gather([], OPTIONS, suites=["xtreme"], published=paths)
    found = json.loads(json.dumps(as_json(report), allow_nan=False))
    jsonschema.validate(found, SCHEMA)
    flagged = [one["flags"] for one in found["boards"][0]["tasks"]["mlqa"]["scores"].values() if "flags" in one]
    assert {"hin"} in [set(flags) for flags in flagged]


def test_frames_hold_the_report_s_numbers(report):
    (board,) = report.boards
    overview, task, scores = overview_frame(report, board), task_frame(report, board, NLI), long_frame(report)
    assert overview["entry"].tolist() == [one.entry for one in board.standings]
    assert overview["score"].tolist()[:-1] == [one.score for one in board.standings][:-1]
    assert pd.isna(overview["score"].iloc[-1])  # `short` lacks most languages
    assert task.set_index("entry").loc["bad.eng", "fin"] == pytest.approx(0.3)
    assert task.set_index("entry")["fin"].notna().all()
    assert pd.isna(task.set_index("entry").loc["short.deu", "swh"])
    assert len(scores) == 4 * 16 + 2
    assert not scores.duplicated(["task", "metric", "entry", "language"]).any()


def test_a_score_on_two_boards_stands_once_in_the_long_table(tmp_path):
    store = Store(tmp_path / "results")
    put(store, {"eng": 5}, "xnli")
    report = gather([store.root], OPTIONS, paired=False)
    assert {board.suite for board in report.boards} == {"xtreme", "xtreme_r", "xglue"}
    assert len(long_frame(report)) == 1


def rows(text):
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_markdown_marks_the_best_and_those_as_good(one_source):
    (board,) = one_source.boards
    head, _, *body = rows(markdown(marked.task(one_source, board, NLI)))
    by = {line[0]: dict(zip(head, line, strict=True)) for line in body}
    assert by["good"]["deu"] == "**93.3**"
    assert by["near"]["deu"] == "*90.0*"
    assert by["bad"]["deu"] == "30.0"
    assert by["majority (floor)"]["deu"] == "30.0"
    assert by["good"]["mean"].startswith("**93.3 \\[")
    head, _, *body = rows(markdown(marked.overview(one_source, board)))
    assert body[0][head.index("rank")] == "1"
    assert body[-1][head.index("rank")] == "-"


def test_latex_underlines_what_is_not_significantly_worse(one_source):
    (board,) = one_source.boards
    text = latex(marked.task(one_source, board, NLI))
    good, near, bad = (
        next(line for line in text.splitlines() if line.startswith(name)) for name in ("good", "near", "bad")
    )
    assert r"\textbf{93.3}" in good
    assert near.count(r"\underline{90.0}") == 16
    assert "textbf" not in bad
    assert "underline" not in bad
    for part in (r"\toprule", r"\midrule", r"\bottomrule", r"\label{tab:mini.zero-shot-mini-nli}"):
        assert text.count(part) == 1


def test_plain_means_of_other_sources_are_never_the_best(report):
    (board,) = report.boards
    for table in (marked.overview(report, board), marked.task(report, board, NLI)):
        column = table.columns.index("mini_nli" if "rank" in table.columns else "mean")
        assert {row[column].stress for row in table.rows} == {marked.Stress.PLAIN}


def test_whatever_a_model_is_called_no_table_breaks(report):
    hostile = replace(report.entries["good.eng"], model=HOSTILE, options="a\nb\r\n\n\\end{table}")
    report = replace(report, entries={**report.entries, "good.eng": hostile})
    table = marked.overview(report, report.boards[0])
    text = markdown(table)
    assert "<script>" not in text
    assert len({len(row) for row in rows(text)}) == 1
    source = latex(table)
    assert source.count(r"\end{table}") == 1
    body = source.split(r"\midrule")[1].split(r"\bottomrule")[0]
    line = next(it for it in body.splitlines() if "script" in it)
    assert len(re.findall(r"(?<!\\)&", line)) == len(table.columns) - 1
    assert not re.search(r"(?<!\\)[%#$_]", line)
    assert line.count("{") - 2 * line.count(r"\{") == line.count("}") - 2 * line.count(r"\}")


def test_all_files_are_written_and_read_back(report, tmp_path):
    written = {path.name: path for path in write_exports(report, tmp_path / "exports")}
    assert {"report.json", "scores.csv", "mini.zero_shot.csv", "mini.zero_shot.md", "mini.zero_shot.tex",
            "mini.zero_shot-mini_nli.csv", "languages-mini.zero_shot-mini_nli.svg",
            "languages-mini.zero_shot-mini_nli.png"} <= written.keys()  # fmt: skip
    jsonschema.validate(json.loads(written["report.json"].read_text()), SCHEMA)
    pd.testing.assert_frame_equal(
        pd.read_csv(written["scores.csv"]).fillna({"flag": ""}).astype({"flag": str}),
        long_frame(report),
        check_dtype=False,
        atol=1e-5,
    )
    assert written["languages-mini.zero_shot-mini_nli.png"].read_bytes()[:4] == b"\x89PNG"
    picture = written["languages-mini.zero_shot-mini_nli.svg"].read_text()
    assert "synthetic data" in picture
    assert "zho-Hans" in picture
    again = write_exports(report, tmp_path / "again")
    assert all(path.read_bytes() == written[path.name].read_bytes() for path in again)


def test_many_scores_are_packed_and_wide_tables_are_for_machines(report, tmp_path, monkeypatch):
    monkeypatch.setattr(exports, "PACKED", 5)
    monkeypatch.setattr(exports, "WIDEST", 15)
    monkeypatch.setattr(exports, "figures", lambda report: {})
    names = {path.name: path for path in write_exports(report, tmp_path)}
    assert gzip.decompress(names["scores.csv.gz"].read_bytes()).decode().startswith("task,metric,entry,language,score")
    assert "mini.zero_shot-mini_nli.csv" in names
    assert "mini.zero_shot-mini_nli.md" not in names


def test_two_sources_of_a_model_make_a_heat_map(tmp_path):
    store = Store(tmp_path / "results")
    for source in ("deu", "eng"):
        put(store, {"deu": 5, "eng": 6, "fin": 7}, sources=(source,))
    written = write_exports(gather([store.root], OPTIONS, paired=False), tmp_path / "exports")
    (picture,) = (path for path in written if path.name.startswith("sources-") and path.suffix == ".svg")
    assert "2 sources, 16 targets, 6 scores" in " ".join(re.findall(r">([^<]+)</text>", picture.read_text()))
