"""How often the gate raises a false alarm, and how often it catches a drop of the size that it prints.

    python -m tests.gate.simulation --draws 400

A draw is a check of 200 cells, 5 tasks x 40 languages, whose true scores differ. *Unchanged*: candidate and baseline
answer with the same chance of being right, and err independently, or give a share of their answers in common.
*Dropped*: in one language of each task the candidate loses right answers, as many as the cell's printed smallest
detectable drop of the unchanged check. *Broken*: in another language it loses half of them. Beside it stands the test
of lm-eval's `model_comparator.py`, z = (a - b) / sqrt(se_a^2 + se_b^2), two-sided at 5 %, which knows neither that the
examples are the same nor how many cells there are; and the same with Holm.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from scipy.stats import norm

from harness.metrics.base import Metric, metric
from harness.stats.aggregates import Of, Verdict, aggregate
from harness.stats.holm import holm
from harness.stats.influence import standard_error
from harness.stats.paired import Cell
from harness.stats.regressions import Comparison, compare

TASKS, LANGUAGES, EXAMPLES = 5, 40, 500
ALPHA, TOLERANCE, MARGIN = 0.05, 0.005, 0.02
BROKEN = 39
"""The language that breaks, in the first task."""


@dataclass(frozen=True)
class Shares:
    """Of the draws, or of the drops in them.

    Attributes:
        passed: unchanged checks without a failed cell or aggregate.
        passed_z: without a cell that is significantly worse by the unpaired test.
        passed_z_holm: the same with Holm.
        caught: drops of the printed size.
        caught_z_holm: the same, by the unpaired test with Holm.
        broken: broken languages that are caught.
        macro_passes: draws with a broken language whose task's mean is still within the margin.
        detectable: mean printed size, in points.
        inconclusive: aggregates of unchanged checks that neither pass nor fail.
    """

    passed: float
    passed_z: float
    passed_z_holm: float
    caught: float
    caught_z_holm: float
    broken: float
    macro_passes: float
    detectable: float
    inconclusive: float


Counts = np.ndarray
Answers = Callable[[np.random.Generator, float], tuple[Counts, Counts]]
"""From a chance of being right to two models' counts."""


def right_or_wrong(shared: float) -> Answers:
    """One answer an example."""

    def answers(rng: np.random.Generator, chance: float) -> tuple[Counts, Counts]:
        alike, ours, theirs = (rng.random(EXAMPLES) < chance for _ in range(3))
        common = rng.random(EXAMPLES) < shared
        ones = np.ones(EXAMPLES)
        return tuple(np.stack([np.where(common, alike, own), ones], axis=1) for own in (ours, theirs))

    return answers


def spans(shared: float) -> Answers:
    """Sentences with 1.5 entities each, and false ones now and then."""

    def answers(rng: np.random.Generator, chance: float) -> tuple[Counts, Counts]:
        gold = rng.poisson(1.5, EXAMPLES)
        found = [rng.binomial(gold, chance) for _ in range(3)]
        alike, ours, theirs = (np.stack([tp, tp + rng.poisson(0.3, EXAMPLES), gold], axis=1) for tp in found)
        common = (rng.random(EXAMPLES) < shared)[:, None]
        return tuple(np.where(common, alike, own).astype(float) for own in (ours, theirs))

    return answers


def worse(rng: np.random.Generator, counts: Counts, share: float) -> Counts:
    """The counts after this share of what is right went wrong."""
    lost = counts.copy()
    lost[:, 0] -= rng.binomial(counts[:, 0].astype(int), min(1.0, share))
    return lost


def failed(found: list[Comparison]) -> np.ndarray:
    """Which cells fail: worse by more than the tolerance, and significantly so."""
    return np.array([-one.difference > TOLERANCE and one.adjusted <= ALPHA for one in found])


def unpaired(cells: list[Cell]) -> tuple[np.ndarray, np.ndarray]:
    """lm-eval's two-sided p of each cell, and whether the candidate is the worse one."""
    errors = np.array([[standard_error(one) for one in cell.influences] for cell in cells])
    drops = np.array([cell.drop for cell in cells])
    return 2 * norm.sf(np.abs(drops) / np.sqrt((errors**2).sum(axis=1))), drops > 0


def simulate(measure: Metric, answers: Answers, draws: int, seed: int = 0) -> Shares:
    """The shares over this many draws."""
    found: dict[str, list[bool | float]] = {name: [] for name in Shares.__dataclass_fields__}
    groups = np.arange(EXAMPLES)
    tolerances = [TOLERANCE] * (TASKS * LANGUAGES)
    for draw in range(draws):
        rng = np.random.default_rng([seed, draw])
        pairs = [answers(rng, chance) for chance in rng.uniform(0.5, 0.9, TASKS * LANGUAGES)]
        cells = [Cell(measure, groups, (ours,), (theirs,)) for ours, theirs in pairs]
        checked = compare(cells, tolerances=tolerances, alpha=ALPHA, seed=draw)
        tasks = [dict(enumerate(cells[i : i + LANGUAGES])) for i in range(0, len(cells), LANGUAGES)]
        verdicts = [
            aggregate(of, task, MARGIN, alpha=ALPHA, aggregates=TASKS * len(Of)).verdict for task in tasks for of in Of
        ]
        p, is_worse = unpaired(cells)
        found["passed"].append(not failed(checked).any() and Verdict.FAIL not in verdicts)
        found["passed_z"].append(not (is_worse & (p <= ALPHA)).any())
        found["passed_z_holm"].append(not (is_worse & (holm(p) <= ALPHA)).any())
        found["inconclusive"].append(verdicts.count(Verdict.INCONCLUSIVE) / len(verdicts))

        dropped = np.arange(0, len(cells), LANGUAGES)
        for i in dropped:
            size = checked[i].detectable
            found["detectable"].append(100 * size)
            # of the true score, which both models have in common
            share = size / np.mean(cells[i].scores)
            cells[i] = Cell(measure, groups, cells[i].baseline, (worse(rng, pairs[i][1], share),))
        cells[BROKEN] = Cell(measure, groups, cells[BROKEN].baseline, (worse(rng, pairs[BROKEN][1], 0.5),))
        alarms = failed(compare(cells, tolerances=tolerances, alpha=ALPHA, seed=draw))
        p, is_worse = unpaired(cells)
        found["caught"] += alarms[dropped].tolist()
        found["caught_z_holm"] += (is_worse & (holm(p) <= ALPHA))[dropped].tolist()
        found["broken"].append(bool(alarms[BROKEN]))
        broken = tasks[0] | {BROKEN: cells[BROKEN]}
        found["macro_passes"].append(aggregate(Of.MACRO, broken, MARGIN, alpha=ALPHA).verdict is Verdict.PASS)
    return Shares(**{name: float(np.mean(values)) for name, values in found.items()})


KINDS = {
    "accuracy, independent errors": ("accuracy", right_or_wrong, 0.0),
    "accuracy, 70 % of the answers in common": ("accuracy", right_or_wrong, 0.7),
    "span F1, independent errors": ("span_f1", spans, 0.0),
    "span F1, 70 % of the answers in common": ("span_f1", spans, 0.7),
}


def table(draws: int, seed: int = 0) -> dict[str, dict[str, float]]:
    """The shares of each kind of simulation."""
    return {
        name: asdict(simulate(metric(signature), answers(shared), draws, seed))
        for name, (signature, answers, shared) in KINDS.items()
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    sys.stdout.write(json.dumps(table(asked.draws, asked.seed), indent=1) + "\n")
