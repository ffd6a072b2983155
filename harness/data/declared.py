"""What a task's ``files`` and ``hub`` may say: options of the reader, fields of the rows, placeholders of the patterns.

A word that nobody reads would be ignored, and the task run on something else than it declares.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from harness.data.hub import FIELDS
from harness.data.readers import READERS
from harness.errors import DataError, nearest
from harness.spec import TaskSpec

OF_ROWS = frozenset({"group_every", "first_id", "leave_out", "leave_out_groups_of"})  # whatever the format
COLUMNS = frozenset({*FIELDS, "third", "pair", "value", "options", "answer", "gold"})
OPTION = re.compile(r"option\d+")  # of a choice, in a column each
OF_FILES = ("code", "split", "pair", "name", "iso3", "iso1")
OF_HUB = ("code", "pair", "name")
PLACEHOLDER = re.compile(r"\{(\w*)\}")


def check(task: TaskSpec) -> None:
    """Nothing, if all that the task's files and hub data set say is understood.

    Raises:
        DataError: an option, a field of ``columns`` or a placeholder is unknown; the nearest known ones are named.
    """
    where = f"task {task.name}"
    if task.files is not None:
        reader, options = task.files.reader, task.files.options
        known = (READERS[reader].options or frozenset(options)) | OF_ROWS
        for option in options:
            if option not in known:
                raise DataError(f"{where}: the reader {reader} has no option {option!r}: {nearest(option, known)}")
        columns = options.get("columns")
        _fields(columns if isinstance(columns, Mapping) else (), f"{where}, files.options.columns", COLUMNS)
        for name in ("path", "exclude", "gold", "candidates"):
            _placeholders(getattr(task.files, name), f"{where}, files.{name}", OF_FILES)
    if task.hub is not None:
        _fields(task.hub.columns, f"{where}, hub.columns", COLUMNS | {"pivot"})
        _placeholders(task.hub.config, f"{where}, hub.config", OF_HUB)


def _fields(fields: Iterable[str], where: str, known: frozenset[str]) -> None:
    for field in fields:
        if field not in known and not OPTION.fullmatch(field):
            raise DataError(f"{where}: no field {field!r}: {nearest(field, known)}")


def _placeholders(pattern: str, where: str, known: tuple[str, ...]) -> None:
    for name in PLACEHOLDER.findall(pattern):
        if name not in known:
            names = ", ".join(f"{{{one}}}" for one in known)
            raise DataError(f"{where}: unknown placeholder {{{name}}} in {pattern!r}; known: {names}")
