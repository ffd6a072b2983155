"""The pages as files: links lead somewhere, no two pages share a name, nothing a stranger writes becomes markup."""

from __future__ import annotations

import html
import json
import re
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.report.site import data, words
from harness.report.site.analyses import read_study, studies
from harness.report.site.order import ordered
from harness.report.site.pages import write_site
from harness.report.values import Pairs
from tests.report.sample import HOSTILE, Sample, sample


def written(folder: Path, made: Sample) -> Path:
    write_site(made.report, folder, pairs=made.pairs, mistakes=made.mistakes)
    return folder


class Page(HTMLParser):
    """The addresses, anchors and tags of a page."""

    def __init__(self, path):
        super().__init__()
        self.links, self.ids, self.tags, self.handlers = [], [], set(), []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.add(tag)
        self.links += [given[name] for name in ("href", "src") if given.get(name)]
        self.ids += [given["id"]] if "id" in given else []
        self.handlers += [name for name in given if name.startswith("on")]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return written(tmp_path_factory.mktemp("site"), sample(many=8))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    return written(tmp_path_factory.mktemp("hostile"), sample(many=8, odd=HOSTILE))


@pytest.mark.parametrize("which", ["site", "hostile"])
def test_every_link_leads_to_a_page_and_its_anchor_or_to_a_record(which, request):
    folder = request.getfixturevalue(which)
    pages = {path: Page(path) for path in folder.rglob("*.html")}
    assert len(pages) > 20
    records = set()
    for path, page in pages.items():
        assert len(page.ids) == len(set(page.ids)), path
        for link in page.links:
            parts = urlsplit(link)
            assert not parts.scheme, link
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if "runs" in target.parts:
                records.add(target)
            else:
                assert target.is_file(), (path, link)
                if parts.fragment and "=" not in parts.fragment:
                    assert unquote(parts.fragment) in pages[target].ids, (path, link)
    assert records
    assert {record.suffix for record in records} == {".json"}


def test_records_are_addressed_from_the_page_that_names_them(tmp_path):
    made = sample(many=4, tasks=1, models=2, sources=())
    out = tmp_path / "deep" / "report"
    written(out, made)
    score = made.report.boards[0].tasks["task_0"].scores["model-00.eng.demo-zero-shot"]["deu"]
    page = out / "task" / "demo-zero-shot-task_0.html"
    found = [link for link in Page(page).links if link.endswith("/deu.json")]
    assert Path(score.records[0]).resolve() in {(page.parent / link).resolve() for link in found}


def test_markup_in_names_stays_text(hostile):
    for path in hostile.rglob("*.html"):
        page = Page(path)
        assert "img" not in page.tags, path
        assert not page.handlers, path
        text = path.read_text(encoding="utf-8")
        scripts = re.findall(r"<script\b[^>]*>", text)
        assert all(re.search(r'src="(\.\./)?assets/\w+\.js"', script) for script in scripts), path
        assert html.escape(HOSTILE, quote=False)[:30] in html.escape(html.unescape(text), quote=False), path
    for path in hostile.rglob("data/**/*.js"):
        assert "<" not in path.read_text(encoding="utf-8"), path


def test_data_files_hold_one_value_each(site):
    for path in (site / "data").rglob("*.js"):
        name, value = json.loads(f"[{path.read_text(encoding='utf-8').removeprefix('report.put(').rstrip()[:-1]}]")
        assert path == site / "data" / f"{name}.js"
        assert value


def test_standard_errors_survive_their_packing():
    error = np.array([[0, 0.01, 0.03], [0.01, 0, np.nan], [0.03, np.nan, 0]])
    (value,) = data.pairs_value([Pairs("t", "deu", ("a", "b", "c"), error)], {"a": 4, "b": 0, "c": 2}).values()
    places, most, packed = value
    steps = np.frombuffer(b64decode(packed), "<u2")
    assert places == [4, 0, 2]
    np.testing.assert_allclose(steps / 65535 * most, [0.01, 0.03, 0], atol=1e-6)


def test_a_row_alone_has_no_pair():
    assert data.pairs_value([Pairs("t", "deu", ("a",), np.zeros((1, 1)))], {"a": 0}) == {}


def test_file_names_differ_where_names_do():
    names = ["XQuAD", "xquad", "x/quad", "../..", "<>", "a" * 300]
    found = words.file_names(names)
    assert len(set(found.values())) == len(names)
    assert all(re.fullmatch(r"[a-z0-9_-][a-z0-9._-]*", name) for name in found.values())
    assert max(map(len, found.values())) < 100


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (0.8125, "81.2"), (0.123456, "12.3"), (-0.031, "−3.1"), (1.0, "100.0"), (-0.0001, "0.0")],
)
def test_percent(value, text):
    assert words.percent(value) == text


