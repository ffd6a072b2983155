"""What lies in a submission's folders beside the files that are looked for."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from harness.errors import DataError
from harness.submission.forms import SWAPPED
from harness.submission.layout import Place
from harness.submission.text import shown

SHOWN = 5


def strangers(folder: Path, wanted: Collection[str]) -> list[str]:
    """A note that names what in a task's folder is none of the wanted files; none where there is no such thing."""
    names = sorted(name for name in _names(folder) if name not in wanted)
    if not names:
        return []
    some = ", ".join(map(_printable, names[:SHOWN])) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    return [f"{folder}: no file of the task, ignored: {some}"]


def refuse_absent(place: Place) -> None:
    """Nothing, if both files of a language are there; a broken link is not.

    Raises:
        DataError: one is missing; the message names what may have been meant for it.
    """
    for path, other in ((place.prediction, place.gold), (place.gold, place.prediction)):
        if not path.exists():
            # only where the two sides are called differently does a name tell them apart
            swapped = other.name != path.name and (path.parent / other.name).exists()
            hint = f"; {other.name} is there: {SWAPPED}" if swapped else _meant(path)
            raise DataError(f"{path}: no such file{hint}")


def _meant(path: Path) -> str:
    alike = sorted(name for name in _names(path.parent) if name != path.name and _plain(name) == _plain(path.name))
    return f"; is it {' or '.join(map(_printable, alike))}?" if alike else ""


def _plain(name: str) -> str:
    """What is left of a name without its suffixes, in small letters, whatever parts its words."""
    return name.partition(".")[0].casefold().replace("_", "-")


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError:
        return []


def _printable(name: str) -> str:
    return name if name.isprintable() else shown(name)
