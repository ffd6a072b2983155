"""Rows of data sets on the hub, or in a local folder with a hub data set's layout."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from harness.data.examples import Row
from harness.data.files import sha256
from harness.errors import DataError
from harness.spec import Hub, TaskSpec

FIELDS = ("id", "group", "words", "tags", "first", "second", "label", "question", "context", "answers", "text")
PATIENCE = 1.0  # seconds
OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")


def hub_rows(task: TaskSpec, language: str, split: str) -> Iterator[Row]:
    """One row a record, columns renamed to our fields, class labels as their names.

    Raises:
        DataError: there is no network (said at once), or the data set, its configuration or split cannot be loaded.
    """
    assert task.hub is not None
    hub, config, name = task.hub, config_of(task, language), split_name(task, split)
    where = f"{hub.path}, configuration {config or 'default'}, split {name}"
    if not is_folder(hub) and not online():
        _stay_offline()
    from datasets import load_dataset

    try:
        data = load_dataset(hub.path, name=config or None, revision=_revision(hub), split=name)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        if not is_folder(hub) and not online():
            reason = "there is no network, and the data set is not in the local cache"
        raise DataError(
            f"task {task.name}, {language}: cannot load {where}: {reason}. To read local files instead, put them below "
            f"data.root (or HARNESS_DATA) as the task's `files` say, or set task.hub.path to a copy of it."
        ) from error
    columns = {field: hub.columns.get(field, field) for field in FIELDS}
    present = {field: column for field, column in columns.items() if column in data.column_names}
    for field in hub.columns:
        if field not in present:
            raise DataError(f"{where}: no column {columns[field]!r}; it has {', '.join(data.column_names)}")
    names = {field: _class_names(data.features[column]) for field, column in present.items()}
    for number, record in enumerate(data, start=1):
        fields = {field: _plain(record[column], names[field]) for field, column in present.items()}
        yield Row(fields, f"{where}, row {number}")


def config_of(task: TaskSpec, language: str) -> str:
    """The configuration's name for a language."""
    assert task.hub is not None
    return task.hub.config.replace("{code}", task.languages[language])


def source(task: TaskSpec, language: str) -> str:
    """Path, configuration and revision in one word, for the record of a cell."""
    assert task.hub is not None
    revision = _revision(task.hub)
    return f"{task.hub.path}/{config_of(task, language)}" + (f"@{revision}" if revision else "")


def split_name(task: TaskSpec, split: str) -> str:
    """The hub's name of a split."""
    assert task.hub is not None
    return task.hub.splits.get(split, task.splits[split])


def is_folder(hub: Hub) -> bool:
    """Whether the path is a local folder."""
    return Path(hub.path).expanduser().is_dir()


def usable(hub: Hub) -> bool:
    """Whether the data set can be had: a local folder, a network, or what was fetched before."""
    return is_folder(hub) or online() or _fetched(hub.path) is not None


def identity(task: TaskSpec, language: str, split: str) -> Mapping[str, object]:
    """What decides the records: path, configuration, revision, split and columns; digests of the files of a folder."""
    hub = task.hub
    assert hub is not None
    content: dict[str, object] = {
        "config": config_of(task, language),
        "split": split_name(task, split),
        "columns": dict(hub.columns),
    }
    if is_folder(hub):
        folder = Path(hub.path).expanduser()
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return content | {"files": {path.relative_to(folder).as_posix(): sha256(path) for path in files}}
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

    What was fetched before comes first, so that a network that comes and goes changes no key.
    """
    if is_folder(hub):
        return None
    return hub.revision or _fetched(hub.path) or (_newest(hub.path) if online() else None)


def _fetched(path: str) -> str | None:
    """The revision in the local cache, which the hub's library notes under the name of the branch."""
    from huggingface_hub.constants import HF_HUB_CACHE

    note = Path(HF_HUB_CACHE) / f"datasets--{path.replace('/', '--')}" / "refs" / "main"
    return note.read_text(encoding="utf-8").strip() if note.is_file() else None


@cache
def _newest(path: str) -> str | None:
    from huggingface_hub import HfApi

    try:
        return str(HfApi().dataset_info(path, timeout=10 * PATIENCE).sha)
    except Exception as error:
        raise DataError(
            f"the hub does not tell the newest revision of {path}: {type(error).__name__}: {error}"
        ) from error


def _class_names(feature: Any) -> list[str] | None:
    names = getattr(getattr(feature, "feature", feature), "names", None)
    return list(names) if names is not None else None


def _plain(value: Any, names: list[str] | None) -> object:
    if isinstance(value, Mapping) and "answer_start" in value:  # SQuAD's answers
        return list(zip(value["text"], value["answer_start"], strict=True))
    if names is None:
        return value
    if isinstance(value, list):
        return [_label(item, names) for item in value]
    return _label(value, names)


def _label(value: Any, names: list[str]) -> str:
    return names[value] if 0 <= value < len(names) else str(value)  # -1 marks a hidden label
