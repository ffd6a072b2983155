"""What a reader must know to trust the numbers: metrics, data, and how everything was computed, in words."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from shutil import which

import harness
from harness.metrics.base import METRICS, parse_signature
from harness.report.ranks import REPLICATES
from harness.report.values import Board
from harness.spec import TaskSpec

TERMS = {
    "score": "Mean over the seeds of an entry's score, x 100; its spread is the standard deviation over the seeds. All "
    "scores of an entry on a task are of the same seeds.",
    "interval of a score": "95 %, percentile bootstrap over groups of examples (what must not be drawn apart: all "
    "questions of an article, all hypotheses of a premise), 1,000 replicates; of entries with one seed and tasks with "
    "one metric.",
    "interval of a mean": "95 %, from the influence of each group of examples on the mean, summed over languages that "
    "share the group (parallel targets), and from the spread over the seeds where there are two or more; cut to the "
    "scores that there can be.",
    "mean": "Mean over the languages by the suite's own rule; none while a language is missing. A figure that is "
    "flagged counts as missing.",
    "transfer": "Mean over the languages that were not trained on.",
    "gap": "Score of the source itself less the transfer mean; of several sources their mean.",
    "family macro": "Mean over language families (WALS) of the mean in each.",
    "worst decile": "Mean of the lowest tenth of the languages, of one at least.",
    "seen": "Mean over the languages that the model's pretraining contained, where its card says.",
    "floor": "The best of the models that learn nothing: the most frequent answer, and a draw by the frequencies. "
    "One that scores the same from every source stands once, without a source.",
    "ranks": "Entries with different sources are ranked on the targets that all of them have and none was trained on. "
    "An entry with less than half of the cells of the fullest one is not waited for, and has no rank. Floors and "
    "published figures have none either.",
    "win rate": "Share of comparisons won, over all other entries and all tasks and languages that both have (without "
    "any source that was trained on, where sources differ); ties count half.",
    "Borda": f"Per task as many points as there are entries, less the average rank; none for a missing task. The "
    f"interval of the rank: languages are drawn anew {REPLICATES} times, alike for all tasks and entries.",
    "not significantly worse": "Paired difference from the best run on the same groups of examples, one-sided, from "
    "influence values and the spread over the seeds where known; Holm's correction over the entries, 5 %.",
    "published": "From the literature, not run here: the data, the metric's edge cases and the model selection may be "
    "other than here. Shown with its protocol and its origin, never ranked.",
    "synthetic": "Toy languages or generated texts: never on a board with real data.",
    "left out": "Runs on a part of the data (limit), runs that looked at the targets' development data, and cells "
    "whose evaluation data is not that of the rest of their column are on no board.",
}


def methods(boards: Iterable[Board], specs: Mapping[str, TaskSpec]) -> dict[str, dict[str, str]]:
    """Sections of terms and what they mean: how it was computed, metrics by signature, data, licences, citations."""
    shown = {name: board for one in boards for name, board in one.tasks.items()}
    signatures = dict.fromkeys(part for one in shown.values() for part in one.metric.split(" + "))
    tasks = {name: specs[name] for name in shown}
    return {
        "how it is computed": TERMS,
        "metrics": {signature: metric_in_words(signature) for signature in signatures},
        "data": {name: _data(spec) for name, spec in tasks.items()},
        "licences": {name: spec.licence for name, spec in tasks.items() if spec.licence},
        "citations": {name: spec.citation for name, spec in tasks.items() if spec.citation},
    }


def metric_in_words(signature: str) -> str:
    """What a metric measures, by the first paragraph of its own description, and its settings."""
    name, settings = parse_signature(signature)
    said = " ".join(((METRICS[name].__doc__ or "").split("\n\n", 1)[0]).split()).replace("``", "")
    told = ", ".join(f"{key}: {value}" for key, value in settings.items())
    return f"{said} ({told})" if told else said


def revision() -> str:
    """The commit of the code, ``-dirty`` with changes that are in none; empty where it is no checkout."""
    root = Path(harness.__file__).parent.parent
    git = which("git")
    if git is None or not (root / ".git").exists():
        return ""
    command = [git, "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # nothing from outside
    return done.stdout.strip()


def _data(spec: TaskSpec) -> str:
    parts = [f"{spec.provenance.value.replace('_', ' ')}; type {spec.type}; {len(spec.languages)} languages"]
    if spec.hub is not None:
        parts.append(f"{spec.hub.path} at {spec.hub.revision or 'no pinned revision'}, or local files")
    elif spec.files is not None:
        parts.append("local files" if spec.files.path else "in the harness itself")
    if spec.train:
        parts.append(f"trained on {spec.train}")
    parts.append({"full": "run on all of it", "sample": "run on a part of it", "format_only": "run on its format alone"}
                 [spec.checked.value] + " by the harness's authors")  # fmt: skip
    return "; ".join(parts)
