"""A report of 50 models x 10 tasks x 100 languages: what it takes on disk, and until its largest pages are drawn."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from harness.report.exports import write_exports
from harness.report.site.pages import write_site
from tests.report.sample import sample

Row = tuple[str, float, str, str]
DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"
PAGES = {
    "overview": "index.html",
    "task": "task/demo-zero-shot-task_0.html",
    "model": "model/model-01.eng.demo-zero-shot.html",
}


def rows() -> list[Row]:
    """Seconds to write it, its size, and milliseconds to the second frame of a page, where there is a browser."""
    with tempfile.TemporaryDirectory() as folder:
        made = sample(models=50, tasks=10, many=100, sources=(), store=folder)
        out = Path(folder) / "report"
        start = time.perf_counter()
        write_exports(made.report, out / "exports")
        write_site(made.report, out, pairs=made.pairs, mistakes=made.mistakes)
        seconds = time.perf_counter() - start
        size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6
        return [
            ("report of 50,000 scores", seconds, "s", ""),
            ("report of 50,000 scores", size, "MB", "< 20"),
            *((f"opening its {name} page", time_, "ms", "< 2000") for name, time_ in _opened(out)),
        ]


def _opened(folder: Path) -> list[tuple[str, float]]:
    chromium = shutil.which("chromium")
    if chromium is None:
        return []
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page, found = browser.new_page(), []
        for name, path in PAGES.items():
            page.goto((folder / path).as_uri())
            found.append((name, page.evaluate(DRAWN)))
        browser.close()
    return found
