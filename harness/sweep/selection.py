"""Which languages a configuration means by its sources and targets: codes, spellings, sets, or a mixture in a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.data import hub_folder
from harness.data.load import available
from harness.errors import MANY, HarnessError, NotApplicableError
from harness.languages import canonical, language, languages
from harness.spec import TaskSpec
from harness.storage.bucket import origin
from harness.sweep.options import Options
from harness.tasktype import TASK_TYPES

ALL = "all"


@dataclass(frozen=True, slots=True)
class Asked:
    """What `source` or `target` says: languages by name, and those of its sets that have data."""

    named: tuple[str, ...]
    of_sets: tuple[str, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """All of them, sorted."""
        return tuple(sorted({*self.named, *self.of_sets}))


def is_set(name: str, options: Options) -> bool:
    """Whether a word is ``all`` or a set of conf/languages, and not a language."""
    return name == ALL or name in options.names("languages")


def members(name: str, known: Sequence[str], config: Mapping[str, Any], options: Options) -> tuple[str, ...]:
    """The languages of a set that have data, within what ``languages=`` restricts the run to."""
    allowed = {canonical(str(code)) for code in config["languages"].get("members") or known}
    if name != ALL and (named := options.read("languages", name)["members"]):
        allowed &= {canonical(str(code)) for code in named}
    return tuple(code for code in known if code in allowed)


def asked(value: Any, known: Sequence[str], config: Mapping[str, Any], options: Options) -> Asked:
    """What a value of ``source`` or ``target`` means, given the languages that have data.

    Raises:
        HarnessError: a word is neither a set nor a language.
    """
    if value is None:
        raise HarnessError("source and target take a language, a set or a list of them, not null")
    words = [str(word) for word in ([value] if isinstance(value, str) else value)]
    named = {canonical(word, sets=options.names("languages")) for word in words if not is_set(word, options)}
    of_sets = {code for word in words if is_set(word, options) for code in members(word, known, config, options)}
    return Asked(tuple(sorted(named)), tuple(sorted(of_sets)))


def trains(task: TaskSpec) -> bool:
    """Whether anything is trained: a search takes the model as it comes, unless its task says ``train``."""
    return TASK_TYPES[task.type].match is None or bool(task.train)


def trainable(task: TaskSpec, train_task: TaskSpec, root: Path | None) -> tuple[str, ...]:
    """Languages that can be a source: those with training data; where a search trains nothing, those that can ask."""
    if trains(task):
        return available(train_task, "train", root)
    known = available(task, "test", root)
    pivot = task.files.options.get("pivot") if task.files else None
    return (canonical(str(pivot), task.namespace),) if pivot and known else known


def sources(
    config: Mapping[str, Any], task: TaskSpec, train_task: TaskSpec, joint: bool, root: Path | None, options: Options
) -> list[tuple[str, ...]]:
    """The sources of each job: a list is joint, a set is a job a member unless the strategy joins them.

    Raises:
        NotApplicableError: no member of a set has training data.
        HarnessError: a language asked for by name has none.
    """
    value = config["source"]
    found = asked(value, trainable(task, train_task, root), config, options)
    known = trainable(task, train_task, root)
    what = "training" if trains(task) else "test"
    reason = f"no {what} data in {train_task.name} {place(train_task, root)}{_instead(task)}"
    for code in found.named:
        if code not in known:
            if config.get("source_set") is not None:
                raise NotApplicableError(reason)
            raise HarnessError(f"{task.name} from {code}: {reason}. Sources there: {', '.join(known) or 'none'}")
    if not found.codes:
        raise NotApplicableError(reason)
    if isinstance(value, str) and is_set(value, options) and not joint:
        return [(code,) for code in found.codes]
    return [found.codes]


def targets(config: Mapping[str, Any], task: TaskSpec, root: Path | None, options: Options) -> tuple[str, ...]:
    """The languages that are evaluated.

    Raises:
        NotApplicableError: no member of a set has test data.
        HarnessError: the task does not have a language asked for by name, or has no data for it.
    """
    known = available(task, "test", root)
    found = asked(config["target"], known, config, options)
    for code in found.named:
        if code not in task.languages:
            has = ", ".join(task.languages) if len(task.languages) <= MANY else f"{len(task.languages)} others"
            raise HarnessError(f"{task.name} has no {code} ({language(code).name}); it has {has}")
        if code not in known:
            raise HarnessError(f"{task.name}: no test data for {code} {place(task, root)}{_instead(task)}")
    if not found.codes:
        raise NotApplicableError(f"no test data in {task.name} {place(task, root)}{_instead(task)}")
    return found.codes


def lacking(config: Mapping[str, Any], evaluated: Sequence[str], options: Options) -> tuple[str, ...]:
    """Members of the sets of ``target`` that are not evaluated, sorted; of ``all`` none, as it is what there is."""
    value = config["target"]
    words = [str(word) for word in ([value] if isinstance(value, str) else value)]
    sets = [word for word in words if word != ALL and is_set(word, options)]
    meant = {code for name in sets for code in members(name, tuple(languages()), config, options)}
    return tuple(sorted(meant.difference(evaluated)))


def place(task: TaskSpec, root: Path | None) -> str:
    """Where a task's data was looked for, and what to set where nothing is set."""
    if task.files is not None and not task.files.path:
        return "of the embedded benchmark"
    wanted = f" ({task.files.path})" if task.files is not None else ""
    words = (
        f"below {origin(root)}{wanted}"
        if root
        else f"(no data.root: set it, or HARNESS_DATA, to the folder with the task's files{wanted})"
    )
    return f"{words}, {hub_folder.nothing(task.hub)}" if task.hub else words


def _instead(task: TaskSpec) -> str:
    return f"; task={task.local} runs from other files" if task.local else ""
