"""The site in a real browser, opened from disk: what scripts add works, nothing else runs, and all can read it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from harness.report.site import words
from harness.report.site.order import ordered
from harness.report.site.pages import write_site
from harness.report.values import Kind
from tests.report.sample import HOSTILE, sample
from tests.report.test_site import study

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if CHROMIUM is None:
    pytest.skip("no Chromium: `apt-get install chromium`", allow_module_level=True)
sync_api = pytest.importorskip("playwright.sync_api", reason="the extra `dev` has playwright")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="the extra `dev` has axe-playwright-python")

QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
MODEL = "model-01.eng.demo-zero-shot"
TASK = "task/demo-zero-shot-task_0.html"
PAGES = {
    "overview": "index.html",
    "task": TASK,
    "model": f"model/{MODEL}.html",
    "published": "model/xlmr.published.demo-zero-shot.html",
    "heatmap": "heatmap/mini-task_0.html",
    "heatmaps": "heatmap/index.html",
    "compare": "compare.html",
    "analysis": "analysis/analysis_sweep-1.html",
    "analyses": "analysis/index.html",
    "methods": "methods.html",
    "downloads": "downloads.html",
}
MADE = sample(many=10)


def write(folder: Path, made, caption: str = "Bars.") -> Path:
    (folder / "exports").mkdir(parents=True)
    (folder / "exports" / "demo.md").write_text("| a |")
    studied = study(folder.parent / "analysis" / "sweep-1", caption=caption)
    write_site(made.report, folder, pairs=made.pairs, mistakes=made.mistakes, analyses=[studied.parent])
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return write(tmp_path_factory.mktemp("results") / "report", MADE)


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as play:
        found = play.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield found
        found.close()


@pytest.fixture
def page(browser):
    """A page that fails its test where anything is said on the console, or asked of anything but the disk."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(10_000)
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda request: said.append(request.url) if not request.url.startswith("file:") else None)
    yield opened
    context.close()
    assert said == []


def visit(page, site: Path, address: str) -> None:
    page.goto("about:blank")
    page.goto(f"{site.as_uri()}/{address}")
    if address.startswith("compare"):
        page.wait_for_selector("#comparison tbody tr")


def column(page, table: str, key: str) -> list[str]:
    """The visible cells of a column, by the key of its head."""
    return page.evaluate(
        """([id, key]) => {
          const table = document.getElementById(id);
          const at = [...table.tHead.querySelectorAll("th[data-key]")].find((one) => one.dataset.key === key).cellIndex;
          return [...table.tBodies[0].rows].filter((row) => !row.hidden).map((row) => {
            const cell = row.cells[at];
            if (cell.matches(".none") || cell.querySelector(".none")) return "–";
            return (cell.querySelector("a, span:not(.bar, .soft, .vh)") || cell.firstChild).textContent.trim();
          });
        }""",
        [table, key],
    )


def head(page, table: str, key: str):
    return page.locator(f'[id="{table}"] th[data-key="{key}"]')


def test_a_click_sorts_and_what_is_missing_stays_last(page, site):
    visit(page, site, TASK)
    spanish = head(page, "scores", "spa")
    spanish.locator("button").click()
    found = column(page, "scores", "spa")
    assert spanish.get_attribute("aria-sort") == "descending"
    assert found[-1] == "–"
    numbers = [float(text) for text in found[:-1]]
    assert numbers == sorted(numbers, reverse=True)
    spanish.locator("button").click()
    assert spanish.get_attribute("aria-sort") == "ascending"
    found = column(page, "scores", "spa")
    assert found[-1] == "–"
    assert [float(text) for text in found[:-1]] == sorted(numbers)
    head(page, "scores", "model").locator("button").click()
    assert spanish.get_attribute("aria-sort") is None
    names = column(page, "scores", "model")
    assert names == sorted(names, key=str.lower)


def test_the_keyboard_reaches_and_sorts_every_column(page, site):
    visit(page, site, TASK)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("#scores th[data-key=model] button").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert head(page, "scores", "mean").get_attribute("aria-sort") == "descending"
    page.keyboard.press("Space")
    assert head(page, "scores", "mean").get_attribute("aria-sort") == "ascending"
    ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert ring == "solid"


def test_filters_narrow_rows_and_languages(page, site):
    visit(page, site, TASK)
    form = page.locator('form[data-for="scores"]')
    languages = ordered(MADE.report.boards[0].tasks["task_0"].languages, MADE.report.languages)

    def codes():
        return page.evaluate(
            "[...document.querySelectorAll('#scores th[data-language]')]"
            ".filter((one) => one.offsetParent).map((one) => one.dataset.language)"
        )

    assert codes() == [one.code for one in languages]
    form.locator("select[name=family]").select_option("Indo-European")
    assert codes() == [one.code for one in languages if one.family == "Indo-European"]
    form.locator("select[name=script]").select_option("Cyrl")
    assert codes() == ["rus"]
    form.locator("button[type=reset]").click()
    sync_api.expect(head(page, "scores", "swh")).to_be_visible()
    form.locator("input[name=q]").fill("model-02")
    assert column(page, "scores", "model") == ["Model-02"]
    assert "1 of 7 rows" in form.locator("output").inner_text()
    form.locator("input[name=q]").fill("swahili")
    assert codes() == ["swh"]
    assert len(column(page, "scores", "model")) == 7


