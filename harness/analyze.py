"""What `harness analyze` does: scores and distances in; tables, figures, MLflow runs and a short report out."""

from __future__ import annotations

import json
import logging
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.analysis import traits
from harness.analysis.catalogue import ANALYSES, OF_DISTANCES, Given, lacks
from harness.analysis.figures.style import MOST
from harness.analysis.grid import grids
from harness.analysis.published import from_file
from harness.analysis.stored import from_store
from harness.atomic import write_whole
from harness.errors import HarnessError, NotApplicableError, nearest
from harness.options import Options
from harness.seen import seen_languages
from harness.store import Store

if TYPE_CHECKING:
    import pandas as pd

    from harness.analysis.grid import Grid
    from harness.analysis.result import Result

log = logging.getLogger(__name__)

FEW_SHOT = "few_shot"
NOTES = 20  # that are printed
DEFAULT_DISTANCES = ("family_tree", "same_script", "great_circle")  # those of the table of languages: always there


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for.

    Attributes:
        results: the store.
        out: where tables and figures go.
        matrix: a published matrix instead of the store.
        rows: what its rows are, ``source`` or ``target``, where it does not say.
        unit: ``percent`` or ``fraction``, where that is unclear.
        spelling: whose spelling of languages the files use.
        distances: names, and CSV files.
        families: a file; None for the harness's table.
        pretrained: a file with the languages that the models saw.
        populations: a file with speakers.
        strategies: which cells of the store.
        where: conditions on them.
        only: analyses; all when empty.
    """

    results: Path = Path("results")
    out: Path = Path("results/analysis")
    matrix: Path | None = None
    rows: str = ""
    unit: str = ""
    spelling: str = ""
    distances: Sequence[str] = ()
    families: Path | None = None
    pretrained: Path | None = None
    populations: Path | None = None
    strategies: Sequence[str] = ("zero_shot",)
    where: Sequence[str] = ()
    only: Sequence[str] = ()
    replicates: int = 1000
    permutations: int = 9999
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """What came out.

    Attributes:
        results: of the analyses that went through, in order.
        failed: why others did not, by name.
        notes: on the input.
        seconds: by analysis, drawing included.
        out: the folder.
    """

    results: tuple[Result, ...]
    failed: Mapping[str, str]
    notes: tuple[str, ...]
    seconds: Mapping[str, float]
    out: Path
    parameters: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Everything but the tables, which lie in ``out``."""
        return {
            "out": str(self.out),
            "parameters": dict(self.parameters),
            "notes": list(self.notes),
            "failed": dict(self.failed),
            "analyses": {one.name: {"metrics": one.numbers(), "notes": list(one.notes)} for one in self.results},
        }


def analyze(request: Request) -> Report:
    """Runs every analysis; one that fails is told, and the others go on.

    Raises:
        HarnessError: the input cannot be read or holds nothing, or an analysis is unknown.
    """
    for name in request.only:
        if name not in ANALYSES:
            raise HarnessError(f"unknown analysis {name!r}: {nearest(name, ANALYSES)}")
    given, notes = _given(request)
    done: list[Result] = []
    failed: dict[str, str] = {}
    seconds: dict[str, float] = {}
    parameters = _parameters(request, given)
    if len(given.grids) > MOST:
        notes.append(f"figures are drawn for {MOST} of {len(given.grids)} settings; --where narrows them")
    for name, analysis in ANALYSES.items():
        if request.only and name not in request.only:
            continue
        if lacking := lacks(name, given):
            if name in request.only or name in OF_DISTANCES:
                notes.append(f"{name}: {lacking}; skipped")
            continue
        start = time.perf_counter()
        try:
            result = analysis(given)
            write(result, request.out / name, parameters)
        except Exception as error:  # whatever one analysis stumbles over, the others go on
            log.debug("analysis %s failed", name, exc_info=True)
            failed[name] = f"{type(error).__name__}: {error}" if not isinstance(error, HarnessError) else str(error)
        else:
            done.append(result)
        seconds[name] = time.perf_counter() - start
    return Report(tuple(done), failed, tuple(dict.fromkeys(notes)), seconds, request.out, parameters)


def request(
    *, results: Path, out: Path | None, orientation: str | None, unit: str | None, distances: Sequence[str],
    resamples: int, strategy: Sequence[str], **asked: Any,
) -> Request:  # fmt: skip
    """What the options of the command line ask for."""
    return Request(
        results=results,
        out=out or results / "analysis",
        rows=(orientation or "").removesuffix("s"),
        unit=unit or "",
        distances=[name.strip() for item in distances for name in item.split(",") if name.strip()],
        replicates=resamples,
        strategies=strategy,
        **asked,
    )


def show(request: Request, uri: str | None, experiment: str, as_json: bool) -> int:
    """Analyses, prints a short report, and logs to MLflow where a server is given; the exit code."""
    from harness import tracking
    from harness.analysis import printed
    from harness.tables import console

    report = analyze(request)
    if uri:
        for result in report.results:
            folder = report.out / result.name
            tracking.log_analysis(uri, experiment, result.name, report.parameters, result.numbers(), folder)
    if as_json:
        sys.stdout.write(json.dumps(report.as_json(), indent=1, ensure_ascii=False) + "\n")
        return int(bool(report.failed))
    wide = console()
    for table in printed.tables(report.results):
        wide.print(table)
        wide.print()
    notes = dict.fromkeys([*report.notes, *(note for result in report.results for note in result.notes)])
    for note in list(notes)[:NOTES]:
        wide.print(f"- {note}", markup=False, soft_wrap=True)
    if len(notes) > NOTES:
        wide.print(f"- {len(notes) - NOTES} further notes in the result.json of each analysis")
    for name, why in report.failed.items():
        wide.print(f"harness: analysis {name} failed: {why}", markup=False, soft_wrap=True)
    wide.print(f"tables and figures of {', '.join(one.name for one in report.results) or 'nothing'}: {report.out}")
    return int(bool(report.failed))


