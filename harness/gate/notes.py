"""What a reader of a verdict must know beside its numbers: what was assumed, what differs, and how much was seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import TYPE_CHECKING

from harness.gate import words
from harness.gate.cell import short_name
from harness.runs import differences
from harness.stats.regressions import Method
from harness.stats.seeds import ENOUGH, assumed_sd

if TYPE_CHECKING:
    from harness.gate.compared import Compared
    from harness.gate.policy import Policy
    from harness.gate.sides import Baseline, Stored

LONGEST = 20  # characters of a value, enough to tell two digests apart


def notes(baseline: Baseline, candidate: Stored, rows: Sequence[Compared], policy: Policy) -> Iterator[str]:
    """A sentence each."""
    if baseline.note:
        yield baseline.note
    if not candidate.cells:
        limited = f"but {candidate.limited} with a limit, which do not count" if candidate.limited else "at all"
        yield f"{candidate.name} holds no cell {limited}: nothing was compared"
    alone = sum(row.score is not None and not row.tested for row in rows)
    if alone and not baseline.note:
        yield f"of {words.count(alone, 'cell')} scores alone are known: the tolerance decides alone"
    tested = [row for row in rows if row.evidence is not None and row.evidence.changed]
    retrained = [row for row in tested if row.evidence is not None and row.evidence.method is Method.RETRAINED]
    if tested:
        anew = f"; {len(retrained)} of models trained anew, where another seed counts as chance" if retrained else ""
        yield f"other outcomes than in the baseline, by themselves no failure: {words.count(len(tested), 'cell')}{anew}"
    yield from _spread(retrained)
    yield from _made_otherwise(baseline, candidate, rows)
    drops = [row.evidence.detectable for row in tested if row.evidence and row.evidence.detectable is not None]
    if drops:
        most = f" (median {words.points(median(drops))}, at most {words.points(max(drops))})" if len(drops) > 1 else ""
        yield f"in these cells a drop is caught with a chance of 80 % from {words.points(min(drops))} points on{most}"
    unresolved = sum(row.evidence is not None and not row.evidence.resolved for row in rows)
    if unresolved:
        yield f"too close to call, even with the most permutations: {words.count(unresolved, 'cell')}"
    over = words.count(len(rows), "cell")
    yield f"policy {policy.name}: alpha {policy.alpha:g}, Holm over {over}; bounds of averages are one-sided"


def _spread(retrained: Sequence[Compared]) -> Iterator[str]:
    """That the spread between seeds was not measured, where too few of the baseline's are known."""
    few = [row for row in retrained if len(row.pair.baseline) < ENOUGH]
    for said in (True, False):
        points = {
            f"{words.points(assumed_sd(name) if row.limits.seed_sd is None else row.limits.seed_sd)} points of {name}"
            for row in few if (row.limits.seed_sd is not None) is said for name in [short_name(row.metric)]
        }  # fmt: skip
        if points:
            whence = "as the policy says" if said else "the harness's assumption; `seed_sd` in the policy says another"
            yield (
                f"the spread between seeds is not measured, as the baseline has fewer than {ENOUGH}: "
                f"{words.listed(sorted(points))} ({whence})"
            )


def _made_otherwise(baseline: Baseline, candidate: Stored, rows: Sequence[Compared]) -> Iterator[str]:
    """The runs that have another key than the baseline's of the same seed, and in what they differ, if it is known."""
    recipes: dict[str, str] = {}
    for row in rows:
        # of an older lock nobody knows the keys
        before = {cell.seed: cell for cell in row.pair.baseline if cell.key}
        for cell in row.pair.candidate:
            first = before.get(cell.seed, cell)
            if first.key != cell.key and str(cell.run) not in recipes:
                sides = baseline.recipe(first), candidate.recipe(cell)
                recipes[str(cell.run)] = _told(differences(sides)) if all(sides) else ""
    if recipes:
        known = [f"{run}: {what}" if what else run for run, what in recipes.items()]
        unknown = "" if all(recipes.values()) else " (training numbers, the model or its training data)"
        runs = words.count(len(recipes), "run")
        yield f"made otherwise than in the baseline{unknown}: {runs} ({words.listed(known)})"


def _told(fields: dict[str, list[str]]) -> str:
    return words.listed(
        [f"{name} {' -> '.join(value[:LONGEST] for value in values)}" for name, values in fields.items()]
    )