def test_an_interval_below_zero_is_no_row_of_dashes():
    assert (words.span(0.101, 0.2), words.span(-0.006, 0.02)) == ("10.1–20.0", "−0.6 to 2.0")


def test_families_stand_together_large_ones_first():
    known = {"fin": {"family": "Uralic", "name": "Finnish"}, "est": {"family": "Uralic", "name": "Estonian"}}
    known |= {"tur": {"family": "Turkic", "name": "Turkish"}, "xxx": {}}
    assert [one.code for one in ordered(["xxx", "tur", "fin", "est"], known)] == ["est", "fin", "tur", "xxx"]


def test_a_mean_that_is_none_is_a_dash_with_its_reason_in_words(site):
    text = (site / "index.html").read_text(encoding="utf-8")
    assert 'title="task_0: no score in spa; task_1: no score in spa; task_0 has two runs' in text
    assert "<b>Model-01</b>: task_0: no score in spa;" in text
    assert "NaN" not in text
    assert "None" not in text


def test_what_is_published_flagged_or_synthetic_is_said_so(site):
    task = (site / "task" / "demo-zero-shot-task_0.html").read_text(encoding="utf-8")
    assert "Conneau et al. 2020, table 4. Not run again." in task
    assert "translate-train" in task
    assert "French: copied from another row of the same table" in task
    assert "synthetic data" in (site / "task" / "mini-task_0.html").read_text(encoding="utf-8")
    assert "synthetic data" not in task


def test_best_is_bold_and_level_underlined(site):
    made = sample(many=8).report
    board = made.boards[0].tasks["task_0"]
    text = (site / "task" / "demo-zero-shot-task_0.html").read_text(encoding="utf-8")
    runs = [id for id, entry in made.entries.items() if entry.kind == "run" and id in board.scores]
    for code in board.languages:
        best = max(runs, key=lambda run: board.scores[run][code].value if code in board.scores[run] else 0)
        shown = words.percent(board.scores[best][code].value)
        assert re.search(rf"<b><a [^>]*>{shown}</a></b>", text), code
    assert text.count("<u><a") == sum(len(level) - 1 for level in board.level.values())


def test_a_study_without_an_index_is_no_study_and_a_broken_one_is_told(tmp_path):
    (tmp_path / "analysis" / "sweep-1").mkdir(parents=True)
    assert studies([tmp_path / "analysis", tmp_path / "nowhere"]) == []
    index = tmp_path / "analysis" / "sweep-1" / "index.json"
    index.write_text('{"analyses": [')
    assert studies([tmp_path / "analysis"]) == [index.parent]
    with pytest.raises(HarnessError, match=r"sweep-1/index\.json: cannot be read .*`harness analyze`"):
        read_study(index.parent, "x", tmp_path / "out")


def test_a_study_cannot_name_files_outside_of_it(tmp_path):
    (tmp_path / "secret.svg").write_text("secret")
    folder = study(tmp_path / "a", figure="../secret.svg")
    with pytest.raises(HarnessError, match="lies outside"):
        read_study(folder, "x", tmp_path / "out")
    assert not list(tmp_path.glob("out/**/*.svg"))


