"""What a board ranks by: the suite's own average where it is fair to all entries, else what all of them have."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from harness.report.values import Entry, Kind, TaskBoard
from harness.spec import Suite
from harness.stats.averages import mean

Targets = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Basis:
    """What entries are compared by.

    Attributes:
        words: for people.
        own: whether it is the suite's own average.
        targets: by task, the languages that the score is a mean over.
        open: by task, all languages on which two entries may be compared.
    """

    words: str
    own: bool
    targets: Targets
    open: Targets


def basis(suite: Suite, entries: Sequence[Entry], tasks: Mapping[str, TaskBoard], across: Collection[str]) -> Basis:
    """The suite's own average, where all entries have the same sources and one has it; else the targets common to all.

    Of the latter every compared source is left out: nobody is ranked by a language that another was trained on. An
    entry with less than half of the cells of the fullest one does not decide what is common, and has no score.

    Args:
        across: tasks in which the source is no target.
    """
    ranked = [
        entry for entry in entries
        if entry.kind is Kind.RUN and any(board.scores[entry.id] for board in tasks.values())
    ]  # fmt: skip
    trained_on = {source for entry in ranked for source in entry.sources}
    foreign = {name: tuple(c for c in board.languages if c not in trained_on) for name, board in tasks.items()}
    alike = len({entry.sources for entry in ranked}) < 2
    whole = {name: foreign[name] if name in across else board.languages for name, board in tasks.items()}
    if alike and tasks.keys() == suite.tasks.keys() and any(overall(entry.id, tasks) is not None for entry in ranked):
        return Basis(f"average of {suite.name} by its own rule", True, whole, whole)
    targets = _common(ranked, tasks, foreign)
    return Basis(_words(suite, targets, trained_on), False, targets, whole if alike else foreign)


def overall(entry: str, tasks: Mapping[str, TaskBoard]) -> float | None:
    """The mean of an entry's tasks by the suite's rule."""
    return mean(board.over[entry].mean for board in tasks.values())


def value(board: TaskBoard, entry: str, language: str) -> float | None:
    """A score that may be counted."""
    score = board.scores[entry].get(language)
    return None if score is None or score.flag else score.value


def _common(ranked: Sequence[Entry], tasks: Mapping[str, TaskBoard], foreign: Targets) -> dict[str, tuple[str, ...]]:
    have = [
        {
            (name, code)
            for name, codes in foreign.items()
            for code in codes
            if value(tasks[name], one.id, code) is not None
        }
        for one in ranked
    ]
    most = max(map(len, have), default=0)
    common = set.intersection(*(found for found in have if 2 * len(found) >= most)) if most else set()
    targets = {name: tuple(code for code in codes if (name, code) in common) for name, codes in foreign.items()}
    return {name: codes for name, codes in targets.items() if codes}


def _words(suite: Suite, targets: Targets, trained_on: Collection[str]) -> str:
    if not trained_on:
        return "nothing: there is no run of our own"
    if not targets:
        return "nothing: there is no target that all entries have and none was trained on"
    told = ", ".join(f"{len(codes)} of {name}" for name, codes in targets.items())
    what = "mean over tasks of the means over" if len(targets) > 1 else "mean over"
    lacking = [name for name in suite.tasks if name not in targets]
    without = f"; without {', '.join(lacking)}" if lacking else ""
    return (
        f"{what} the targets that all entries have and none was trained on ({told}; trained on: "
        f"{', '.join(sorted(trained_on))}{without})"
    )
