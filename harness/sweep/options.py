"""The YAML files of the configuration groups, found where Hydra finds them: the package, and the user's own folders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from yaml import MarkedYAMLError, YAMLError

from harness.errors import HarnessError, nearest

PACKAGE = "pkg://conf"


@dataclass(frozen=True, slots=True)
class Options:
    """The places where groups are looked for, in order; the first file of a name wins.

    Attributes:
        places: ``pkg://conf`` and ``file:///folder``, as in Hydra's search path.
    """

    places: tuple[str, ...] = (PACKAGE,)

    @classmethod
    def of_search_path(cls, sources: Iterable[str]) -> Options:
        """The places of Hydra's own search path that hold files; plugins' and structured ones are left out."""
        return cls(tuple(dict.fromkeys(place for place in sources if place.startswith(("pkg://conf", "file://")))))

    @classmethod
    def beside(cls, folder: Path | None) -> Options:
        """The package's own places, and before them a folder of the user's, where there is one."""
        return cls((f"file://{folder.resolve()}", PACKAGE) if folder else (PACKAGE,))

    def names(self, group: str) -> tuple[str, ...]:
        """Every option of a group, sorted."""
        return _names(self.places, group)

    def read(self, group: str, name: str) -> dict[str, Any]:
        """One option's YAML as a plain dictionary.

        Raises:
            HarnessError: there is none of that name (the nearest known one is named), or it is no YAML mapping.
        """
        return _read(self.places, group, name)

    def check(self) -> None:
        """Nothing, if every file of the user's own folders is a YAML mapping.

        Raises:
            HarnessError: one is not; file and line are named.
        """
        for folder in _folders(tuple(place for place in self.places if place.startswith("file://"))):
            for file in sorted(folder.rglob("*.yaml")):
                content(file)


def suites_of(options: Options) -> dict[str, tuple[str, ...]]:
    """The suites of every task that is in one, by the task's name; read now, so that no record can be out of date."""
    found: dict[str, tuple[str, ...]] = {}
    for suite in options.names("suite"):
        for task in options.read("suite", suite).get("tasks") or ():
            found[task] = (*found.get(task, ()), suite)
    return found


def content(file: Path) -> dict[str, Any]:
    """A YAML file as a plain dictionary; an empty one is empty.

    Raises:
        HarnessError: it is no YAML, no UTF-8, or no mapping; file and, where it is known, line are named.
    """
    try:
        found = OmegaConf.to_container(OmegaConf.load(file))
    except MarkedYAMLError as error:
        where = f"{file}, line {error.problem_mark.line + 1}" if error.problem_mark else str(file)
        # where a bracket stays open the parser stops at the end of the file; the line on which it opens says more
        begun = f"{error.context} that begins on line {error.context_mark.line + 1}, " if error.context_mark else ""
        said = f"{begun}{error.problem}"
        raise HarnessError(f"{where}: not YAML: {said}") from error
    except UnicodeDecodeError as error:
        line = file.read_bytes()[: _first_wrong_byte(file)].count(b"\n") + 1
        raise HarnessError(f"{file}, line {line}: not UTF-8 ({error.reason}); save the file as UTF-8") from error
    except (YAMLError, OSError) as error:
        raise HarnessError(f"{file}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(found, dict):
        raise HarnessError(f"{file}: expected `key: value` lines, found a {type(found).__name__}")
    return {str(key): value for key, value in found.items()}


def _first_wrong_byte(file: Path) -> int:
    try:
        file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return 0


@cache
def _folders(places: tuple[str, ...]) -> tuple[Path, ...]:
    return tuple(
        Path(str(resources.files("conf"))) if place.startswith("pkg://") else Path(place.removeprefix("file://"))
        for place in places
    )


@cache
def _names(places: tuple[str, ...], group: str) -> tuple[str, ...]:
    return tuple(sorted({file.stem for folder in _folders(places) for file in (folder / group).glob("*.yaml")}))


@cache
def _read(places: tuple[str, ...], group: str, name: str) -> dict[str, Any]:
    for folder in _folders(places):
        file = folder / group / f"{name}.yaml"
        if file.is_file():
            return content(file)
    raise HarnessError(f"unknown {group} {name!r}: {nearest(name, _names(places, group))}")
