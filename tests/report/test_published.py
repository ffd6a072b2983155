"""Published figures stand beside own runs, are told apart from them, and are never counted where they are at fault."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from harness.errors import DataError
from harness.report import published
from harness.report.gathered import gather
from harness.report.values import Kind
from harness.stats.averages import contradicts
from harness.storage.store import Store
from harness.sweep.options import Options
from tests.conftest import ROOT
from tests.report import convert_published
from tests.report.stores import put

OPTIONS = Options()
FOLDER = ROOT / "results" / "published"
HEADER = "suite,task,metric,model,protocol,source,target,score,origin,flag\n"
LINE = "xtreme,pawsx,accuracy,BERT,zero-shot,en,{target},{score},a paper,{flag}\n"
PAWSX = ("de", "en", "es", "fr", "ja", "ko", "zh")


def write(folder: Path, text: str, name: str = "mine.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def lines(score=80, flagged="", targets=PAWSX):
    return HEADER + "".join(
        LINE.format(target=code, score=score + i, flag="misprint" if code == flagged else "")
        for i, code in enumerate(targets)
    )


def board_of(store, *paths, suite="xtreme"):
    found = gather([store.root], OPTIONS, published=paths, paired=False)
    return found, next(board for board in found.boards if board.suite == suite)


@pytest.fixture
def store(tmp_path):
    found = Store(tmp_path / "results")
    put(found, dict.fromkeys(("deu", "eng", "spa", "fra", "jpn", "kor", "zho-Hans"), 7), "pawsx")
    return found


def test_a_published_row_stands_beside_own_runs_without_a_rank(store, tmp_path):
    report, board = board_of(store, write(tmp_path, lines()))
    entry = report.entries["published.bert.zero-shot.eng"]
    assert (entry.kind, entry.protocol, entry.origin, entry.seeds) == (Kind.PUBLISHED, "zero-shot", "a paper", ())
    task = board.tasks["pawsx"]
    assert task.scores[entry.id]["zho-Hans"].value == pytest.approx(0.86)
    assert task.scores[entry.id]["zho-Hans"].records == ()
    assert task.over[entry.id].mean == pytest.approx(0.83)
    order = [(one.entry, one.rank, one.win_rate, one.borda) for one in board.standings]
    assert order == [(entry.id, None, None, None), ("mine.eng", 1, None, 0.0)]
    assert "published figures (not run here, so that their evaluation data may be other)" in board.ranked_by.casefold()
    assert task.floor == {}


def test_a_flagged_figure_is_shown_and_never_counted(store, tmp_path):
    _, board = board_of(store, write(tmp_path, lines(flagged="ja")))
    task, name = board.tasks["pawsx"], "published.bert.zero-shot.eng"
    assert (task.scores[name]["jpn"].value, task.scores[name]["jpn"].flag) == (pytest.approx(0.84), "misprint")
    assert (task.over[name].mean, task.over[name].missing) == (None, ("jpn",))
    assert next(one for one in board.standings if one.entry == name).score is None


def test_a_printed_average_stands_for_languages_that_are_not_printed(store, tmp_path):
    text = HEADER + LINE.format(target="all", score=81.5, flag="")
    _, board = board_of(store, write(tmp_path, text))
    over = board.tasks["pawsx"].over["published.bert.zero-shot.eng"]
    assert (over.mean, over.have, over.want) == (pytest.approx(0.815), 0, 7)
    _, other = board_of(store, write(tmp_path, text), suite="xglue")  # an average is of its suite alone
    assert "published.bert.zero-shot.eng" not in other.tasks["pawsx"].over


def test_figures_need_every_metric_of_the_suite(tmp_path):
    store = Store(tmp_path / "results")
    put(store, {"eng": 5, "deu": 5}, "mlqa", metrics=("mlqa_f1",))
    row = "xtreme,mlqa,mlqa_f1,BERT,zero-shot,en,de,60,a paper,\n"
    found, board = board_of(store, write(tmp_path, HEADER + row), suite="xglue")  # counts F1 alone
    assert board.tasks["mlqa"].scores["published.bert.zero-shot.eng"]["deu"].value == 0.6
    assert all(one.suite != "xtreme" for one in found.boards)  # which takes exact match as well, and nobody has it


def test_figures_alone_make_no_board_unless_their_suite_is_named(store, tmp_path):
    path = write(tmp_path, HEADER + "xtreme,xnli,accuracy,BERT,zero-shot,en,de,60,a paper,\n")
    _, board = board_of(store, path)
    assert list(board.tasks) == ["pawsx"]
    (alone,) = gather([], OPTIONS, suites=["xtreme"], published=[path]).boards
    assert (list(alone.tasks), len(alone.standings)) == (["xnli"], 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("suite,task,metric,model\n", "line 1: columns missing: protocol, source"),
        (HEADER.replace("metric", "metrik"), "line 1: column 'metrik': did you mean 'metric'"),
        (HEADER + LINE.format(target="de", score="eighty", flag=""), "line 2: score 'eighty': a number from 0 to 100"),
        (HEADER + LINE.format(target="de", score="nan", flag=""), "line 2: score 'nan'"),
        (HEADER + LINE.format(target="de", score="180", flag=""), "line 2: score '180'"),
        (HEADER + LINE.format(target="sw", score="80", flag=""), "line 2: pawsx has no swh"),
        (HEADER + LINE.format(target="klingon", score="80", flag=""), "line 2: unknown language 'klingon'"),
        (HEADER + LINE.format(target="", score="80", flag=""), "line 2: target is empty"),
        (
            HEADER + LINE.format(target="de", score="80", flag="").replace("pawsx", "pawx"),
            "line 2: unknown task 'pawx'",
        ),
        (
            HEADER + LINE.format(target="de", score="80", flag="").replace("accuracy", "f1"),
            "pawsx does not report 'f1'",
        ),
        (HEADER + LINE.format(target="all", score="80", flag="").replace("xtreme", "glue"), "suite 'glue'"),
        (HEADER + LINE.format(target="all", score="80", flag="").replace("xtreme", ""), "name the suite that it is of"),
        (HEADER + "xtreme,pawsx,accuracy\n", "line 2: not as many fields as columns"),
        (HEADER + 2 * LINE.format(target="de", score="80", flag=""), "line 3: the same figure stands in .*line 2"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_line(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(DataError, match=message) as error:
        published.read([path], OPTIONS)
    assert str(error.value).startswith(str(path))


def test_a_file_that_is_no_text_is_told(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_bytes(b"\xff\xfe\x00suite")
    with pytest.raises(DataError, match="cannot be read as CSV in UTF-8"):
        published.read([path], OPTIONS)


def test_the_figures_that_come_with_the_harness_can_be_read():
    found = published.read(published.files(FOLDER), OPTIONS)
    tasks = {place.task for source in found for place in source.figures}
    assert {"xnli", "pawsx", "xquad", "mlqa", "panx", "tatoeba"} <= tasks
    languages = {place.language for source in found for place in source.figures if place.task == "panx"} - {""}
    assert len(languages) == 48
    assert len({entry.id for entry in published.entries(found)}) == len(found)
    assert all(source.origin and source.protocol for source in found)


def test_printed_averages_are_the_means_of_their_rows_but_for_the_faults_that_are_flagged():
    rows, printed, flagged = defaultdict(dict), {}, set()
    for path in published.files(FOLDER):
        for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines()):
            name = tuple(row[key] for key in ("suite", "task", "metric", "model", "protocol", "source", "origin"))
            if row["target"] == "all":
                printed[name] = float(row["score"])
            else:
                rows[name][row["target"]] = float(row["score"])
                if row["flag"]:
                    flagged.add((row["task"], row["metric"], row["model"], row["target"]))
    checked = {name: list(rows[name].values()) for name in printed if name in rows}
    faults = {name[1:4] for name, scores in checked.items() if contradicts(printed[name], scores)}
    assert len(checked) > 60
    assert faults == {("mlqa", "mlqa_f1", convert_published.PAPER), ("xquad", "squad_f1", "XLM-R Base (Paper)")}
    assert {one[:3] for one in flagged} >= faults
    assert {one for one in flagged if one[3] == "hin"} == {(*fault, "hin") for fault in faults}


def test_the_files_are_what_the_conversion_makes(real_data):
    table = real_data / "published" / "scores.csv"
    if not table.is_file():
        pytest.skip("no published scores in the folder of real data")
    for name, rows in convert_published.converted(table).items():
        with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            assert list(csv.DictReader(file)) == rows
