"""Where a suite's files lie: the folders of a submission, and those of the labels it is scored against."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.spec import SuiteTask
from harness.submission import xglue
from harness.submission.forms import Form, forms


@dataclass(frozen=True, slots=True)
class Place:
    """The two files of a language, and how they are read."""

    prediction: Path
    gold: Path
    form: Form


def xtreme_place(task: SuiteTask, code: str, predictions: Path, gold: Path) -> Place:
    """XTREME's layout, ``<folder>/<task>/test-<language>.<suffix>`` on both sides."""
    form = forms()[task.form]
    name = f"{task.folder}/test-{task.languages[code]}{form.suffix}"
    return Place(predictions / name, gold / name, form)


def xglue_place(task: SuiteTask, code: str, predictions: Path, gold: Path) -> Place:
    """XGLUE's layout: ``<folder>/<TASK>/<language>.prediction`` beside the labelled test files as they are released."""
    language = task.languages[code]
    prediction = predictions / task.folder / f"{language}.prediction"
    return Place(prediction, gold / task.folder / xglue.gold_file(task.folder, language), xglue.form(task))


LAYOUTS: dict[str, Callable[[SuiteTask, str, Path, Path], Place]] = defaultdict(
    lambda: xtreme_place, {"xglue": xglue_place}
)