def study(folder: Path, figure: str = "gap/bars.svg", caption: str = "Bars.") -> Path:
    """A folder as `harness analyze` writes it."""
    (folder / "gap").mkdir(parents=True)
    (folder / "gap" / "bars.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    (folder / "gap" / "gaps.csv").write_text("model,gap,n\n" + "".join(f"m{i},{i / 7},3\n" for i in range(120)))
    table = {"name": "gaps", "csv": "gap/gaps.csv", "rows": 120, "columns": ["model", "gap", "n"]}
    drawn = {"name": "bars", "svg": figure, "png": "", "title": "Gap", "caption": caption}
    one = {"name": "gap", "about": "How much is lost.", "notes": ["Two."], "tables": [table], "figures": [drawn]}
    index = {"parameters": {"provenance": "native"}, "notes": [], "failed": {"mixed": "why"}, "analyses": [one]}
    (folder / "index.json").write_text(json.dumps(index))
    return folder


def test_studies_have_pages_with_their_figures_and_the_first_rows_of_their_tables(tmp_path):
    made = sample(many=4, tasks=1, models=1, sources=())
    folder = study(tmp_path / "analysis" / "sweep-1", caption=f"Bars{HOSTILE}")
    out = tmp_path / "report"
    write_site(made.report, out, pairs=made.pairs, mistakes=made.mistakes, analyses=[folder.parent])
    page = out / "analysis" / "analysis_sweep-1.html"
    text = page.read_text(encoding="utf-8")
    assert "0.1429" in text
    assert text.count("<tr>") == 101
    assert "120 rows" in text
    assert not Page(page).handlers
    assert (out / "analysis" / "analysis_sweep-1" / "gap" / "gaps.csv").is_file()
    assert "analysis_sweep-1.html" in Page(out / "analysis" / "index.html").links


def test_an_empty_study_folder_or_no_pairs_leave_no_page_behind(tmp_path):
    made = sample(many=4, tasks=1, models=1, sources=())
    out = tmp_path / "report"
    write_site(made.report, out, pairs=lambda board, task: iter(()), mistakes=lambda entry, task: ())
    assert not (out / "analysis").exists()
    assert not (out / "heatmap").exists()
    assert not (out / "downloads.html").exists()
    assert not (out / "data" / "mistakes").exists()


def test_exports_are_offered_for_download(tmp_path):
    made = sample(many=4, tasks=1, models=1, sources=())
    for name in ("demo.md", "demo.tex", "demo.csv", "figures/bars.svg", "scores.csv.gz", "note.txt"):
        path = tmp_path / "exports" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    written(tmp_path, made)
    links = set(Page(tmp_path / "downloads.html").links)
    assert {
        "exports/demo.md",
        "exports/demo.tex",
        "exports/demo.csv",
        "exports/figures/bars.svg",
        "exports/scores.csv.gz",
    } <= links
    assert "exports/note.txt" not in links


def test_an_average_without_languages_is_shown_without_them(tmp_path):
    made = sample(many=4, tasks=1, models=1, sources=())
    (board,) = made.report.boards
    task = board.tasks["task_0"]
    id = "xlmr.published.demo-zero-shot"
    bare = replace(task.over[id], mean=0.777, have=0, missing=task.languages)
    task = replace(task, scores={**task.scores, id: {}}, over={**task.over, id: bare})
    report = replace(made.report, boards=(replace(board, tasks={"task_0": task}),))
    write_site(report, tmp_path, pairs=made.pairs, mistakes=made.mistakes)
    for page in ("index.html", "task/demo-zero-shot-task_0.html", f"model/{id}.html"):
        text = (tmp_path / page).read_text(encoding="utf-8")
        assert "77.7" in text, page
        assert "No mean of" not in text, page


def test_an_entry_whose_cells_make_no_number_is_a_row_with_its_reason(tmp_path):
    made = sample(many=4, tasks=1, models=2, sources=())
    (board,) = made.report.boards
    task, id = board.tasks["task_0"], "model-00.eng.demo-zero-shot"
    figures = ("mean", "low", "high", "transfer", "gap", "family_macro", "worst", "worst_language", "worst_decile")
    none = dict.fromkeys((*figures, "seen", "unseen"))
    over = replace(task.over[id], **none, have=0, missing=task.languages)
    task = replace(task, scores={**task.scores, id: {}}, over={**task.over, id: over})
    note = "two recipes of one run"
    standings = [
        replace(one, rank=None, score=None, low=None, high=None, overall=None, have=0, notes=(note,))
        if one.entry == id
        else one
        for one in board.standings
    ]
    board = replace(board, tasks={"task_0": task}, standings=tuple(standings))
    write_site(
        replace(made.report, boards=(board,)), tmp_path, pairs=made.pairs, mistakes=lambda entry, task: ()
    )  # fmt: skip
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert f"<b>Model-00</b>: task_0: no score in eng, deu, fra, spa; {note}" in text
    assert "published entries" not in text
    page = (tmp_path / "model" / f"{id}.html").read_text(encoding="utf-8")
    assert note in page
    assert "<table" not in page
    assert "Model-00" not in (tmp_path / "task" / "demo-zero-shot-task_0.html").read_text(encoding="utf-8")


def test_fifty_models_on_ten_tasks_in_a_hundred_languages_stay_under_20_mb(tmp_path):
    def size(tasks):
        folder = tmp_path / f"report-{tasks}"
        written(folder, sample(models=50, tasks=tasks, many=100, sources=(), store=str(tmp_path)))
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    one, two = size(1), size(2)
    assert one + 9 * (two - one) < 18_000_000  # the rest is for the tables to download