def test_seen_and_unseen_languages_are_told_apart_by_model(page, site):
    visit(page, site, TASK)
    page.locator('form[data-for="scores"] select[name=seen]').select_option("unseen")
    shown = page.evaluate(
        """[...document.querySelector('#scores tbody').rows].filter((row) => !row.hidden).map((row) => [row.id,
             [...document.querySelectorAll('#scores th[data-language]')]
               .filter((one) => !row.cells[one.cellIndex].classList.contains('off'))
               .map((one) => one.dataset.language)])"""
    )
    entries = MADE.report.entries
    languages = MADE.report.boards[0].tasks["task_0"].languages
    assert {id.removeprefix("row-") for id, _ in shown} == {
        id for id, one in entries.items() if one.seen and "demo" in id
    }
    for id, codes in shown:
        assert set(codes) == set(languages) - entries[id.removeprefix("row-")].seen
    visit(page, site, f"model/{MODEL}.html")
    page.locator("select[name=seen]").select_option("seen")
    assert len(column(page, "profile-demo-zero-shot", "language")) == len(entries[MODEL].seen & set(languages))


def test_a_link_brings_back_what_was_chosen(page, site):
    visit(page, site, TASK)
    head(page, "scores", "deu").locator("button").click()
    page.locator('form[data-for="scores"] select[name=family]').select_option("Indo-European")
    page.locator('form[data-for="scores"] input[name=full]').check()
    address, order = page.url, column(page, "scores", "model")
    assert "scores.sort=deu" in address
    page.goto("about:blank")
    page.goto(address)
    assert column(page, "scores", "model") == order
    assert head(page, "scores", "deu").get_attribute("aria-sort") == "descending"
    assert head(page, "scores", "jpn").is_hidden()
    assert page.locator("#scores tbody i").first.is_visible()
    visit(page, site, f"{TASK}#row-{MODEL}")
    assert page.evaluate("document.querySelector(':target').rowIndex") > 0


def test_every_number_is_the_values(page, site):
    board = MADE.report.boards[0]
    for name, file in (("task_0", TASK), ("task_1", "task/demo-zero-shot-task_1.html")):
        visit(page, site, file)
        shown = page.evaluate(
            """[...document.querySelector('#scores tbody').rows].map((row) => [row.id,
                 [...document.querySelectorAll('#scores th[data-language]')].map((one) => [one.dataset.language,
                   row.cells[one.cellIndex].querySelector('a, span')?.textContent ?? null,
                   row.cells[one.cellIndex].querySelector('i')?.textContent ?? ''])])"""
        )
        task = board.tasks[name]
        assert len(shown) == len(task.scores)
        for id, cells in shown:
            scores = task.scores[id.removeprefix("row-")]
            for code, text, more in cells:
                assert (text is None) == (code not in scores)
                if text is not None:
                    one = scores[code]
                    assert text == f"{100 * one.value:.1f}"
                    spread = f"± {100 * one.spread:.1f}" if one.spread else words.span(one.low, one.high)
                    assert more.startswith(spread)
        for key, attribute in (("mean", "mean"), ("transfer", "transfer"), ("worst", "worst"), ("gap", "gap")):
            values = [getattr(task.over[id.removeprefix("row-")], attribute) for id, _ in shown]
            assert column(page, "over", key) == [words.percent(value) or "–" for value in values]
    visit(page, site, "index.html")
    for key, attribute in (("score", "score"), ("families", "family_macro"), ("wins", "win_rate")):
        values = [getattr(one, attribute) for one in board.standings]
        assert column(page, f"standing-{board.id}", key) == [words.percent(value) or "–" for value in values]


def test_a_model_page_has_the_same_numbers_and_the_records_of_all_seeds(page, site):
    visit(page, site, f"model/{MODEL}.html")
    task = MADE.report.boards[0].tasks["task_0"]
    codes = [one.code for one in ordered(task.languages, MADE.report.languages)]
    found = column(page, "profile-demo-zero-shot", "demo-zero-shot-task_0")
    assert found == [words.percent(task.scores[MODEL][c].value) if c in task.scores[MODEL] else "–" for c in codes]
    page.locator("input[name=full]").check()
    row = page.locator('[id="demo-zero-shot.deu"]')
    links = row.locator("td").nth(3).locator("a").evaluate_all("(every) => every.map((one) => one.href)")
    assert [Path(link.removeprefix("file://")) for link in links] == [
        Path(record).resolve() for record in task.scores[MODEL]["deu"].records
    ]


def test_mistakes_come_when_they_are_asked_for(page, site):
    visit(page, site, f"model/{MODEL}.html")
    box = page.locator("details.mistakes").first
    assert box.locator("article").count() == 0
    box.locator("summary").click()
    box.locator("article").first.wait_for()
    assert box.locator("article").count() == 20
    assert "The 3th sentence of task_0, as people read it." in box.inner_text()


