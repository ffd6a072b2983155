"""The YAML files of the configuration groups, found where Hydra finds them: the package, and the user's own folders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from yaml import YAMLError

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

    def names(self, group: str) -> tuple[str, ...]:
        """Every option of a group, sorted."""
        return _names(self.places, group)

    def read(self, group: str, name: str) -> dict[str, Any]:
        """One option's YAML as a plain dictionary.

        Raises:
            HarnessError: there is none of that name; the nearest known one is named.
        """
        return _read(self.places, group, name)


def suites_of(options: Options) -> dict[str, tuple[str, ...]]:
    """The suites of every task that is in one, by the task's name; read now, so that no record can be out of date."""
    found: dict[str, tuple[str, ...]] = {}
    for suite in options.names("suite"):
        for task in options.read("suite", suite).get("tasks") or ():
            found[task] = (*found.get(task, ()), suite)
    return found


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
            try:
                content = OmegaConf.to_container(OmegaConf.load(file))
            except YAMLError as error:
                raise HarnessError(f"{file}: not YAML: {error}") from error
            if not isinstance(content, dict):
                raise HarnessError(f"{file}: expected `key: value` lines, found {type(content).__name__}")
            return {str(key): value for key, value in content.items()}
    raise HarnessError(f"unknown {group} {name!r}: {nearest(name, _names(places, group))}")
