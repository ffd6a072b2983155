"""What an analysis leaves on disk: a folder each, with tables and figures, and one index that says what is there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.storage.atomic import write_whole

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from harness.analysis.result import Result

SCHEMA = 1
INDEX = "index.json"


def write(result: Result, folder: Path, parameters: Mapping[str, str], about: str = "") -> dict[str, Any]:
    """Writes tables (CSV, parquet), figures (SVG, PNG) and ``result.json``, in place of what an earlier call left.

    Args:
        about: what the analysis answers, in a sentence.

    Returns:
        What the index says of it.
    """
    if (folder / "result.json").is_file():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tables = [_table(name, table, folder) for name, table in result.tables.items()]
    figures = _figures(result, folder, parameters.get("provenance", ""))
    content = {
        "analysis": result.name,
        "parameters": dict(parameters),
        "metrics": result.numbers(),
        "notes": result.notes,
    }
    _write_json(folder / "result.json", content)
    of = {"name": result.name, "about": about, "notes": list(result.notes), "result": f"{folder.name}/result.json"}
    return of | {"tables": tables, "figures": figures}


def write_index(
    out: Path,
    analyses: Sequence[Mapping[str, Any]],
    parameters: Mapping[str, str],
    notes: Sequence[str],
    failed: Mapping[str, str],
) -> None:
    """Writes ``index.json``: what ``write`` gave of each analysis, paths relative to the folder; see the schema."""
    content = {"schema": SCHEMA, "parameters": dict(parameters), "notes": list(notes), "failed": dict(failed)}
    _write_json(out / INDEX, content | {"analyses": list(analyses)})


def _table(name: str, table: pd.DataFrame, folder: Path) -> dict[str, Any]:
    table.to_csv(folder / f"{name}.csv", index=False)
    table.to_parquet(folder / f"{name}.parquet", index=False)
    paths = {suffix: f"{folder.name}/{name}.{suffix}" for suffix in ("csv", "parquet")}
    return {"name": name} | paths | {"rows": len(table), "columns": [str(column) for column in table.columns]}


def _figures(result: Result, folder: Path, provenance: str) -> list[dict[str, str]]:
    if not result.figures:
        return []
    from harness.analysis.figures import style

    found = []
    with style.fonts():
        for name, draw in result.figures.items():
            figure = draw()
            if "synthetic" in provenance:
                only = provenance == "synthetic"
                style.stamp(figure, "synthetic languages" if only else "some tasks are synthetic")
            style.write(figure, folder / name)
            paths = {suffix: f"{folder.name}/{name}.{suffix}" for suffix in ("svg", "png")}
            caption = " ".join(figure.get_supxlabel().split())
            found.append({"name": name} | paths | {"title": _title(figure), "caption": caption})
    return found


def _title(figure: Figure) -> str:
    return figure.get_suptitle() or next((axes.get_title() for axes in figure.axes if axes.get_title()), "")


def _write_json(path: Path, content: object) -> None:
    write_whole(path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())
