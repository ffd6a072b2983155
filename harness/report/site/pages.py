"""Writes the site: one page a task, a model, a heatmap and a study, and those that hold them together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from jinja2 import Environment, PackageLoader, StrictUndefined
from tqdm import tqdm

from harness.report.compared import compared, told
from harness.report.site import analyses as studied
from harness.report.site import data, heat, overview, views, words
from harness.report.site.cells import bests
from harness.report.values import Mistake, Pairs, Report

Item = TypeVar("Item")

ASSETS = ("report.css", "report.js", "compare.js")
ENDINGS = {"md": "Markdown", "csv": "CSV", "tex": "LaTeX", "json": "JSON", "svg": "SVG", "png": "PNG"}


@dataclass(frozen=True, slots=True)
class _Site:
    """What all pages share.

    Attributes:
        files: by board and task, the name that its pages and data have.
        nav: address and name of the pages in the head of each page.
    """

    report: Report
    folder: Path
    templates: Environment
    files: Mapping[str, Mapping[str, str]]
    nav: Sequence[tuple[str, str]]

    def write(self, path: str, template: str, **values: Any) -> None:
        """Writes one page; ``path`` is relative to the site."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        depth = path.count("/")
        text = self.templates.get_template(template).render(
            report=self.report, nav=self.nav, root="../" * depth, here=path, **values
        )
        file.write_text(text, encoding="utf-8")


def write_site(
    report: Report,
    folder: Path,
    *,
    pairs: Callable[[str, str], Iterator[Pairs]],
    mistakes: Callable[[str, str], Iterable[Mistake]],
    analyses: Sequence[Path] = (),
) -> Path:
    """Writes every page of a report and gives the path of its ``index.html``.

    Args:
        folder: where; what lies in its ``exports`` is offered for download. Links to records are relative to it.
        pairs: by board and task, what differences of its entries are uncertain by.
        mistakes: by entry and task, examples that it got wrong.
        analyses: folders of `harness analyze`, or folders of such folders.

    Raises:
        HarnessError: an analysis cannot be read.
    """
    files = _files(report)
    found = studied.studies(analyses)
    names = words.file_names(f"{one.parent.name}/{one.name}" for one in found)
    of_folders = zip(found, names.values(), strict=True)
    read = [(studied.read_study(one, file, folder / "analysis"), file) for one, file in of_folders]
    grids = _grids(report, files, folder)
    exports = _exports(folder / "exports")
    nav = [("index.html", "Overview")]
    nav += [("heatmap/index.html", "Transfer")] if grids else []
    nav += [("compare.html", "Compare")]
    nav += [("analysis/index.html", "Analyses")] if read else []
    nav += [("methods.html", "Methods")]
    nav += [("downloads.html", "Downloads")] if exports else []
    site = _Site(report, folder, _templates(), files, nav)
    for name in ASSETS:
        _copy(name, folder / "assets" / name)
    _data(site, pairs)
    _overviews(site, exports)
    _tasks(site, set(grids))
    _models(site, mistakes)
    _heatmaps(site, grids)
    _studies(site, read)
    return folder / "index.html"


