"""Scores in the shape that the official scorers write, so that a program can compare the two.

google-research/xtreme evaluate.py (--output_file): groups and tasks side by side; a task holds, by metric, each
language's score times 100, their averages, and `avg_metric`. microsoft/XGLUE xglue_evaluate.py: a task holds each
language's score and `avg`, in the metric's own unit. Where the official programs would stop, a task's
averages are null beside a `coverage`; `all_task` and groups that are not whole are left out, as XTREME's program does.
"""

from __future__ import annotations

from typing import Any

from harness.metrics.base import parse_signature
from harness.stats.averages import mean
from harness.submission.score import Scored, Tally, taken

KEYS = {
    "squad_em": "exact_match",
    "mlqa_em": "exact_match",
    "squad_f1": "f1",
    "mlqa_f1": "f1",
    "span_f1": "f1",
    "mining_f1": "f1",
    "choice_accuracy": "accuracy",
    "retrieval_accuracy": "accuracy",
    "mrr_at": "map@{k}",
    "map_at": "map@{k}",
}


def as_json(scored: Scored) -> dict[str, Any]:
    """What the suite's official program would write."""
    return _xglue(scored) if scored.suite.name == "xglue" else _xtreme(scored)


def _xtreme(scored: Scored) -> dict[str, Any]:
    averages = scored.averages
    tops = {"all_task": averages.overall, **averages.groups}
    found: dict[str, Any] = {name: 100 * value for name, value in tops.items() if value is not None}
    for name, task in taken(scored.suite).items():
        if scored.tallies[name]:
            found[task.folder] = _xtreme_task(scored, name)
    return found


def _xtreme_task(scored: Scored, name: str) -> dict[str, Any]:
    task, have = scored.suite.tasks[name], scored.tallies[name]
    found: dict[str, dict[str, float]] = {}
    for code in [code for code in task.languages if code in have]:
        for signature in task.metrics:
            for part, value in parts(signature, have[code][signature]).items():
                found.setdefault(part, {})[task.languages[code]] = 100 * value
    missing = len(task.languages) - len(have)
    averages = {f"avg_{part}": None if missing else mean(of.values()) for part, of in found.items()}
    main = [averages[f"avg_{key(signature)}"] for signature in task.metrics]
    whole: dict[str, Any] = {**found, **averages, "avg_metric": mean(main)}
    return whole | ({"coverage": _coverage(scored, name)} if missing else {})


def _xglue(scored: Scored) -> dict[str, Any]:
    found = {}
    for name, task in taken(scored.suite).items():
        have, (signature,) = scored.tallies[name], task.metrics
        # MLQA's own scorer, which XGLUE calls, counts in per cent; the others do not
        unit = 100 if signature.startswith("mlqa_") else 1
        scores: dict[str, Any] = {
            task.languages[code]: unit * have[code][signature].score for code in task.languages if code in have
        }
        missing = len(task.languages) - len(have)
        scores["avg"] = None if missing else mean(scores.values())
        if have:
            found[task.folder] = scores | ({"coverage": _coverage(scored, name)} if missing else {})
    return found


def _coverage(scored: Scored, name: str) -> dict[str, Any]:
    task = scored.suite.tasks[name]
    have = scored.tallies[name]
    return {
        "scored": len(have),
        "of": len(task.languages),
        "missing": [spelling for code, spelling in task.languages.items() if code not in have],
    }


def key(signature: str) -> str:
    """The official program's name of a metric."""
    name, settings = parse_signature(signature)
    return KEYS.get(name, name).format(**settings)


def parts(signature: str, tally: Tally) -> dict[str, float]:
    """A score under its official name; an F1 with the precision and the recall that it is made of."""
    found = {key(signature): tally.score}
    if {"tp", "predicted", "gold"} <= tally.sums.keys():
        for part, of in (("precision", "predicted"), ("recall", "gold")):
            found[part] = tally.sums["tp"] / tally.sums[of] if tally.sums[of] else 0.0
    return found
