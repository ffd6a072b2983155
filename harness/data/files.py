"""The files of a task: found below the data root, read as lines, told apart by digest, named for messages."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from harness.errors import DataError
from harness.languages import language as language_of
from harness.spec import TaskSpec
from harness.storage.bucket import mirror_of, origin

WILDCARD = re.compile(r"\*\*/|\*|\?|\[!?[^]/]+\]|[^*?[]+|\[")


def find(task: TaskSpec, language: str, split: str, root: Path | None, beside: str = "") -> tuple[Path, ...]:
    """The files of one language of one split, sorted, and fetched where the root is in a bucket; none if none match.

    Args:
        root: the data root.
        beside: in parallel text that comes in pairs, the language that the pivot is paired with.

    Raises:
        DataError: there is no root, or it is no folder.
    """
    names = named(task, language, split, root, beside)
    return _here(root, names) if root is not None else ()


def named(task: TaskSpec, language: str, split: str, root: Path | None, beside: str = "") -> tuple[str, ...]:
    """The same files by their names below the root, none of them fetched."""
    assert task.files is not None
    if root is None:
        raise DataError(
            f"task {task.name} reads local files, and no folder is named: set data.root or the variable HARNESS_DATA"
        )
    if not root.is_dir():
        raise DataError(f"{root}: no such folder (data.root or the variable HARNESS_DATA), needed by task {task.name}")
    fill = {"{code}": task.languages[language], "{split}": task.splits[split], "{pair}": pair(task, language, beside)}
    given = (task.files.path, task.files.exclude, task.files.gold)
    path, exclude, gold = (_expand(text, language, fill) for text in given)
    found = _match(root, path, exclude)
    return found + _match(root, gold, "") if found and gold else found


def instead(task: TaskSpec) -> str:
    """The sentence that names the task to run where this one's data cannot be had; empty where there is none."""
    return f" The task {task.local} runs from other files." if task.local else ""


def pair(task: TaskSpec, language: str, beside: str) -> str:
    """The spelling of the pair's language beside the pivot; any (``*``) for a pivot on its own."""
    pivot = task.files.options.get("pivot") if task.files else None
    if task.languages[language] != pivot:
        return task.languages[language]
    return task.languages.get(beside, "*")


def paired(task: TaskSpec) -> bool:
    """Whether the pivot's side of the task differs from pair to pair."""
    return task.files is not None and "{pair}" in task.files.path


def _expand(pattern: str, language: str, fill: dict[str, str]) -> str:
    for placeholder, value in fill.items():
        pattern = pattern.replace(placeholder, value)
    if re.search(r"\{(iso3|iso1|name)\}", pattern):
        entry = language_of(language)
        pattern = pattern.replace("{iso3}", entry.iso639_3).replace("{iso1}", entry.iso639_1)
        pattern = pattern.replace("{name}", entry.name)
    return pattern


def only(root: Path | None, pattern: str, task: str) -> Path:
    """The one file below the root that a pattern names.

    Raises:
        DataError: there is none, or several.
    """
    found = _match(root, pattern, "") if root is not None else ()
    if root is None or len(found) != 1:
        raise DataError(f"task {task}: {len(found)} files below {origin(root)} match {pattern}, one is needed")
    return _here(root, found)[0]


@cache
def _match(root: Path, pattern: str, exclude: str) -> tuple[str, ...]:
    wanted, unwanted = _compiled(pattern), _compiled(exclude)
    return tuple(name for name in _listing(root) if wanted.fullmatch(name) and not unwanted.fullmatch(name))


@cache
def _here(root: Path, names: tuple[str, ...]) -> tuple[Path, ...]:
    if mirror := mirror_of(root):
        mirror.fetch({name: _listing(root)[name] for name in names})
    return tuple(root / name for name in names)


@cache
def _listing(root: Path) -> Mapping[str, str]:
    """Every file below the root, relative and sorted, and in a bucket its version; walked once a process."""
    if mirror := mirror_of(root):
        versions = mirror.listing()
        return {name: versions[name] for name in sorted(versions) if not re.search(r"(^|/)\.[^/]*/", name)}
    found, seen = [], set()
    for folder, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:  # a link to a folder above
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if not name.startswith(".")]
        relative = Path(folder).relative_to(root).as_posix()
        found += [name if relative == "." else f"{relative}/{name}" for name in names]
    return dict.fromkeys(sorted(found), "")


def _compiled(glob: str) -> re.Pattern[str]:
    """A glob as a regular expression; ``**/`` is any number of folders, ``*`` stays within one."""
    special = {"**/": "(?:[^/]+/)*", "*": "[^/]*", "?": "[^/]"}
    parts = []
    for token in WILDCARD.findall(glob):
        if len(token) > 2 and token.startswith("[") and token.endswith("]"):
            parts.append("[^" + token[2:] if token[1] == "!" else token)
        else:
            parts.append(special.get(token) or re.escape(token))
    return re.compile("".join(parts))


def sha256(path: Path) -> str:
    """The digest of a file's bytes, hexadecimal; computed again only when its size or time changes."""
    status = path.stat()
    return _sha256(path, status.st_size, status.st_mtime_ns)


@cache
def _sha256(path: Path, _size: int, _mtime_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_text(path: Path) -> str:
    """The text of a file, without a byte-order mark.

    Raises:
        DataError: the file is missing, cannot be read, is empty or not UTF-8.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{shown(path)}: no such file ({path})") from None
    except OSError as error:
        raise DataError(f"{shown(path)}: cannot be read: {error.strerror} ({path})") from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise DataError(f"{shown(path)}, line {line}: not UTF-8 ({error.reason}); convert the file") from None
    if not text.strip():
        raise DataError(f"{shown(path)}: the file is empty")
    return text


def read_lines(path: Path) -> list[str]:
    """The lines of a text file without their ends; only newlines end a line, as texts may hold other separators.

    Raises:
        DataError: the file is missing, empty or not UTF-8.
    """
    lines = read_text(path).split("\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def shown(path: Path) -> str:
    """A file as messages name it: with its folder."""
    return "/".join(path.parts[-2:])


def place(path: Path, line: int) -> str:
    """A line of a file as messages name it, counted from 1: ``swh/test.txt, line 412``."""
    return f"{shown(path)}, line {line}"


def own_id(paths: tuple[Path, ...], path: Path, id: str) -> str:
    """An id that a file gives, with the file's name before it where several files are pooled: theirs may be equal."""
    return id if len(paths) == 1 else f"{path.stem}/{id}"
