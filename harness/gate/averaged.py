"""On average: has a run become worse over its languages, in its worst language, in its worst tenth?

Where the examples are known, ``harness.stats.aggregates`` answers pass, fail or inconclusive. That many runs are looked
at must not fail one of them by chance: a failure has to stand at alpha divided by the number of averages that have
changed, and is inconclusive otherwise. Where scores alone are known, nothing can be shown to be significant.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from statistics import fmean
from typing import TYPE_CHECKING

from harness.gate import words
from harness.gate.matched import Outcome
from harness.stats.aggregates import Aggregate, Of, Verdict, aggregate

if TYPE_CHECKING:
    from harness.gate.cell import Run
    from harness.gate.examined import Examined
    from harness.gate.policy import Policy


@dataclass(frozen=True, slots=True)
class Averaged:
    """An average over the languages of a run; native units.

    Attributes:
        seeds: of the baseline.
        languages: how many it is over.
        aggregate: None where a language cannot be compared, so that there is no average either.
        reason: why that is, or what stands behind the verdict.
    """

    run: Run
    seeds: tuple[int, ...]
    metric: str
    provenance: str
    of: Of
    languages: int
    aggregate: Aggregate | None
    reason: str = ""

    @property
    def verdict(self) -> Verdict | None:
        """None where nothing could be compared."""
        return None if self.aggregate is None else self.aggregate.verdict


def average(examined: Sequence[Examined], policy: Policy) -> list[Averaged]:
    """Macro, worst language and worst decile of every run and metric of two languages or more."""
    runs: defaultdict[tuple[Run, str, tuple[int, ...]], list[Examined]] = defaultdict(list)
    for one in examined:
        runs[one.pair.promise.run, one.pair.metric, one.pair.seeds].append(one)
    several = [ones for ones in runs.values() if len(ones) > 1]
    changed = sum(len(Of) for ones in several if not all(one.unchanged for one in ones))
    return [row for ones in several for row in _of_run(ones, policy, max(1, changed))]


def _of_run(ones: Sequence[Examined], policy: Policy, changed: int) -> Iterator[Averaged]:
    promise, metric = ones[0].pair.promise, ones[0].pair.metric
    margin = policy.limits_of_run(promise, metric).margin
    kept = {one.pair.promise.target: one for one in ones if one.pair.fault is not Outcome.ALLOWED}
    excused = [one.pair.promise.target for one in ones if one.pair.fault is Outcome.ALLOWED]
    faulty = [language for language, one in kept.items() if one.pair.fault is not None]
    for of in Of:
        row = Averaged(
            promise.run, ones[0].pair.seeds, metric, promise.provenance, of, len(kept), None,
            f"without {words.listed(excused)}" if excused else "",
        )  # fmt: skip
        if faulty or not kept:
            yield replace(row, reason=f"not compared: {words.listed(faulty or excused)}")
            continue
        answers = {language: one.answers for language, one in kept.items() if one.answers is not None}
        if len(answers) < len(kept):
            yield replace(row, aggregate=_of_scores(of, kept, margin))
            continue
        yield replace(row, aggregate=aggregate(of, answers, margin, alpha=policy.alpha, aggregates=changed))


def _of_scores(of: Of, ones: Mapping[str, Examined], margin: float) -> Aggregate:
    """From scores alone: exact where nothing has changed, and otherwise no more than a hint."""
    before = {language: one.pair.promised for language, one in ones.items()}
    after = {language: one.pair.scores[1] for language, one in ones.items()}
    lowest = sorted(before, key=before.__getitem__)
    languages = {Of.MACRO: lowest, Of.WORST: lowest[:1], Of.DECILE: lowest[: ceil(len(lowest) / 10)]}[of]
    then = sorted(after, key=after.__getitem__)[: len(languages)] if of is Of.DECILE else languages
    old, new = fmean(before[language] for language in languages), fmean(after[language] for language in then)
    unchanged = all(one.unchanged for one in ones.values())
    return Aggregate(
        of=of,
        baseline=old,
        candidate=new,
        se=0.0 if unchanged else None,
        low=0.0 if unchanged else None,
        high=0.0 if unchanged else None,
        margin=margin,
        verdict=Verdict.PASS if old - new <= margin else Verdict.INCONCLUSIVE,
        languages=tuple(languages),
    )