def test_the_comparison_agrees_with_scipy_and_statsmodels(page, site):
    from scipy.stats import norm
    from statsmodels.stats.multitest import multipletests

    a, b = "model-04.eng.demo-zero-shot", "model-03.eng.demo-zero-shot"
    visit(page, site, f"compare.html#board=demo-zero-shot&task=demo-zero-shot-task_1&a={a}&b={b}")
    task = MADE.report.boards[0].tasks["task_1"]
    errors = {one.language: one for one in MADE.pairs("demo-zero-shot", "task_1")}
    codes = [one.code for one in ordered(task.languages, MADE.report.languages)]
    differences = [task.scores[a][code].value - task.scores[b][code].value for code in codes]
    sizes = [errors[c].error[errors[c].entries.index(a), errors[c].entries.index(b)] for c in codes]
    p = 2 * norm.sf([abs(d / s) for d, s in zip(differences, sizes, strict=True)])
    adjusted = multipletests(p, method="holm")[1]
    assert column(page, "comparison", "difference") == [("+" if d > 0 else "") + words.percent(d) for d in differences]
    assert column(page, "comparison", "interval") == [
        f"{words.percent(d - 1.959964 * s)} to {words.percent(d + 1.959964 * s)}"
        for d, s in zip(differences, sizes, strict=True)
    ]
    assert column(page, "comparison", "p") == ["<0.001" if one < 0.001 else f"{one:.3f}" for one in adjusted]
    better = sum(d > 0 and one < 0.05 for d, one in zip(differences, adjusted, strict=True))
    assert f"is better in {better} of 10 languages" in page.locator("#verdict").inner_text()
    assert page.locator("#comparison svg").count() == len(codes)


def test_the_comparison_says_what_it_cannot_know(page, site):
    a, b = "model-04.eng.demo-zero-shot", "xlmr.published.demo-zero-shot"
    visit(page, site, f"compare.html#board=demo-zero-shot&a={a}&b={b}")
    assert "no paired intervals" in page.locator("#verdict").inner_text()
    assert set(column(page, "comparison", "p")) == {"–"}
    page.locator("button[name=swap]").click()
    sync_api.expect(page).to_have_url(re.compile("a=xlmr"))
    page.locator("select[name=board]").select_option("mini")
    sync_api.expect(page).to_have_url(re.compile("board=mini"))
    assert len(column(page, "comparison", "language")) > 0
    page.locator("select[name=b]").select_option(index=0)
    sync_api.expect(page.locator("#verdict")).to_have_text("Choose two different rows.")


def test_the_theme_follows_the_system_until_it_is_chosen(page, site):
    def paper():
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    page.emulate_media(color_scheme="dark")
    visit(page, site, "index.html")
    dark = paper()
    page.emulate_media(color_scheme="light")
    light = paper()
    assert dark != light
    page.locator(".theme").click()
    assert paper() == dark
    page.reload()
    assert paper() == dark
    assert page.locator(".theme").inner_text() == "Light theme"


def test_a_heatmap_outlines_its_diagonal_and_hatches_what_is_missing(page, site):
    visit(page, site, PAGES["heatmap"])
    task = MADE.report.boards[1].tasks["task_0"]
    missing = sum(len(over.missing) for id, over in task.over.items() if MADE.report.entries[id].kind is Kind.RUN)
    assert page.locator("td.gap").count() == missing == 1
    assert page.locator("td.own").count() == 6
    assert "gradient" in page.evaluate("getComputedStyle(document.querySelector('td.gap')).backgroundImage")
    assert page.evaluate("getComputedStyle(document.querySelector('td.own')).outlineStyle") == "solid"


@pytest.mark.parametrize("kind", PAGES)
def test_pages_are_accessible_fit_a_phone_and_print(browser, site, kind):
    # bypass_csp for axe alone, which fetches style sheets
    context = browser.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=True)
    page = context.new_page()
    visit(page, site, PAGES[kind])
    options = {"resultTypes": ["violations"], "preload": False}
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        if theme == "dark":
            options["runOnly"] = ["color-contrast"]
        found = axe.Axe().run(page, options=options).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.emulate_media(media="print")
    assert page.locator(".top nav").is_hidden()
    context.close()


def test_nothing_that_a_stranger_wrote_is_run(browser, tmp_path):
    folder = write(tmp_path / "results" / "report", sample(many=4, tasks=1, models=2, odd=HOSTILE), HOSTILE)
    context = browser.new_context()
    context.add_init_script("Object.defineProperty(window, 'hacked', { set() { throw new Error('hacked'); } })")
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    for path in sorted(folder.rglob("*.html")):
        visit(page, folder, path.relative_to(folder).as_posix())
        for box in page.locator("details.mistakes").all():
            box.locator("summary").click()
            box.locator("article").first.wait_for()
        foreign = "document.querySelectorAll('main script, main img:not(figure img), main [onerror]').length"
        assert page.evaluate(foreign) == 0
        assert page.title().endswith(HOSTILE)
    assert errors == []
    context.close()
