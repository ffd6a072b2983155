"""A cell as the gate sees it: what it is found by, what it must be measured on, and its scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from harness.storage.records import CellRecord


class Run(NamedTuple):
    """All cells of one model trained one way, whatever the seed: what an average over languages is taken over."""

    task: str
    model: str
    strategy: str
    sources: tuple[str, ...]
    shots: int
    size: int | None

    @property
    def settings(self) -> str:
        """The strategy with its numbers, where it has any."""
        shots = f" k={self.shots}" if self.shots else ""
        return f"{self.strategy}{shots}" + (f" size={self.size}" if self.size is not None else "")

    @property
    def described(self) -> str:
        """All but the task."""
        return f"{self.model} {self.settings} from {'+'.join(self.sources)}"

    def __str__(self) -> str:
        return f"{self.task} {self.described}"


@dataclass(frozen=True, slots=True)
class Cell:
    """One run with one seed on one target.

    Attributes:
        n: examples scored.
        data: fingerprint of the evaluation data.
        table: sha256 of the table of the examples; empty where none is known.
        key: names the folder of the run in its store.
        main: signature of the main metric.
        scores: by signature, in native units.
    """

    run: Run
    seed: int
    target: str
    provenance: str
    n: int
    data: str
    table: str
    key: str
    main: str
    scores: Mapping[str, float]

    @property
    def identity(self) -> tuple[Run, int, str]:
        """What a cell of one side is found by on the other."""
        return self.run, self.seed, self.target

    def __str__(self) -> str:
        return f"{self.run} seed {self.seed} on {self.target}"


def cell_of(record: CellRecord) -> Cell:
    """The cell of a stored record."""
    return Cell(
        run=Run(record.task, record.model, record.strategy, record.sources, record.shots, record.size),
        seed=record.seed,
        target=record.target,
        provenance=record.provenance,
        n=record.n,
        data=record.data,
        table=record.table,
        key=record.predict_key,
        main=record.main_metric,
        scores={signature: score["score"] for signature, score in record.scores.items()},
    )


def short_name(metric: str) -> str:
    """The metric's name without its settings."""
    return metric.split("|", 1)[0]
