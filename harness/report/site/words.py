"""Numbers and settings as people read them: x 100 with one decimal, and what tells entries apart in a few words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from harness.report.values import Entry, Kind, Over

MINUS, DASH = "\N{MINUS SIGN}", "\N{EN DASH}"
FEW = 6  # languages named in a reason


def percent(value: float | None) -> str:
    """A native score x 100, with one decimal; empty for None."""
    # z: what rounds to nothing has no sign
    return "" if value is None else f"{100 * value:z.1f}".replace("-", MINUS)


def span(low: float | None, high: float | None) -> str:
    """An interval x 100; empty where there is none."""
    if low is None or high is None:
        return ""
    # a dash beside a minus would be hard to read
    return f"{percent(low)}{' to ' if low < 0 else DASH}{percent(high)}"


def count(number: int | None) -> str:
    """A whole number with separators; empty for None."""
    return "" if number is None else f"{number:,}"


def large(number: int | None) -> str:
    """A number of parameters or tokens, to three figures: 278 M."""
    if number is None:
        return ""
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return str(number)


def duration(seconds: float) -> str:
    """Seconds as hours, minutes and seconds."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def parts(entry: Entry) -> dict[str, str]:
    """What an entry's setting consists of, by aspect; empty where it does not apply."""
    bare = entry.kind is Kind.FLOOR or entry.protocol
    return {
        # a floor learns nothing in any way, and of published figures the protocol says how
        "strategy": entry.strategy.replace("_", "-") if not bare else "",
        "sources": f"from {' + '.join(entry.sources)}" if entry.sources else "",
        "shots": f"k = {entry.shots}" if entry.shots else "",
        "size": f"{entry.size:,} examples" if entry.size is not None else "",
        "options": entry.options,
        "protocol": entry.protocol,
    }


def setting(entry: Entry) -> str:
    """All of an entry's setting."""
    return ", ".join(filter(None, parts(entry).values()))


def common(entries: Sequence[Entry]) -> dict[str, str]:
    """The aspects that all own runs have alike: said once above a table, and not in every row."""
    runs = [one for one in entries if one.kind is Kind.RUN] or entries
    every = [parts(one) for one in runs]
    return {name: text for name, text in every[0].items() if all(one[name] == text for one in every)} if every else {}


def differing(entry: Entry, shared: Mapping[str, str]) -> str:
    """An entry's setting without what all the others share."""
    return ", ".join(text for name, text in parts(entry).items() if text and text != shared.get(name))


def lacks(over: Over) -> str:
    """Why an entry has no mean on a task; empty where it has all languages."""
    if not over.missing:
        return ""
    more = len(over.missing) - FEW
    return f"no score in {', '.join(over.missing[:FEW])}{f' and {more} more' if more > 0 else ''}"


def file_names(names: Iterable[str]) -> dict[str, str]:
    """A file name of ``a-z0-9._-`` for each name, no two alike."""
    found: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"[^a-z0-9._-]+", "_", name.lower()).strip("_.")[:80] or "unnamed"
        taken, number = set(found.values()), 2
        while (free := plain if plain not in taken else f"{plain}-{number}") in taken:
            number += 1
        found[name] = free
    return found
