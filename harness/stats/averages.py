"""Averages over languages and tasks: the suite's own, to the letter, and beside it what that one number hides.

No average is taken over what is there by chance: while a language that belongs to it is missing, it is None.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.spec import Provenance, Suite, SuiteTask

Scores = Mapping[str, Mapping[str, Mapping[str, float]]]
"""By task, language and metric signature; in whatever unit: means keep it."""


@dataclass(frozen=True, slots=True)
class TaskScore:
    """A task's score by its suite's rule.

    Attributes:
        score: the mean over the metrics; None while a language is missing.
        means: by signature, the mean over the languages; None while one is missing.
        have: languages with all of the metrics.
        want: languages that the suite counts.
        missing: those without, in the suite's order.
    """

    score: float | None
    means: Mapping[str, float | None]
    have: int
    want: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SuiteScores:
    """A suite's scores by its own rule; a group or the whole is None unless each of its tasks is complete."""

    tasks: Mapping[str, TaskScore]
    groups: Mapping[str, float | None]
    overall: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """A task's languages, averaged in other ways; a language's score is the mean over the suite's metrics.

    Each is None while one of the languages that it is about is missing, and where it is about none.

    Attributes:
        mean: all languages.
        without_sources: those that were not trained on.
        family_macro: the mean of the means of the language families.
        worst: the lowest score, and whose it is.
        seen: languages that the model's pretraining contained, as far as that is known.
        unseen: languages that it did not contain.
        unknown: how many languages are in neither of the two, because nobody says.
    """

    mean: float | None
    without_sources: float | None
    family_macro: float | None
    worst: float | None
    worst_language: str | None
    seen: float | None
    unseen: float | None
    unknown: int


@dataclass(frozen=True, slots=True)
class Headline:
    """Means over tasks of their summaries, without the tasks whose labels are of another kind.

    Attributes:
        left_out: those tasks with their provenance: silver ones always, synthetic ones beside real ones.
    """

    mean: float | None
    without_sources: float | None
    family_macro: float | None
    worst: float | None
    left_out: Mapping[str, Provenance]


def suite_scores(suite: Suite, scores: Scores) -> SuiteScores:
    """The scores of a suite by its own rule.

    Per task the plain mean over its metrics of their plain means over the languages; per group and over all the plain
    mean of the tasks, as google-research/xtreme evaluate.py has it.
    """
    tasks = {name: _task_score(task, scores.get(name, {})) for name, task in suite.tasks.items()}
    groups = dict.fromkeys(group for task in suite.tasks.values() for group in task.groups)
    return SuiteScores(
        tasks,
        {group: mean(tasks[name].score for name in suite.tasks if group in suite.tasks[name].groups)
         for group in groups},
        mean(task.score for task in tasks.values()),
    )  # fmt: skip


def _task_score(task: SuiteTask, scores: Mapping[str, Mapping[str, float]]) -> TaskScore:
    means = {
        signature: mean(scores.get(language, {}).get(signature) for language in task.languages)
        for signature in task.metrics
    }
    missing = tuple(language for language, score in by_language(task, scores).items() if score is None)
    want = len(task.languages)
    return TaskScore(mean(means.values()), means, want - len(missing), want, missing)


def by_language(task: SuiteTask, scores: Mapping[str, Mapping[str, float]]) -> dict[str, float | None]:
    """Each language's mean over the suite's metrics; None where one of them is missing."""
    return {
        language: mean(scores.get(language, {}).get(signature) for signature in task.metrics)
        for language in task.languages
    }


def summarise(
    languages: Mapping[str, float | None],
    sources: Collection[str],
    families: Mapping[str, str],
    seen: Mapping[str, bool],
) -> Summary:
    """What the mean over a task's languages hides.

    Args:
        languages: each with its score, or None where it is missing.
        sources: what was trained on.
        families: by language.
        seen: by language, whether the model's pretraining contained it; a language that is not here is unknown.
    """
    relatives: dict[str, list[float | None]] = {}
    for language, score in languages.items():
        relatives.setdefault(families[language], []).append(score)
    complete = {language: score for language, score in languages.items() if score is not None}
    worst = min(complete, key=complete.__getitem__) if complete and len(complete) == len(languages) else None
    return Summary(
        mean=mean(languages.values()),
        without_sources=mean(score for language, score in languages.items() if language not in sources),
        family_macro=mean(mean(scores) for scores in relatives.values()),
        worst=None if worst is None else complete[worst],
        worst_language=worst,
        seen=mean(score for language, score in languages.items() if seen.get(language) is True),
        unseen=mean(score for language, score in languages.items() if seen.get(language) is False),
        unknown=sum(language not in seen for language in languages),
    )


def headline(summaries: Mapping[str, Summary], provenance: Mapping[str, Provenance]) -> Headline:
    """The means over the tasks that may stand in one number."""
    out = apart({name: provenance[name] for name in summaries})
    kept = [summary for name, summary in summaries.items() if name not in out]
    return Headline(
        mean=mean(one.mean for one in kept),
        without_sources=mean(one.without_sources for one in kept),
        family_macro=mean(one.family_macro for one in kept),
        worst=mean(one.worst for one in kept),
        left_out=out,
    )


def apart(provenance: Mapping[str, Provenance]) -> dict[str, Provenance]:
    """The tasks that may not stand in one number with the others, in the order of all.

    Silver labels measure how well a model imitates whatever made them; synthetic texts are no language that anybody
    speaks, and count only where there is nothing else.
    """
    synthetic = {name for name, kind in provenance.items() if kind is Provenance.SYNTHETIC}
    silver = {name for name, kind in provenance.items() if kind is Provenance.SILVER}
    out = silver | (synthetic if provenance.keys() - silver - synthetic else set())
    return {name: kind for name, kind in provenance.items() if name in out}


def mean(values: Iterable[float | None]) -> float | None:
    """The plain mean, or None where a value is missing or there are none."""
    found = list(values)
    complete = [value for value in found if value is not None]
    return sum(complete) / len(complete) if complete and len(complete) == len(found) else None


def contradicts(printed: float, scores: Sequence[float], unit: float = 0.1) -> bool:
    """Whether a printed average cannot be the mean of printed scores, all of them rounded to ``unit``."""
    # half a unit from the rounding of each side, and a tenth of one for binary fractions and averages rounded twice
    return abs(printed - sum(scores) / len(scores)) > 1.1 * unit
