"""What `harness analyze` does: scores and distances in; tables, figures, MLflow runs and a short report out."""

from __future__ import annotations

import json
import logging
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import studied
from harness.analysis import threads, traits
from harness.analysis.catalogue import ANALYSES, OF_DISTANCES, Given, lacks
from harness.analysis.figures.style import MOST
from harness.analysis.grid import grids
from harness.analysis.published import from_file
from harness.analysis.stored import from_store
from harness.atomic import write_whole
from harness.distances.chosen import Asked, choose
from harness.errors import HarnessError, nearest
from harness.options import Options
from harness.seen import seen_languages
from harness.store import Store

if TYPE_CHECKING:
    import pandas as pd

    from harness.analysis.grid import Grid
    from harness.analysis.result import Result
    from harness.store import CellRecord

log = logging.getLogger(__name__)

FEW_SHOT = "few_shot"
NOTES = 20  # that are printed


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
        distances: names and kinds of distances, and CSV files; some that are cheap when empty.
        data: folder of the real tasks' files.
        parallel: a task with parallel sentences, for distances that need them.
        families: a file; None for the harness's table.
        pretrained: a file with the languages that the models saw.
        populations: a file with speakers.
        strategies: which cells of the store.
        where: conditions on them.
        lambdarank: rank sources by trees as well; slow, and needs lightgbm.
        only: analyses; all when empty.
        keep: which cells of the store are looked at at all.
        made: what they were made with, by task and model; None to find out from the store.
        options: where tasks and models are described.
    """

    results: Path = Path("results")
    out: Path = Path("results/analysis")
    matrix: Path | None = None
    rows: str = ""
    unit: str = ""
    spelling: str = ""
    distances: Sequence[str] = ()
    data: Path | None = None
    parallel: str = ""
    families: Path | None = None
    pretrained: Path | None = None
    populations: Path | None = None
    strategies: Sequence[str] = ("zero_shot",)
    where: Sequence[str] = ()
    lambdarank: bool = False
    only: Sequence[str] = ()
    replicates: int = 1000
    permutations: int = 9999
    seed: int = 0
    keep: Callable[[CellRecord], bool] = lambda _: True
    made: Mapping[tuple[str, str], studied.Studied] | None = None
    options: Options = field(default_factory=Options)


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
            with threads.alone():
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
    resamples: int, strategy: Sequence[str], parallel: str | None, config_dir: Path | None, **asked: Any,
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
        parallel=parallel or "",
        options=Options.beside(config_dir),
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
            figure = draw()
            if "synthetic" in (said := parameters.get("provenance", "")):
                style.stamp(figure, "synthetic languages" if said == "synthetic" else "some tasks are synthetic")
            style.write(figure, folder / name)
    content = {
        "analysis": result.name,
        "parameters": dict(parameters),
        "metrics": result.numbers(),
        "notes": result.notes,
    }
    write_whole(folder / "result.json", (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


def _given(request: Request) -> tuple[Given, list[str]]:
    import pandas as pd

    made: Mapping[tuple[str, str], studied.Studied] = {}
    unknown: list[str] = []
    if request.matrix is not None:
        scores = from_file(request.matrix, rows=request.rows, unit=request.unit, namespace=request.spelling)
    else:
        if not (request.results / "runs").is_dir():
            raise HarnessError(
                f"{request.results}: no store there yet; `harness run` makes one, --matrix FILE reads a published one"
            )
        store = Store(request.results)
        scores = from_store(store, (*request.strategies, FEW_SHOT), request.where, request.keep)
        if request.made is None:
            made, unknown = studied.of_store(store, scores.frame, request.options)
        else:
            made = request.made
    found = tuple(grids(scores.frame[scores.frame["shots"] == 0]))
    languages = sorted({code for grid in found for code in (*grid.sources, *grid.targets)})
    families = (
        traits.read_families(request.families, languages, request.spelling)
        if request.families
        else traits.table_families()
    )
    asked = Asked(request.distances, request.data, request.results / "cache", request.parallel, request.options)
    chosen = choose(asked, found, made)
    table = chosen.table
    if request.families:
        table = pd.concat([table, _same_family(languages, families)], ignore_index=True)
    given = Given(
        grids=found,
        distances=table,
        families=families,
        frame=scores.frame,
        groups=chosen.kinds,
        pretrained=_pretrained(request, found, scores.frame),
        populations=traits.read_populations(request.populations, request.spelling) if request.populations else {},
        replicates=request.replicates,
        permutations=request.permutations,
        seed=request.seed,
        trees=request.lambdarank,
    )
    return given, [*scores.notes, *unknown, *families.notes, *chosen.notes]


def _pretrained(request: Request, grids: Sequence[Grid], frame: pd.DataFrame) -> dict[str, frozenset[str]]:
    """The languages that each model saw: those of the file, or what is known of the models of the store."""
    models = sorted({grid.model for grid in grids})
    if request.pretrained:
        return dict.fromkeys(models, traits.read_languages(request.pretrained, request.spelling))
    if request.matrix is not None:
        return {}
    store, jobs = Store(request.results), frame.drop_duplicates("model").set_index("model")
    known = {
        model: seen_languages(model, (jobs["task"][model], jobs["predict_key"][model]), store, request.options)
        for model in models
    }
    return {model: languages for model, languages in known.items() if languages}


def _same_family(languages: Sequence[str], families: traits.Families) -> pd.DataFrame:
    """0 for one family of the user's file, 1 for two."""
    import pandas as pd

    pairs = [(a, b) for a in languages for b in languages if a != b]
    values = [float(families.family[a] != families.family[b]) for a, b in pairs]
    return pd.DataFrame(pairs, columns=["a", "b"]).assign(distance="family", task="", model="", value=values)


def _parameters(request: Request, given: Given) -> dict[str, str]:
    return {
        "scores": str(request.matrix or request.results),
        "provenance": ", ".join(sorted(set(given.frame["provenance"]) - {""})),
        "tasks": ", ".join(sorted({grid.task for grid in given.grids})),
        "models": ", ".join(sorted({grid.model for grid in given.grids})),
        "distances": ", ".join(dict.fromkeys(given.distances["distance"])),
        "families": str(request.families or "the harness's table of languages"),
        "replicates": str(given.replicates),
        "permutations": str(given.permutations),
        "seed": str(given.seed),
    }
