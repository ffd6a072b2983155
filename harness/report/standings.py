"""How the entries of a board stand: ranks by several schemes, the worst off, and what is missing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TypedDict

import numpy as np

from harness.report import ranks
from harness.report.basis import Basis, overall, value
from harness.report.values import Entry, Kind, Standing, TaskBoard
from harness.spec import Suite
from harness.stats.averages import apart, mean


class Places(TypedDict):
    """By what schemes an entry has which place."""

    win_rate: float | None
    borda: float | None
    borda_rank: int | None
    borda_low: int | None
    borda_high: int | None


UNRANKED = Places(win_rate=None, borda=None, borda_rank=None, borda_low=None, borda_high=None)


def standings(
    suite: Suite,
    entries: Sequence[Entry],
    tasks: Mapping[str, TaskBoard],
    by: Basis,
    across: Collection[str],
    notes: Mapping[str, Sequence[str]],
) -> tuple[Standing, ...]:
    """The lines of a board, best first; floors and published figures stand among the others, without a rank.

    Family macro, worst language and gap are of the tasks that may stand in one number (``stats.averages.apart``), or
    of all where there is no other.

    Args:
        across: tasks in which the source is no target, so that there is no gap.
    """
    ranked = [entry.id for entry in entries if entry.kind is Kind.RUN]
    scores = {entry.id: _score(entry.id, tasks, by) for entry in entries}
    rank = dict(zip(ranked, ranks.ranks([scores[entry] for entry in ranked]), strict=True))
    places = _places(ranked, tasks, by)
    out = apart({name: board.provenance for name, board in tasks.items()})
    kept = {name: board for name, board in tasks.items() if name not in out} or tasks
    if len(kept) < len(tasks):
        told = ", ".join(f"{name} ({kind})" for name, kind in out.items())
        notes = {**notes} | {
            entry.id: (*notes.get(entry.id, ()), f"family macro, worst and gap are without {told}") for entry in entries
        }
    found = [
        _standing(suite, entry.id, tasks, kept, across, scores, rank, places.get(entry.id, UNRANKED), notes)
        for entry in entries
    ]
    return tuple(sorted(found, key=_order))


def _order(one: Standing) -> tuple[bool, float, bool, int, str]:
    """Best first; of those without a score, those with the most languages."""
    return one.score is None, -round(one.score or 0.0, ranks.DIGITS), one.rank is None, -one.have, one.entry


def _standing(
    suite: Suite,
    entry: str,
    tasks: Mapping[str, TaskBoard],
    kept: Mapping[str, TaskBoard],
    across: Collection[str],
    scores: Mapping[str, float | None],
    rank: Mapping[str, int | None],
    places: Places,
    notes: Mapping[str, Sequence[str]],
) -> Standing:
    worst, where = _worst(entry, kept)
    means = {name: tasks[name].over[entry].mean if name in tasks else None for name in suite.tasks}
    groups = dict.fromkeys(group for task in suite.tasks.values() for group in task.groups)
    overs = [board.over[entry] for board in tasks.values()]
    return Standing(
        entry=entry,
        rank=rank.get(entry),
        score=scores[entry],
        low=None,
        high=None,
        overall=mean(means.values()) if suite.name else None,
        groups={
            group: mean(means[name] for name in suite.tasks if group in suite.tasks[name].groups) for group in groups
        },
        family_macro=mean(board.over[entry].family_macro for board in kept.values()),
        worst=worst,
        worst_where=where,
        gap=mean(board.over[entry].gap for name, board in kept.items() if name not in across),
        **places,
        have=sum(one.have for one in overs),
        want=sum(one.want for one in overs),
        notes=tuple(notes.get(entry, ())),
    )


def _worst(entry: str, tasks: Mapping[str, TaskBoard]) -> tuple[float | None, str]:
    """The lowest score of all tasks, and where; None while one of them is not whole."""
    found = [(one.worst, f"{name} {one.worst_language}") for name, board in tasks.items()
             if (one := board.over[entry]).worst is not None]  # fmt: skip
    return min(found) if len(found) == len(tasks) else (None, "")


def _score(entry: str, tasks: Mapping[str, TaskBoard], by: Basis) -> float | None:
    if by.own:
        return overall(entry, tasks)
    return mean(mean(value(tasks[name], entry, code) for code in codes) for name, codes in by.targets.items())


def _places(ranked: Sequence[str], tasks: Mapping[str, TaskBoard], by: Basis) -> dict[str, Places]:
    """Win rate and Borda rank of the entries that take part."""
    if not ranked:
        return {}
    rates = ranks.win_rates(np.hstack([_table(ranked, tasks[name], codes) for name, codes in by.open.items()]))
    found = {entry: Places(**UNRANKED) for entry in ranked}
    for entry, rate in zip(ranked, rates, strict=True):
        found[entry]["win_rate"] = float(rate) if np.isfinite(rate) else None
    tables = [(_table(ranked, tasks[name], codes), codes) for name, codes in by.targets.items()]
    if tables:
        total, place = ranks.borda([table.mean(axis=1) for table, _ in tables])
        low, high = ranks.borda_intervals(tables)
        for i, entry in enumerate(ranked):
            found[entry] |= {
                "borda": float(total[i]),
                "borda_rank": int(place[i]),
                "borda_low": int(low[i]),
                "borda_high": int(high[i]),
            }
    return found


def _table(entries: Sequence[str], board: TaskBoard, codes: Sequence[str]) -> ranks.Array:
    """Scores, (entries, languages), NaN where there is none that counts."""
    rows = [[value(board, entry, code) for code in codes] for entry in entries]
    return np.array(rows, dtype=float).reshape(len(entries), len(codes))