def write(result: Result, folder: Path, parameters: Mapping[str, str]) -> None:
    """Writes tables (CSV, parquet), figures (SVG, PNG) and ``result.json``, in place of what an earlier call left."""
    from harness.analysis.figures import style

    if (folder / "result.json").is_file():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in result.tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
        table.to_parquet(folder / f"{name}.parquet", index=False)
    with style.fonts():
        for name, draw in result.figures.items():
            style.write(draw(), folder / name)
    content = {
        "analysis": result.name,
        "parameters": dict(parameters),
        "metrics": result.numbers(),
        "notes": result.notes,
    }
    write_whole(folder / "result.json", (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


def _given(request: Request) -> tuple[Given, list[str]]:
    if request.matrix is not None:
        scores = from_file(request.matrix, rows=request.rows, unit=request.unit, namespace=request.spelling)
    else:
        if not (request.results / "runs").is_dir():
            raise HarnessError(
                f"{request.results}: no store there yet; `harness run` makes one, --matrix FILE reads a published one"
            )
        store = Store(request.results)
        scores = from_store(store, (*request.strategies, FEW_SHOT), request.where)
    found = tuple(grids(scores.frame[scores.frame["shots"] == 0]))
    languages = sorted({code for grid in found for code in (*grid.sources, *grid.targets)})
    families = (
        traits.read_families(request.families, languages, request.spelling)
        if request.families
        else traits.table_families()
    )
    table, groups, why = _distances(request, languages, families if request.families else None)
    given = Given(
        grids=found,
        distances=table,
        families=families,
        frame=scores.frame,
        groups=groups,
        pretrained=_pretrained(request, found),
        populations=traits.read_populations(request.populations, request.spelling) if request.populations else {},
        replicates=request.replicates,
        permutations=request.permutations,
        seed=request.seed,
    )
    return given, [*scores.notes, *families.notes, *why]


def _pretrained(request: Request, grids: Sequence[Grid]) -> dict[str, frozenset[str]]:
    """The languages that each model saw: those of the file, or what is known of the models of the store."""
    models = sorted({grid.model for grid in grids})
    if request.pretrained:
        return dict.fromkeys(models, traits.read_languages(request.pretrained, request.spelling))
    if request.matrix is not None:
        return {}
    store, options = Store(request.results), Options()
    jobs = {cell.model: (cell.task, cell.predict_key) for cell in store.cells()}
    known = {model: seen_languages(model, jobs[model], store, options) for model in models}
    return {model: languages for model, languages in known.items() if languages}


def _distances(
    request: Request, languages: Sequence[str], families: traits.Families | None
) -> tuple[pd.DataFrame, dict[str, str], list[str]]:
    """The distances that were asked for, between the languages of the scores; their kinds; what some of them lack."""
    import pandas as pd

    from harness.distances.base import DISTANCES, Context, distances
    from harness.distances.file import doubt, read_distance

    if len(languages) < 2:
        return pd.DataFrame(columns=["distance", "a", "b", "value"]), {}, ["one language: there are no distances"]
    context = Context(cache=request.results / "cache" / "distances")
    tables, groups, notes = [], {}, []
    for item in request.distances or DEFAULT_DISTANCES:
        is_file = Path(item).suffix in (".csv", ".tsv") or Path(item).is_file()
        try:
            distance = read_distance(Path(item)) if is_file else DISTANCES[item]
            table = distances([distance], languages, context)
        except NotApplicableError as error:
            notes.append(f"{item}: left out, {error}")
            continue
        if not is_file:
            groups[item] = str(distance.kind)
        known = table.loc[table["value"].notna(), ["a", "b"]]
        silent = sorted(set(languages) - set(known["a"]) - set(known["b"]))
        if silent:
            notes.append(
                f"{table['distance'].iloc[0]}: {len(silent)} of {len(languages)} languages are not in it: "
                f"{_some(silent)}"
            )
        if suspicion := doubt(table["value"].to_numpy(dtype=float)):
            notes.append(f"{item}: {suspicion}")
        tables.append(table)
    if families is not None:
        tables.append(_same_family(languages, families))
    found = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["distance", "a", "b", "value"])
    return found[found["value"].notna()].reset_index(drop=True), groups, notes


def _same_family(languages: Sequence[str], families: traits.Families) -> pd.DataFrame:
    """0 for one family of the user's file, 1 for two."""
    import pandas as pd

    pairs = [(a, b) for a in languages for b in languages if a != b]
    values = [float(families.family[a] != families.family[b]) for a, b in pairs]
    return pd.DataFrame(pairs, columns=["a", "b"]).assign(distance="family", value=values)


def _parameters(request: Request, given: Given) -> dict[str, str]:
    return {
        "scores": str(request.matrix or request.results),
        "tasks": ", ".join(sorted({grid.task for grid in given.grids})),
        "models": ", ".join(sorted({grid.model for grid in given.grids})),
        "distances": ", ".join(dict.fromkeys(given.distances["distance"])),
        "families": str(request.families or "the harness's table of languages"),
        "replicates": str(given.replicates),
        "permutations": str(given.permutations),
        "seed": str(given.seed),
    }


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (" ..." if len(names) > 8 else "")
