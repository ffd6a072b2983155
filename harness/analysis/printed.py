"""What `harness analyze` prints: the main numbers of each setting; the rest lies in the files."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType

    from harness.analysis.result import Result

MOST = 24  # rows of a table
KEY = ["task", "model", "strategy"]


def tables(results: tuple[Result, ...]) -> Iterator[RenderableType]:
    """Distances and policies, a row a setting each."""
    found = {name: table for result in results for name, table in result.tables.items() if not table.empty}
    if "summary" in found:
        yield _table(
            _means(found["summary"]), "transfer: mean over targets of the mean source, and how the worst off fare"
        )
    if "correlation" in found:
        yield _table(
            _distances(found), "distances: correlation with the score [95 % over languages]; p from permutation"
        )
    if "regret" in found:
        yield _table(_policies(found["regret"]), "choosing a source: points lost to the best one [95 % over targets]")


def _means(table: pd.DataFrame) -> list[dict[str, str]]:
    return [
        _setting(row) | {
            "mean": _points(row["macro"], row["low"], row["high"]),
            "of families": f"{100 * row['family_macro']:.1f}",
            "worst": f"{100 * row['min']:.1f} ({row['worst']})",
            "worst tenth": f"{100 * row['worst_decile']:.1f}",
            "Gini": _number(row["gini"], 3),
            "targets": str(row["n"]),
        }
        for row in table[table["source"] == "all"].to_dict("records")
    ]  # fmt: skip


def _distances(found: dict[str, pd.DataFrame]) -> list[dict[str, str]]:
    rows = []
    tests = found.get("permutation")
    for key, group in found["correlation"].groupby([*KEY, "distance"], sort=False):
        by = group.set_index("measure").to_dict("index")
        shown = {
            name: f"{_number(by[measure]['value'])} [{_number(by[measure]['low'])}, {_number(by[measure]['high'])}]"
            for name, measure in (
                ("rho", "spearman"),
                ("within target", "within_target"),
                ("centred r", "double_centred"),
            )
        }
        row = dict(zip([*KEY, "distance"], key, strict=True))
        p = "-"
        if tests is not None:
            mine = (tests[list(row)] == list(row.values())).all(axis=1) & (tests["given"] == "")
            of_qap = tests[mine & (tests["design"] == "qap") & (tests["measure"] == "spearman")]
            p = _number(float(of_qap["p"].iloc[0]), 4) if len(of_qap) else "-"
        n = {"pairs": str(by["pearson"]["n"]), "": by["spearman"]["reason"]}
        rows.append(_setting(row) | {"distance": row["distance"]} | shown | {"QAP p": p} | n)
    return rows


def _policies(table: pd.DataFrame) -> list[dict[str, str]]:
    return [
        _setting(row) | {
            "source": row["policy"],
            "score": f"{100 * row['score']:.1f}",
            "regret": _points(row["regret"], row["low"], row["high"]),
            "best source": f"{row['top1']:.0%}",
            "targets": str(row["n"]),
        }
        for row in table.to_dict("records")
    ]  # fmt: skip


def _setting(row: Mapping[Any, Any]) -> dict[str, str]:
    strategy = {} if row["strategy"] == "zero_shot" else {"strategy": str(row["strategy"])}
    return {"task": str(row["task"]), "model": str(row["model"])} | strategy


def _table(rows: list[dict[str, str]], title: str) -> Table:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    columns = [name for name in columns if any(row.get(name) for row in rows)]
    more = f"; {len(rows) - MOST} further rows in the files" if len(rows) > MOST else ""
    table = Table(box=None, pad_edge=False, title=title + more, title_justify="left")
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows[:MOST]:
        table.add_row(*(row.get(name, "") for name in columns))
    return table


def _points(value: float, low: float, high: float) -> str:
    return f"{_number(100 * value, 1)} [{_number(100 * low, 1)}, {_number(100 * high, 1)}]"


def _number(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"
