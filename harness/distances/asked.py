"""What distances are asked for, and what each is computed for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from harness.sweep.options import Options

if TYPE_CHECKING:
    from harness.studied import Studied


@dataclass(frozen=True, slots=True)
class Asked:
    """Which distances, and from what.

    Attributes:
        names: of distances, of kinds, CSV files; the default ones when empty.
        root: folder of the real tasks' files.
        cache: a folder for what is slow to read or compute.
        parallel: the task with parallel sentences; empty for the one that has most of the languages.
        options: where that task is found.
    """

    names: Sequence[str]
    root: Path | None
    cache: Path
    parallel: str = ""
    options: Options = field(default_factory=Options)


@dataclass(frozen=True, slots=True)
class Scope:
    """What distances are computed for: some languages, and where they depend on them a task and a model.

    Attributes:
        task: its name; empty for all.
        model: likewise.
        sources: those of the languages that were trained on.
        studied: the task and the model themselves; None where nothing is known of them.
    """

    task: str
    model: str
    languages: tuple[str, ...]
    sources: tuple[str, ...]
    studied: Studied | None = None

    def __str__(self) -> str:
        return ", ".join(name for name in (self.task, self.model) if name)
