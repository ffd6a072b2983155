"""Local folders with the layout of a data set on the hub: their configurations, and how one of them is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from harness.errors import DataError
from harness.spec import Hub

CONVERTED = "refs/convert/parquet"  # the hub's own copies of data sets that are loading scripts: without a README


def is_folder(hub: Hub) -> bool:
    """Whether the path is a local folder."""
    return folder_of(hub).is_dir()


def folder_of(hub: Hub) -> Path:
    """The path as a folder, whether or not there is one."""
    return Path(hub.path).expanduser()


def asked(hub: Hub, config: str) -> dict[str, str]:
    """How a configuration is asked for: by its name, or as a folder where no README names the configurations."""
    unnamed = not (folder_of(hub) / "README.md").is_file() if is_folder(hub) else hub.revision == CONVERTED
    return {"data_dir" if unnamed else "name": config} if config else {}


@cache
def splits_of(folder: Path) -> Mapping[str, Sequence[str]]:
    """The configurations of a local folder and their splits."""
    from datasets import get_dataset_config_names, get_dataset_split_names

    path = str(folder)
    try:
        if (folder / "README.md").is_file():
            return {config: get_dataset_split_names(path, config) for config in get_dataset_config_names(path)}
        inside = sorted(one.name for one in folder.iterdir() if one.is_dir() and not one.name.startswith("."))
        return {name: get_dataset_split_names(path, data_dir=name) for name in inside}
    except Exception as error:
        raise DataError(f"{folder}: no data set in the hub's layout: {type(error).__name__}: {error}") from error


def nothing(hub: Hub) -> str:
    """Why the data set gives no language what was asked for, as messages say it."""
    if is_folder(hub):
        return f"nor in the data set {hub.path}, which has {', '.join(splits_of(folder_of(hub))) or 'nothing'}"
    if hub.path.count("/") != 1 or hub.path[0] in "./~":
        return f"and there is no folder {hub.path}"
    return f"and the hub ({hub.path}) does not answer"
