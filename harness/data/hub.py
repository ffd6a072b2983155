"""Rows of data sets on the hub, or in a local folder with a hub data set's layout."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from harness.data import files, sizes
from harness.data.examples import Row
from harness.data.files import sha256
from harness.data.hub_folder import CONVERTED, asked, folder_of, is_folder, splits_of
from harness.data.hub_values import class_names, plain
from harness.data.squad import passage
from harness.errors import DataError
from harness.languages import language as language_of
from harness.spec import Hub, TaskSpec

FIELDS = ("id", "group", "words", "tags", "first", "second", "label", "question", "context", "answers", "text")
PATIENCE = 1.0  # seconds
OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")


def hub_rows(task: TaskSpec, language: str, split: str, beside: str = "") -> Iterator[Row]:
    """One row a record, columns renamed to our fields, class labels as their names.

    Where several configurations hold a language, all that have the split are pooled, their ids told apart.

    Raises:
        DataError: there is no network (said at once); the data set, its configuration or split cannot be loaded; or it
            has not as many rows as it should.
    """
    hub, name = _hub(task), split_name(task, language, split)
    if not is_folder(hub) and not online():
        _stay_offline()
    found = []
    for config in _configs(task, language, beside):
        data = _load(task, language, config)
        if name in data:
            sizes.check(hub.path, config, name, len(data[name]))
            found.append((config, data[name]))
    if not found:
        known = ", ".join(data)
        raise DataError(f"task {task.name}, {language}: {hub.path}/{config} has no split {name!r}; it has {known}")
    for config, data in found:
        for row in _rows(task, language, data, f"{hub.path}, configuration {config or 'default'}, split {name}"):
            own = {"id": f"{config}/{row.fields['id']}"} if len(found) > 1 and "id" in row.fields else {}
            yield Row({**row.fields, **own}, row.where)


def _load(task: TaskSpec, language: str, config: str) -> Any:
    """Every split of a configuration, by its name."""
    from datasets import disable_progress_bars, load_dataset

    hub = _hub(task)
    if not sys.stderr.isatty():
        disable_progress_bars()
    try:
        return load_dataset(hub.path, revision=_revision(hub), **asked(hub, config))
    except Exception as error:
        raise _unreachable(task, language, config, error) from error


def _unreachable(task: TaskSpec, language: str, config: str, error: Exception) -> DataError:
    hub = _hub(task)
    reason = f"{type(error).__name__}: {error}"
    if not is_folder(hub) and not online():
        reason = "there is no network, and the data set is not in the local cache"
    elif "scripts are no longer supported" in reason:
        reason += f". The hub may have converted it: set task.hub.revision={CONVERTED}"
    return DataError(
        f"task {task.name}, {language}: cannot load {hub.path}, configuration {config or 'default'}: {reason}. "
        f"To read local files instead, put them below data.root (or HARNESS_DATA) as the task's `files` say, or set "
        f"task.hub.path to a copy of it.{files.instead(task)}"
    )


def _rows(task: TaskSpec, language: str, data: Any, where: str) -> Iterator[Row]:
    hub, code = _hub(task), task.languages[language]
    columns = {**{field: field for field in FIELDS}, **hub.columns}
    pivot = columns.pop("pivot", None)
    if pivot is not None and task.files is not None and code == task.files.options.get("pivot"):
        columns["text"] = pivot
    conditions = {column: _filled(glob, task, language) for column, glob in hub.where.items()}
    present = {field: column for field, column in columns.items() if column in data.column_names}
    for field in (field for field in hub.columns if field in columns and field not in present):
        raise DataError(
            f"{where}: no column {columns[field]!r}; it has {', '.join(data.column_names)}. "
            f"Say which is meant: task.hub.columns.{field}=NAME"
        )
    for column in (column for column in conditions if column not in data.column_names):
        raise DataError(f"{where}: no column {column!r}, by which task.hub.where chooses rows")
    names = {field: class_names(data.features[column]) for field, column in present.items()}
    for number, record in enumerate(data, start=1):
        if not all(fnmatchcase(str(record[column]), glob) for column, glob in conditions.items()):
            continue
        fields = {field: plain(record[column], names[field], code) for field, column in present.items()}
        if "context" in fields and "group" not in fields:
            fields["group"] = passage(str(fields["context"]))
        yield Row(fields, f"{where}, row {number}")


def _hub(task: TaskSpec) -> Hub:
    assert task.hub is not None
    return task.hub


def config_of(task: TaskSpec, language: str, beside: str = "") -> str:
    """The configuration's name for a language, or a glob of several."""
    hub = _hub(task)
    return hub.configs.get(task.languages[language]) or _filled(hub.config, task, language, beside)


def _configs(task: TaskSpec, language: str, beside: str) -> tuple[str, ...]:
    """The configurations that hold a language: one, or all that a glob matches, sorted."""
    wanted = config_of(task, language, beside)
    if not any(sign in wanted for sign in "*?["):
        return (wanted,)
    from datasets import get_dataset_config_names

    hub = _hub(task)
    try:
        known = splits_of(folder_of(hub)) if is_folder(hub) else get_dataset_config_names(hub.path, _revision(hub))
    except Exception as error:
        raise _unreachable(task, language, wanted, error) from error
    found = tuple(sorted(name for name in known if fnmatchcase(name, wanted)))
    if not found:
        raise DataError(f"task {task.name}, {language}: no configuration of {hub.path} matches {wanted}")
    return found


