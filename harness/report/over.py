"""An entry on a task over its languages: means, what they hide, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.analysis.averages import worst_decile
from harness.languages import language
from harness.report.values import Entry, Over, Score
from harness.seen import UNKNOWN, YES, status
from harness.spec import SuiteTask
from harness.stats.averages import mean, summarise


def over(task: SuiteTask, entry: Entry, scores: Mapping[str, Score], printed: float | None = None) -> Over:
    """The summary of an entry's scores on a task; a score that is not to be taken as a fact is missing.

    Args:
        task: with the languages that count for this entry.
        printed: the mean, of a publication that prints no language.
    """
    known = {code: score.value for code, score in scores.items() if not score.flag}
    values = {code: known.get(code) for code in task.languages}
    families = {code: language(code).family for code in values}
    told = {code: status(code, entry.seen) for code in values}
    seen = {code: one == YES for code, one in told.items() if one != UNKNOWN}
    summary = summarise(values, entry.sources, families, seen)
    own = mean(values.get(source) for source in entry.sources)
    missing = tuple(code for code, value in values.items() if value is None)
    transfer = summary.without_sources
    return Over(
        mean=summary.mean if scores else printed,
        low=None,
        high=None,
        transfer=transfer,
        gap=None if own is None or transfer is None else own - transfer,
        family_macro=summary.family_macro,
        worst=summary.worst,
        worst_language=summary.worst_language,
        worst_decile=worst_decile(np.array([known[code] for code in values])) if values and not missing else None,
        seen=summary.seen,
        unseen=summary.unseen,
        have=len(values) - len(missing),
        want=len(values),
        missing=missing,
    )
