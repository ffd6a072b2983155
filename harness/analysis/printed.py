"""What `harness analyze` prints: the main numbers of each setting; the rest lies in the files."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType

    from harness.analysis.result import Result

MOST = 24  # rows of a table
STRONGEST = """\
  rho: mean over targets of Spearman's over their sources, 95 % interval from resampling languages; p: permutation of
  the languages that are source and target; picked among several distances, so read it with care; R2: share of the
  variance that all distances explain in a mixed model."""
CHOICES = """\
  single: one source for all; nearest: the best of the distances; foretold: by regression on all of them, the target's
  own scores unseen; random: the mean source; targets: those that all rules have a source for."""
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
        yield _table(
            _policies(found["regret"]),
            "choosing a source: points lost to the best one [95 % over targets]",
        )
    if "selection" in found:
        yield _table(_selections(found["selection"]), "selecting a checkpoint: points gained [95 % over languages]")


def short(results: tuple[Result, ...], provenance: str) -> str:
    """The two answers of a sweep as plain text: what explains transfer, and which source to choose."""
    found = {name: table for result in results for name, table in result.tables.items() if not table.empty}
    parts = []
    if "synthetic" in provenance:
        parts.append("Synthetic languages: what follows is about the harness's toy data, not about real languages.")
    if "correlation" in found:
        parts.append("\nWhat explains transfer: the distance that goes furthest with the scores")
        parts += [_plain(_strongest(found)), STRONGEST]
    if "regret" in found:
        parts.append("\nWhich source to choose: points lost to the best source of each target, by rule")
        parts += [_plain(_choices(found)), CHOICES]
    return "\n".join(parts).lstrip() + "\n"


def _strongest(found: dict[str, pd.DataFrame]) -> list[dict[str, str]]:
    """A row a setting: the distance that goes furthest with the choice of a source, and what all of them explain."""
    rows = []
    each = found["correlation"].query("measure == 'within_target'")
    each = each if each["value"].notna().any() else found["correlation"].query("measure == 'spearman'")
    for key, group in each.groupby(KEY, sort=False):
        if not group["value"].notna().any():
            continue
        best = max(group.dropna(subset="value").to_dict("records"), key=lambda row: abs(row["value"]))
        mine = {name: _of(table, key) for name, table in found.items() if set(KEY) <= set(table.columns)}
        row = _setting(best) | {"strongest distance": f"{best['distance']} (of {len(group)})"}
        row["rho" if best["measure"] == "spearman" else "rho within target"] = _between(
            best["value"], best["low"], best["high"]
        )
        row["QAP p"] = _qap(mine.get("permutation"), str(best["distance"]))
        if "mixed_fit" in mine and len(mine["mixed_fit"]):
            row["R2 of all"] = _number(float(mine["mixed_fit"]["r2_marginal"].iloc[0]))
        row["pairs"] = str(best["n"])
        rows.append(row)
    return rows


def _choices(found: dict[str, pd.DataFrame]) -> list[dict[str, str]]:
    """A row a setting: the best source of all, the best rule to choose one by, and what English costs."""
    rows = []
    for key, group in found["regret"].groupby(KEY, sort=False):
        compared = group[group["common"]]  # a policy of other targets is no match for these
        lost = compared.set_index("policy")["regret"]
        row = _setting(dict(zip(KEY, key, strict=True)))
        sources = _of(found["sources"], key) if "sources" in found else None
        if sources is not None and len(sources) and "best single source" in lost:
            top = max(sources.to_dict("records"), key=lambda one: one["mean"])["source"]
            row["best single"] = f"{top}, {100 * lost['best single source']:.1f}"
        rules = lost[[name for name in lost.index if name.startswith("nearest by ")]]
        if len(rules):
            row["best nearest"] = f"{str(rules.idxmin()).removeprefix('nearest by ')}, {100 * rules.min():.1f}"
        for policy in ("foretold", "english", "random"):
            row[policy] = f"{100 * lost[policy]:.1f}" if policy in lost else "-"
        rows.append(row | {"targets": str(compared["n"].max())})
    return rows


def _of(table: pd.DataFrame, key: Any) -> pd.DataFrame:
    """The rows of one setting."""
    return table[(table[KEY] == list(key)).all(axis=1)]


def _qap(tests: pd.DataFrame | None, distance: str) -> str:
    if tests is None or tests.empty:
        return "-"
    plain = tests[(tests["distance"] == distance) & (tests["given"] == "")]
    rows = plain[(plain["design"] == "qap") & (plain["measure"] == "spearman")]
    return _number(float(rows["p"].iloc[0]), 4) if len(rows) else "-"


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
            name: _between(by[measure]["value"], by[measure]["low"], by[measure]["high"])
            for name, measure in (
                ("rho", "spearman"),
                ("within target", "within_target"),
                ("centred r", "double_centred"),
            )
        }
        row = dict(zip([*KEY, "distance"], key, strict=True))
        p = _qap(_of(tests, key[:-1]) if tests is not None else None, str(row["distance"]))
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
            "targets": str(row["n"]) if row["common"] else f"{row['n']} of its own",
        }
        for row in table.to_dict("records")
    ]  # fmt: skip


def _selections(table: pd.DataFrame) -> list[dict[str, str]]:
    return [
        _setting(row) | {
            "selected by": row["selected_by"],
            "instead of": row["instead_of"],
            "gain": _between(100 * row["gain"], 100 * row["low"], 100 * row["high"]),
            "most": f"{100 * row['most']:.1f} ({row['most_at']})",
            "better": f"{row['better']:.0%}",
            "pairs": str(row["pairs"]),
        }
        for row in table.to_dict("records")
    ]  # fmt: skip


def _setting(row: Mapping[Any, Any]) -> dict[str, str]:
    strategy = {} if row["strategy"] == "zero_shot" else {"strategy": str(row["strategy"])}
    return {"task": str(row["task"]), "model": str(row["model"])} | strategy


def _plain(rows: list[dict[str, str]]) -> str:
    """Rows as lines of text."""
    text = io.StringIO()
    Console(width=150, file=text, highlight=False, markup=False).print(_table(rows))
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def _table(rows: list[dict[str, str]], title: str = "") -> Table:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    columns = [name for name in columns if any(row.get(name) for row in rows)]
    more = f"; {len(rows) - MOST} further rows in the files" if len(rows) > MOST else ""
    table = Table(box=None, pad_edge=False, title=(title + more) or None, title_justify="left")
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows[:MOST]:
        table.add_row(*(row.get(name, "") for name in columns))
    return table


def _points(value: float, low: float, high: float) -> str:
    return _between(100 * value, 100 * low, 100 * high, 1)


def _between(value: float, low: float, high: float, digits: int = 2) -> str:
    """A value and its interval, which few languages do not have."""
    if not math.isfinite(low):
        return _number(value, digits)
    return f"{_number(value, digits)} [{_number(low, digits)}, {_number(high, digits)}]"


def _number(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"
