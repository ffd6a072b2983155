"""Corpora: one language of one split of a task, from local files or the hub, checked, with its fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from harness.data import declared, files, hub, parallel
from harness.data.declared import OF_ROWS
from harness.data.examples import Corpus, Example, Row
from harness.data.hidden import refuse_hidden
from harness.data.readers import READERS, Request
from harness.data.splits import split_of
from harness.errors import DataError, nearest
from harness.spec import TaskSpec
from harness.storage.bucket import origin
from harness.tasktype import TASK_TYPES

T = TypeVar("T")

VERSION = 1  # raised when equal files give other examples than before
_corpora: dict[tuple[str, str], Corpus[Example]] = {}


def load(task: TaskSpec, language: str, split: str, root: Path | None, beside: str = "") -> Corpus[Example]:
    """One language of one split, loaded once a process.

    Local files win over the hub. A task with parts reads its part's files, with its own labels.

    Args:
        root: the data root; None where none is set.
        beside: the other language, for parallel text whose pivot differs from pair to pair; ignored elsewhere.

    Raises:
        DataError: the data is missing, malformed, empty, without labels, or has an id twice.
    """
    task, beside = _one(task, language, split), _beside(task, beside)
    mark = fingerprint(task, language, split, root, beside)
    if (task.name, mark) not in _corpora:
        _corpora[task.name, mark] = _load(task, language, split, root, beside, mark)
    return _corpora[task.name, mark]


@contextmanager
def looked_up_once() -> Iterator[None]:
    """For the time of the block, what data there is and its fingerprints are looked up once, not for each job anew."""
    global _known  # the lookups are far below whoever plans
    before, _known = _known, {} if _known is None else _known
    try:
        yield
    finally:
        _known = before


_known: dict[tuple[object, ...], Any] | None = None


def fingerprint(task: TaskSpec, language: str, split: str, root: Path | None, beside: str = "") -> str:
    """The sha256 of all that decides the corpus's examples, without reading more of the files than their digests.

    Raises:
        DataError: there is no such data.
    """
    return _once(_fingerprint, task, language, split, root, beside)


def _once(lookup: Callable[..., T], *asked: object) -> T:
    if _known is None:
        return lookup(*asked)
    key = lookup, *asked
    if key not in _known:
        _known[key] = lookup(*asked)
    found: T = _known[key]
    return found


def _fingerprint(task: TaskSpec, language: str, split: str, root: Path | None, beside: str) -> str:
    task, beside = _one(task, language, split), _beside(task, beside)
    paths = _paths(task, language, split, root, beside)
    content: dict[str, object] = {
        "version": VERSION,
        "type": task.type,
        "language": language,
        "split": split,
        "own": task.splits[split],
        "origin": task.origin or task.name,
        "labels": task.labels,
        "label_map": dict(task.label_map),
        "unknown_tags": task.unknown_tags,
        "parallel": [task.parallel.train, task.parallel.dev] if task.parallel else None,
        "options": _options(task),
    }
    if paths is None:
        content["hub"] = hub.identity(task, language, split, beside)
    else:
        assert task.files is not None
        options = _options_for(task, root)
        documents = [Path(str(options["groups"]))] if "groups" in options else []
        content["reader"] = [task.files.reader, READERS[task.files.reader].version()]
        content["files"] = [[path.name, files.sha256(path)] for path in [*paths, *documents]]
    if other := _elsewhere(task, split):
        content["left_out"] = fingerprint(task, language, other, root, beside)
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def available(task: TaskSpec, split: str, root: Path | None) -> tuple[str, ...]:
    """The languages that have this split, sorted: those with local files, or where there are none, the hub's.

    Raises:
        DataError: what the task says of its files or its hub data set is not understood.
    """
    return _once(_available, task, split, root)


def _available(task: TaskSpec, split: str, root: Path | None) -> tuple[str, ...]:
    if task.parts:
        return tuple(sorted(code for part in task.parts for code in available(part, split, root)))
    declared.check(task)
    if split not in task.splits:
        return ()
    if task.files is not None and not task.files.path:  # embedded
        return tuple(sorted(task.languages))
    found: set[str] = set()
    if root is not None and task.files is not None:
        found |= {code for code in task.languages if files.named(task, code, split, root)}
    if not found and task.hub is not None and hub.usable(task.hub):
        # local files or the hub, not a mixture: what `all` means must not depend on a network
        found |= hub.having(task, split)
    return tuple(sorted(found))


def _one(task: TaskSpec, language: str, split: str) -> TaskSpec:
    """The task that holds the language: itself, or its part read with its labels."""
    if task.parts:
        part = next((part for part in task.parts if language in part.languages), None)
        if part is not None:
            label_map = {label: task.label_map.get(ours, ours) for label, ours in part.label_map.items()}
            label_map = {**task.label_map, **label_map}
            part = replace(
                part, name=task.name, origin=part.origin or part.name, labels=task.labels, label_map=label_map
            )
            return _one(replace(part, unknown_tags=task.unknown_tags), language, split)
    declared.check(task)
    if language not in task.languages:
        raise DataError(f"task {task.name} has no language {language}: {nearest(language, task.languages)}")
    if split not in task.splits:
        raise DataError(
            f"task {task.name} has no {split} split for {language}; it has {', '.join(task.splits) or 'none'}"
        )
    return task


def _beside(task: TaskSpec, beside: str) -> str:
    return beside if files.paired(task) else ""


def _paths(task: TaskSpec, language: str, split: str, root: Path | None, beside: str) -> tuple[Path, ...] | None:
    """The local files; None where the hub is read."""
    if task.files is not None and not task.files.path:
        return ()
    if files.paired(task) and files.pair(task, language, beside) == "*":
        raise DataError(f"task {task.name}: {language} differs from pair to pair; name the language beside it")
    if task.files is not None and (root is not None or task.hub is None):
        found = files.find(task, language, split, root, beside)
        if found:
            return found
    if task.hub is not None:
        return None
    assert task.files is not None
    wanted = f"{task.files.path} with code {task.languages[language]!r} and split {task.splits[split]!r}"
    raise DataError(
        f"task {task.name}: no {split} data for {language}: no file below {origin(root)} matches {wanted}, and the "
        f"task names no data set on the hub. Put the files there, or set data.root (or HARNESS_DATA) to the folder "
        f"that has them."
        f"{files.instead(task)}"
    )


def _options(task: TaskSpec) -> Mapping[str, object]:
    return dict(task.files.options) if task.files is not None else {}


def _options_for(task: TaskSpec, root: Path | None) -> Mapping[str, object]:
    """The options as the reader gets them: ``groups`` as the file that its pattern names."""
    options = {key: value for key, value in _options(task).items() if key not in OF_ROWS}
    if "groups" in options:
        options["groups"] = str(files.only(root, str(options["groups"]), task.name))
    return options


def _load(task: TaskSpec, language: str, split: str, root: Path | None, beside: str, mark: str) -> Corpus[Example]:
    paths = _paths(task, language, split, root, beside)
    rows = list(
        hub.hub_rows(task, language, split, beside) if paths is None else _local(task, language, split, root, paths)
    )
    what = f"task {task.name}, {language} {split}"
    if not rows:
        raise DataError(f"{what}: no item in {', '.join(map(files.shown, paths or ())) or 'the data set'}")
    refuse_hidden(rows, task, what)
    rows = list(TASK_TYPES[task.type].gather(rows, task))
    if paths and beside and task.files is not None and task.files.reader == "parallel":
        parallel.check_lengths(paths, files.find(task, beside, split, root, language))
    every = int(str(_options(task).get("group_every", 0)))
    if every and "id" not in rows[0].fields and len(rows) % every:
        raise DataError(
            f"{what}: {len(rows)} lines are no whole number of groups of {every}; a line is missing or extra"
        )
    examples = list(_examples(rows, task, language, split))
    if other := _elsewhere(task, split):
        tested = {example.group for example in load(task, language, other, root, beside)}
        examples = [example for example in examples if example.group not in tested]
        if not examples:
            raise DataError(f"{what}: every group is in {other} too, and `leave_out_groups_of` leaves those out")
    if task.parallel is not None:
        examples = [example for example in examples if split_of(example.group, task.parallel) == split]
        if not examples:
            raise DataError(f"{what}: no group falls into this split; raise its share in `parallel`")
    assert root is not None or not paths
    names = tuple(path.relative_to(root).as_posix() for path in paths or () if root is not None)
    came_from = (hub.source(task, language, beside),) if paths is None else names
    return Corpus(task.name, language, split, tuple(examples), mark, came_from)


def _elsewhere(task: TaskSpec, split: str) -> str:
    """The split whose groups are left out of this one: ``leave_out_groups_of: test``; empty where there is none."""
    other = str(_options(task).get("leave_out_groups_of", ""))
    return other if split in ("train", "dev") and split != other else ""


def _local(task: TaskSpec, language: str, split: str, root: Path | None, paths: tuple[Path, ...]) -> Iterator[Row]:
    assert task.files is not None
    first: dict[str, Path] = {}
    for path in paths:
        twin = first.setdefault(files.sha256(path), path)
        if twin != path:
            raise DataError(f"task {task.name}, {language} {split}: {twin} and {path} are copies; set `files.exclude`")
    request = Request(paths, language, task.languages[language], split, _options_for(task, root))
    yield from READERS[task.files.reader].rows(request)


def _examples(rows: Sequence[Row], task: TaskSpec, language: str, split: str) -> Iterator[Example]:
    """Examples with their ids and groups.

    Options of the files: ``group_every: 3`` makes a group of three rows each, counted by their ids from ``first_id``
    where they have some; ``leave_out: {code: [id, ...]}`` names items that are broken in one language.
    """
    make, origin = TASK_TYPES[task.type].example, task.origin or task.name
    broken = _options(task).get("leave_out", {})
    left_out = set(map(str, broken.get(task.languages[language], ()))) if isinstance(broken, Mapping) else set()
    seen: dict[str, str] = {}
    for number, row in enumerate(rows):
        id = str(row.fields.get("id", number))
        if id in seen:
            raise DataError(f"{row.where}: the id {id!r} stands at {seen[id]} already (task {task.name})")
        seen[id] = row.where
        if id not in left_out:
            yield make(row, task, id, f"{origin}:{_group(row, id, task, split)}")


def _group(row: Row, id: str, task: TaskSpec, split: str) -> str:
    options = _options(task)
    if every := int(str(options.get("group_every", 0))):
        if not id.isdecimal():
            raise DataError(
                f"{row.where}: the id {id!r} is no number, and `group_every` counts by it (task {task.name})"
            )
        first = int(str(options.get("first_id", 0))) if "id" in row.fields else 0
        return str((int(id) - first) // every)
    if "group" in row.fields:
        return str(row.fields["group"])
    # what only this split numbers must not look like the same thing of another split
    number = f"document {row.fields['document']}" if "document" in row.fields else id
    return f"{task.splits[split]}/{number}"