def _filled(text: str, task: TaskSpec, language: str, beside: str = "") -> str:
    text = text.replace("{code}", task.languages[language]).replace("{pair}", files.pair(task, language, beside))
    return text.replace("{name}", language_of(language).name)


def source(task: TaskSpec, language: str, beside: str = "") -> str:
    """Path, configuration and revision in one word, for the record of a cell."""
    hub = _hub(task)
    revision = _revision(hub)
    return f"{hub.path}/{config_of(task, language, beside)}" + (f"@{revision}" if revision else "")


def split_name(task: TaskSpec, language: str, split: str) -> str:
    """The hub's name of a split."""
    return _filled(_hub(task).splits.get(split, task.splits[split]), task, language)


def having(task: TaskSpec, split: str) -> frozenset[str]:
    """The languages that the data set is said to have in a split; of a local folder, those that it has."""
    hub = _hub(task)
    every = set(task.languages.values()) - set(hub.without)
    said = every & set(hub.only.get(split, every))
    codes = frozenset(code for code, spelling in task.languages.items() if spelling in said)
    return frozenset(code for code in codes if _holds(task, code, split)) if is_folder(hub) else codes


def _holds(task: TaskSpec, language: str, split: str) -> bool:
    """Whether a configuration of a local folder holds a language's split."""
    name, wanted = split_name(task, language, split), config_of(task, language) or "*"
    return any(
        name in splits for config, splits in splits_of(folder_of(_hub(task))).items() if fnmatchcase(config, wanted)
    )


def usable(hub: Hub) -> bool:
    """Whether the data set can be had: a local folder, a network, or what was fetched before."""
    return is_folder(hub) or online() or _fetched(hub.path) is not None


def identity(task: TaskSpec, language: str, split: str, beside: str = "") -> Mapping[str, object]:
    """What decides the records: path, configuration, revision, split and columns; digests of the files of a folder."""
    hub = _hub(task)
    content: dict[str, object] = {
        "config": config_of(task, language, beside),
        "split": split_name(task, language, split),
        "columns": dict(hub.columns),
        "where": dict(hub.where),
    }
    if is_folder(hub):
        folder = folder_of(hub)
        found = sorted(path for path in folder.rglob("*") if path.is_file())
        return content | {"files": {path.relative_to(folder).as_posix(): sha256(path) for path in found}}
    return content | {"path": hub.path, "revision": _revision(hub)}


def told_offline() -> str:
    """The variable by which the environment says offline; empty where none does."""
    said = (name for name in OFFLINE if os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE"))
    return next(said, "")


@lru_cache(maxsize=1)
def online() -> bool:
    """Whether the hub answers within a second, asked once a process; no where the environment says offline."""
    if told_offline():
        return False
    endpoint = urlsplit(os.environ.get("HF_ENDPOINT", "https://huggingface.co"))
    via = urlsplit(getproxies().get(endpoint.scheme, "") or endpoint.geturl())
    answered = threading.Event()

    def connect() -> None:
        try:
            socket.create_connection((via.hostname or "", via.port or 443), timeout=PATIENCE).close()
        except OSError:
            return
        answered.set()

    # in a thread, since the look-up of a name knows no time limit
    threading.Thread(target=connect, daemon=True).start()
    return answered.wait(PATIENCE)


def _stay_offline() -> None:
    """Makes the libraries look into their cache only, instead of trying a dead network for half a minute."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    for module, constant in (("huggingface_hub.constants", "HF_HUB_OFFLINE"), ("datasets.config", "HF_HUB_OFFLINE")):
        if module in sys.modules:  # read when imported
            setattr(sys.modules[module], constant, True)


def _revision(hub: Hub) -> str | None:
    """The pinned revision, else the one fetched before, else the one that the hub has now; None for folders.

    What was fetched before comes first, so that a network that comes and goes changes no key. A branch is no pin.
    """
    if is_folder(hub):
        return None
    if hub.revision and not hub.revision.startswith("refs/"):
        return hub.revision
    branch = hub.revision or "main"
    return _fetched(hub.path, branch) or (_newest(hub.path, branch) if online() else hub.revision)


def _fetched(path: str, branch: str = "main") -> str | None:
    """The revision in the local cache, which the hub's library notes under the name of the branch."""
    from huggingface_hub.constants import HF_HUB_CACHE

    note = Path(HF_HUB_CACHE) / f"datasets--{path.replace('/', '--')}" / "refs" / branch
    return note.read_text(encoding="utf-8").strip() if note.is_file() else None


@cache
def _newest(path: str, branch: str = "main") -> str | None:
    from huggingface_hub import HfApi

    try:
        return str(HfApi().dataset_info(path, revision=branch, timeout=10 * PATIENCE).sha)
    except Exception as error:
        raise DataError(
            f"the hub does not tell the newest revision of {path}: {type(error).__name__}: {error}"
        ) from error