def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader("harness.report.site"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made.filters |= {
        "percent": words.percent,
        "count": words.count,
        "large": words.large,
        "duration": words.duration,
        "lacks": words.lacks,
        "plain": lambda text: text.replace("_", " "),
        "share": lambda have, want: f"{100 * have / want:.0f}" if want else "0",
    }
    made.globals |= {"span": words.span}
    return made


def _files(report: Report) -> dict[str, dict[str, str]]:
    """By board and task, a file name that no other has."""
    every = [(board.id, task) for board in report.boards for task in board.tasks]
    names = words.file_names(f"{board}-{task}" for board, task in every)
    found: dict[str, dict[str, str]] = {board.id: {} for board in report.boards}
    for board, task in every:
        found[board][task] = names[f"{board}-{task}"]
    return found


def _copy(name: str, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_bytes((resources.files("harness.report.site") / "assets" / name).read_bytes())


def _data(site: _Site, pairs: Callable[[str, str], Iterator[Pairs]]) -> None:
    """The scores of each board, and the standard errors of each task in a file of their own."""
    for board in site.report.boards:
        places = {standing.entry: place for place, standing in enumerate(board.standings)}
        paired = []
        for task, file in _shown(site.files[board.id].items(), f"pairs of {board.title}"):
            packed = data.pairs_value(pairs(board.id, task), places)
            if packed:
                paired.append(task)
                data.write(site.folder / "data" / f"pairs-{file}.js", f"pairs-{file}", packed)
        value = data.board_value(board, site.report, site.files[board.id], paired)
        data.write(site.folder / "data" / f"board-{board.id}.js", f"board-{board.id}", value)


def _overviews(site: _Site, exports: Mapping[str, Mapping[str, Any]]) -> None:
    boards = site.report.boards
    shown = [overview.overview(board, site.report, site.files[board.id]) for board in boards]
    site.write("index.html", "index.html", boards=shown, counts=overview.counts(site.report))
    site.write(
        "compare.html", "compare.html", boards=boards, told={one.title: told(one, site.report.runs) for one in boards}
    )
    site.write("methods.html", "methods.html")
    if exports:
        endings = [name for name in ENDINGS.values() if any(name in files for files in exports.values())]
        site.write("downloads.html", "downloads.html", names=exports, endings=endings)


def _tasks(site: _Site, with_heatmap: set[str]) -> None:
    for board in site.report.boards:
        files = site.files[board.id]
        for task, file in _shown(files.items(), f"tasks of {board.title}"):
            path = f"task/{file}.html"
            values = views.task_page(board, task, site.report, site.folder / path)
            heatmap = file if file in with_heatmap else ""
            site.write(path, "task.html", siblings=list(files.items()), file=file, heatmap=heatmap, **values)


def _models(site: _Site, mistakes: Callable[[str, str], Iterable[Mistake]]) -> None:
    texts: dict[str, dict[str, list[str]]] = {file: {} for files in site.files.values() for file in files.values()}
    entries = site.report.entries
    chosen = {board.id: compared(board, site.report.runs) for board in site.report.boards}
    best = {board.id: {name: bests(task, entries) for name, task in board.tasks.items()}
            for board in site.report.boards}  # fmt: skip
    for entry in _shown(site.report.entries.values(), "models"):

        def number(board: str, task: str, id: str = entry.id) -> int:
            """Writes the mistakes of the entry, and says how many there are."""
            if id not in chosen[board]:
                return 0
            file = site.files[board][task]
            found = data.mistakes_value(mistakes(id, task), site.report.languages, texts[file])
            if found:
                data.write(site.folder / "data" / "mistakes" / f"{id}-{file}.js", f"mistakes/{id}-{file}", found)
            return len(found)

        path = f"model/{entry.id}.html"
        values = views.model_page(entry, site.report, site.files, best, number, site.folder / path)
        site.write(path, "model.html", **values)
    for file, of_task in texts.items():
        if of_task:
            data.write(site.folder / "data" / f"texts-{file}.js", f"texts-{file}", of_task)


def _grids(report: Report, files: Mapping[str, Mapping[str, str]], folder: Path) -> dict[str, list[heat.Grid]]:
    """By file name, the heatmaps of the tasks that have any, of the models that stand highest."""
    found = {
        file: heat.grids(board, task, report.entries, report.languages, folder / "heatmap" / "a page")
        for board in report.boards
        for task, file in files[board.id].items()
    }
    return {file: grids for file, grids in found.items() if grids}


def _heatmaps(site: _Site, grids: Mapping[str, Sequence[heat.Grid]]) -> None:
    listed = []
    for board in site.report.boards:
        mine = []
        for task, file in site.files[board.id].items():
            if file in grids:
                left = heat.models(board, task, site.report.entries) - len(grids[file])
                shown = {"board": board, "name": task, "file": file, "grids": grids[file], "steps": heat.STEPS}
                site.write(f"heatmap/{file}.html", "heatmap.html", left=left, **shown)
                mine.append((task, file, list(dict.fromkeys(grid.model for grid in grids[file]))))
        listed += [(board, mine)] if mine else []
    if listed:
        site.write("heatmap/index.html", "heatmaps.html", boards=listed)


def _studies(site: _Site, read: Sequence[tuple[studied.Study, str]]) -> None:
    for study, file in read:
        site.write(f"analysis/{file}.html", "analysis.html", study=study)
    if read:
        site.write("analysis/index.html", "analyses.html", studies=read)


def _exports(folder: Path) -> dict[str, dict[str, Any]]:
    """By name, the files of the exports in their formats."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.rglob("*")):
        below = path.relative_to(folder)
        plain = below.with_suffix("") if below.suffix == ".gz" else below
        if path.is_file() and plain.suffix[1:] in ENDINGS:
            size = path.stat().st_size
            shown = f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(1, round(size / 1e3))} kB"
            file = {"path": below.as_posix(), "size": f"{shown}, gzip" if plain != below else shown}
            found.setdefault(plain.with_suffix("").as_posix(), {})[ENDINGS[plain.suffix[1:]]] = file
    return found


def _shown(items: Iterable[Item], what: str) -> Iterable[Item]:
    """The items, behind a progress bar where they take longer than two seconds at a terminal."""
    return tqdm(list(items), desc=what, delay=2, disable=None, leave=False)
