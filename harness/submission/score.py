"""A submission's scores: every language that can be scored, and one line for whatever is wrong with a file.

A file that is not in its form (another number of lines than gold, a tab, no JSON) has no score; what is in the form and
merely not an answer of the task (a strange label, an unknown id) counts as the official scorers count it, and is noted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from harness.errors import DataError, HarnessError, nearest
from harness.metrics.base import AnyMetric, metric, parse_signature
from harness.spec import Suite, SuiteTask
from harness.stats.averages import SuiteScores, suite_scores
from harness.submission.forms import Matched
from harness.submission.labels_of import accepted, spelt
from harness.submission.layout import LAYOUTS, Place
from harness.submission.neighbours import refuse_absent, strangers
from harness.sweep.options import Options


@dataclass(frozen=True, slots=True)
class Tally:
    """The score of one language in native units, and the sums of counts that it was made of."""

    score: float
    sums: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Scored:
    """What a folder of predictions is worth.

    Attributes:
        suite: with the metrics that were used.
        tallies: by task, canonical code of the language, and signature; only what could be scored.
        errors: why something was not scored, one line each.
        notes: what is odd, and was scored nevertheless.
    """

    suite: Suite
    tallies: Mapping[str, Mapping[str, Mapping[str, Tally]]]
    errors: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def scores(self) -> dict[str, dict[str, dict[str, float]]]:
        """The scores alone, as averages take them."""
        return {
            task: {code: {name: tally.score for name, tally in of.items()} for code, of in languages.items()}
            for task, languages in self.tallies.items()
        }

    @property
    def averages(self) -> SuiteScores:
        """The suite's averages over the tasks that take submissions: no folder could hold the others."""
        return suite_scores(replace(self.suite, tasks=taken(self.suite)), self.scores)

    @property
    def complete(self) -> bool:
        """Whether every language of every task that takes submissions has its score."""
        return all(len(self.tallies[name]) == len(task.languages) for name, task in taken(self.suite).items())


def taken(suite: Suite) -> dict[str, SuiteTask]:
    """The tasks that take submissions."""
    return {name: task for name, task in suite.tasks.items() if task.form}


def refuse_formless(suite: Suite) -> None:
    """Nothing, if some task of the suite takes submissions.

    Raises:
        HarnessError: none does.
    """
    if not taken(suite):
        raise HarnessError(f"suite {suite.name} takes no submissions: no task of it has a `form`")


def score(predictions: Path, gold: Path, suite: Suite, options: Options, mode: str | None = None) -> Scored:
    """The scores of a folder of predictions against a folder of labels.

    Args:
        mode: whose reading of malformed tags span F1 takes, where it is not to be the suite's.

    Raises:
        HarnessError: a folder is missing, or the suite takes no submissions.
    """
    suite = in_mode(suite, mode)
    refuse_formless(suite)
    there = {folder: _folders(folder) for folder in (predictions, gold)}
    errors: list[str] = []
    notes = _unknown(predictions, there[predictions], suite)
    tallies: dict[str, dict[str, dict[str, Tally]]] = {}
    for name, task in taken(suite).items():
        tallies[name] = {}
        if absent := [folder / task.folder for folder, found in there.items() if task.folder not in found]:
            errors += [f"{folder}: no such folder; {name} is not scored" for folder in absent]
            continue
        known, labels = accepted(task, options), spelt(task, options)
        places = {code: LAYOUTS[suite.name](task, code, predictions, gold) for code in task.languages}
        notes += strangers(predictions / task.folder, {place.prediction.name for place in places.values()})
        for code, place in places.items():
            measures = {one: metric(place.form.metric or one, labels=labels, language=code) for one in task.metrics}
            try:
                matched = _matched(place, known)
                tallies[name][code] = {one: _tally(measure, matched, place) for one, measure in measures.items()}
            except DataError as error:
                errors.append(str(error))
            else:
                notes += matched.notes
    return Scored(suite, tallies, tuple(errors), tuple(notes))


def in_mode(suite: Suite, mode: str | None) -> Suite:
    """The suite with this mode in all metrics that have one."""
    if mode is None:
        return suite

    def changed(signature: str) -> str:
        name, settings = parse_signature(signature)
        if "mode" not in settings:
            return signature
        return "|".join([name, *(f"{key}:{value}" for key, value in {**settings, "mode": mode}.items())])

    tasks = {name: replace(task, metrics=tuple(map(changed, task.metrics))) for name, task in suite.tasks.items()}
    return replace(suite, tasks=tasks)


def _matched(place: Place, known: Sequence[str]) -> Matched:
    refuse_absent(place)
    # the submission first: what is wrong with it is what its author wants to hear
    predicted = place.form.read(place.prediction)
    return place.form.match(place.prediction, place.form.read_gold(place.gold, known), predicted, known)


def _tally(measure: AnyMetric, matched: Matched, place: Place) -> Tally:
    try:
        counts = measure.count(matched.gold, matched.predicted)
    except HarnessError as error:  # a tag that the metric's scheme does not have
        raise DataError(f"{place.prediction}: {error}") from error
    if matched.unanswered:
        nothing = np.array([float(column == "total") for column in measure.columns])
        counts = np.concatenate([counts, np.tile(nothing, (matched.unanswered, 1))])
    return Tally(measure.total(counts), dict(zip(measure.columns, counts.sum(axis=0).tolist(), strict=True)))


def _folders(folder: Path) -> list[str]:
    """The names of the folders in a folder, sorted; hidden ones left out.

    Raises:
        HarnessError: there is no such folder, or it cannot be read.
    """
    try:
        return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        raise HarnessError(f"{folder}: no such folder") from None
    except OSError as error:
        raise HarnessError(f"{folder}: cannot be read: {error.strerror or error}") from None


def _unknown(predictions: Path, found: Sequence[str], suite: Suite) -> list[str]:
    """A note for each folder that is none of the suite's."""
    folders = [task.folder for task in taken(suite).values()]
    return [
        f"{predictions / name}: not a task of {suite.name}, ignored; {nearest(name, folders)}"
        for name in found
        if name not in folders
    ]
