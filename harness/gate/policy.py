"""What the gate lets pass: tolerances, margins, seeds, and what may be missing until when.

Numbers are in a metric's native unit, so 0.02 is two points on the boards. A rule changes them for the cells that it
names; where several fit, the last one that says a number counts. ``conf/policy/default.yaml`` explains every field.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from typing import TYPE_CHECKING

from harness.gate.cell import short_name

if TYPE_CHECKING:
    from harness.gate.cell import Cell


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds for one number.

    Attributes:
        tolerance: a cell may fall by this much.
        margin: an average over languages may fall by this much.
        seed_sd: spread of a score between seeds, where the baseline has too few of them to tell; None for the
            metric's own (``harness.stats.seeds``).
    """

    tolerance: float
    margin: float
    seed_sd: float | None


@dataclass(frozen=True, slots=True)
class Choice:
    """Which cells something is about; what is None is about all.

    Attributes:
        metric: signatures, or names without settings.
        language: targets, canonical.
    """

    task: frozenset[str] | None = None
    model: frozenset[str] | None = None
    metric: frozenset[str] | None = None
    language: frozenset[str] | None = None

    def fits(self, cell: Cell, metric: str) -> bool:
        """Whether it is about this metric of this cell."""
        return self.fits_run(cell, metric) and (self.language is None or cell.target in self.language)

    def fits_run(self, cell: Cell, metric: str) -> bool:
        """Whether it is about this metric of this cell's run, whatever the language."""
        return (
            (self.task is None or cell.run.task in self.task)
            and (self.model is None or cell.run.model in self.model)
            and (self.metric is None or not self.metric.isdisjoint({metric, short_name(metric)}))
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """Other limits for some cells; None leaves a limit as it is."""

    about: Choice
    tolerance: float | None = None
    margin: float | None = None
    seed_sd: float | None = None


@dataclass(frozen=True, slots=True)
class Allowance:
    """Cells that may be missing, or no number, up to and including a day."""

    about: Choice
    until: date
    why: str


@dataclass(frozen=True, slots=True)
class Policy:
    """All that the gate is told.

    Attributes:
        alpha: chance of failing any cell although none is worse beyond its tolerance.
        inconclusive: whether an average that is not shown to hold fails the gate.
        retrained: whether a trained model whose predictions differ was trained anew, so that seeds count.
        metrics: signatures that are compared beside each cell's main metric.
    """

    name: str
    alpha: float
    limits: Limits
    inconclusive: bool
    retrained: bool
    metrics: frozenset[str] = frozenset()
    rules: tuple[Rule, ...] = ()
    allow: tuple[Allowance, ...] = ()

    def limits_of(self, cell: Cell, metric: str) -> Limits:
        """What holds for a metric of a cell."""
        return self._merged([rule for rule in self.rules if rule.about.fits(cell, metric)])

    def limits_of_run(self, cell: Cell, metric: str) -> Limits:
        """What holds for averages over the languages of a cell's run: rules about single languages do not count."""
        rules = [rule for rule in self.rules if rule.about.language is None and rule.about.fits_run(cell, metric)]
        return self._merged(rules)

    def compared(self, cell: Cell) -> Iterator[str]:
        """The metrics of a cell that are compared, the main one first."""
        yield cell.main
        yield from sorted(metric for metric in cell.scores if metric in self.metrics and metric != cell.main)

    def allowance(self, cell: Cell, metric: str) -> Allowance | None:
        """The allowance for a cell that lasts longest, expired or not."""
        fitting = [one for one in self.allow if one.about.fits(cell, metric)]
        return max(fitting, key=lambda one: one.until, default=None)

    def _merged(self, rules: list[Rule]) -> Limits:
        found = {field.name: getattr(self.limits, field.name) for field in fields(Limits)}
        for rule in rules:
            found |= {name: value for name in found if (value := getattr(rule, name)) is not None}
        return Limits(**found)
