"""Registries of task types, metrics, model families, strategies and readers, filled by decorators.

Other packages register theirs through entry points, as this project does: in the group ``harness.<kind>s``, one entry
point a name, whose value is the module that registers it. A module is imported when its name is first asked for, so
that nobody waits for torch who does not train.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from harness.errors import HarnessError, nearest

T = TypeVar("T")


class Registry(Generic[T]):
    """Named things of one kind."""

    def __init__(self, kind: str, group: str) -> None:
        self.kind = kind
        self.group = group
        self._known: dict[str, T] = {}

    def add(self, name: str) -> Callable[[T], T]:
        """A decorator that registers what it decorates under ``name``; a second registration raises."""

        def register(thing: T) -> T:
            known = self._known.get(name)
            # a module that is imported twice registers the same definition again, which is no clash
            if known is not None and _origin(known) != _origin(thing):
                raise HarnessError(f"{self.kind} {name!r} is registered twice: {_origin(known)} and {_origin(thing)}")
            self._known[name] = thing
            return thing

        return register

    def __getitem__(self, name: str) -> T:
        if name not in self._known and name in self._installed:
            self._installed[name].load()
        try:
            return self._known[name]
        except KeyError:
            raise HarnessError(f"unknown {self.kind} {name!r}: {nearest(name, self)}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._known or name in self._installed

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._known, *self._installed}))

    @cached_property
    def _installed(self) -> dict[str, EntryPoint]:
        points: dict[str, EntryPoint] = {}
        for point in entry_points(group=self.group):
            clash = points.setdefault(point.name, point)
            if clash.value != point.value:
                raise HarnessError(f"{self.kind} {point.name!r} is installed twice: {clash.value} and {point.value}")
        return points


def _origin(thing: object) -> tuple[str, str]:
    owner = thing if hasattr(thing, "__qualname__") else type(thing)
    return str(getattr(owner, "__module__", "")), str(getattr(owner, "__qualname__", ""))
