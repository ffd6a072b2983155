"""A submission in the official layout, made of the predictions that the store holds."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import scoring
from harness.errors import DataError, HarnessError
from harness.metrics.ranked import ALL
from harness.spec import Suite, SuiteTask
from harness.storage.atomic import unwritable, write_whole
from harness.storage.store import CellRecord, Store
from harness.submission.layout import LAYOUTS
from harness.submission.selection import Selection, select


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and what was not.

    Attributes:
        files: how many of each task.
        problems: what is missing or cannot be written, one line each.
    """

    selection: Selection
    files: Mapping[str, int]
    problems: tuple[str, ...]


def export(store: Store, suite: Suite, conditions: Sequence[str], out: Path) -> Exported:
    """Writes a submission of all that fits the conditions; the folder appears whole or not at all.

    Raises:
        HarnessError: several runs of a task fit, or none of any; the folder is there already, or cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise HarnessError(f"{out} is there already: choose another folder, or remove it")
    selection = select(store, suite, conditions)
    contents: dict[Path, str] = {}
    problems = []
    files = {}
    for name, cells in selection.cells.items():
        task = suite.tasks[name]
        written = len(contents)
        for code in [code for code in task.languages if code in cells]:
            place = LAYOUTS[suite.name](task, code, Path(), Path())
            try:
                contents[place.prediction] = place.form.write(answers(task, cells[code], store))
            except HarnessError as error:
                problems.append(f"{name}, {code}: {error}")
        files[name] = len(contents) - written
        if missing := selection.missing[name]:
            problems.append(f"{name}: no stored predictions for {', '.join(missing)}")
    if not contents:
        raise HarnessError("nothing can be exported:\n         " + "\n         ".join(problems))
    _write(out, contents)
    return Exported(selection, files, tuple(problems))


def answers(task: SuiteTask, cell: CellRecord, store: Store) -> Any:
    """A cell's predictions as its form writes them, in the order of the data set.

    Raises:
        HarnessError: the stored predictions cannot be read, or do not say what such a file needs.
    """
    ids, _, _, predictions = scoring.stored(store.examples(cell.task, cell.predict_key, cell.target))
    try:
        return _in_form(task.form, ids, predictions, task.labels)
    except (AttributeError, KeyError, TypeError) as error:
        raise DataError(f"its stored predictions do not say what a file of {task.form} needs ({error!r})") from error


def _in_form(form: str, ids: Sequence[str], predictions: Sequence[Any], spelt: Mapping[str, str]) -> Any:
    by_id = dict(zip(ids, predictions, strict=True))
    match form:
        case "labels":
            return [spelt.get(line, line) for answer in predictions for line in _lines(answer)]
        case "tags":
            return predictions
        case "answers":
            return by_id
        case "pairs":
            return [(id, other) for id, others in by_id.items() for other in others]
        case "indices":
            place = {id: i for i, id in enumerate(ids)}
            return [place[answer["found"]] for answer in predictions]
        case "choices":
            return [max(range(len(scores)), key=scores.__getitem__) for scores in predictions]
        case "rankings":  # among all candidates, where several pools were searched
            return {id: answer[ALL] if isinstance(answer, Mapping) else answer for id, answer in by_id.items()}
        case _:
            raise DataError(f"files of {form} cannot be written")


def _lines(answer: Any) -> Sequence[str]:
    """A label; of a query with several documents, the score of each."""
    return (answer,) if isinstance(answer, str) else [json.dumps(score) for score in answer]


def _write(out: Path, contents: Mapping[Path, str]) -> None:
    draft = out.with_name(f".{out.name}.{secrets.token_hex(6)}.draft")
    try:
        for path, content in contents.items():
            write_whole(draft / path, content.encode())
        draft.rename(out)
    except OSError as error:
        raise unwritable(out, error) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
