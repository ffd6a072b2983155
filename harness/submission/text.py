"""The text of a submission's files: lines or one JSON object, with errors that name file and line."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from pathlib import Path
from typing import Any

from harness.errors import DataError

LONG = 60  # characters of somebody's answer that a message shows


def read_text(path: Path) -> str:
    """The whole file: UTF-8, a byte-order mark dropped, every line ended by a newline alone.

    Raises:
        DataError: there is no such file, it cannot be read, is not UTF-8, or is empty.
    """
    try:
        if not path.is_file() and path.exists():  # a pipe would be waited for
            raise DataError(f"{path}: is {'a folder' if path.is_dir() else 'something else'} where a file should be")
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}, line {line}: not UTF-8 ({error.reason}); save the file as UTF-8") from None
    if not text:
        raise DataError(f"{path}: the file is empty")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_lines(path: Path) -> list[str]:
    """The lines of a file, stripped, without the blank ones at its end.

    Raises:
        DataError: as for ``read_text``; or every line is blank.
    """
    lines = [line.strip() for line in read_text(path).split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise DataError(f"{path}: every line is blank (in a gold file: its labels are hidden)")
    return lines


def one_a_line(path: Path, what: str) -> list[str]:
    """The lines of a file that has one thing a line and nothing beside it.

    Raises:
        DataError: as for ``read_lines``; or a line is blank, or holds a tab.
    """
    lines = read_lines(path)
    if number := first(lines, {line for line in lines if not line or "\t" in line}):
        line = lines[number - 1]
        found = f"a tab, in {shown(line)}" if line else f"no {what}"
        raise DataError(f"{path}, line {number}: {found}; write one {what} a line and nothing else")
    return lines


def first(lines: Sequence[str], bad: Set[str]) -> int:
    """The number of the first line that is one of the bad ones, counted from 1; 0 where none is."""
    return min(map(lines.index, bad), default=-1) + 1


def read_object(path: Path) -> tuple[dict[str, Any], str]:
    """The JSON object that a file holds, and the file's text.

    Raises:
        DataError: the file is no JSON object, or a key stands twice in one.
    """
    text = read_text(path)
    found = parse(text, str(path))
    if not isinstance(found, dict):
        raise DataError(f"{path}: needs one JSON object, `{{id: answer}}`; found {kind(found)}")
    return found, text


def parse(text: str, where: str) -> Any:
    """The value that a JSON text spells; ``where`` is a file, or a file and a line.

    Raises:
        DataError: it spells none, or a key stands twice in one object, so that nobody can tell which is meant.
    """

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) < len(items):
            twice = next(key for key, number in Counter(key for key, _ in items).items() if number > 1)
            line = "" if ", line " in where else f", line {line_of(twice, text, nth=2)}"
            raise DataError(f"{where}{line}: the key {shown(twice)} stands twice; keep one")
        return found

    try:
        return json.loads(text, object_pairs_hook=pairs, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        line = "" if ", line " in where else f", line {error.lineno}"
        raise DataError(f"{where}{line}: not JSON: {error.msg} (column {error.colno})") from None
    except (ValueError, RecursionError) as error:  # NaN, a number of thousands of digits, thousands of brackets
        raise DataError(f"{where}: not JSON that can be read: {error}") from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


def line_of(key: str, text: str, nth: int = 1) -> int:
    """The line of a JSON text on which a key stands for the nth time; 1 where it cannot be found."""
    spelt = "|".join(re.escape(json.dumps(key, ensure_ascii=ascii_only)) for ascii_only in (True, False))
    for number, match in enumerate(re.finditer(rf"({spelt})\s*:", text), 1):
        if number == nth:
            return text.count("\n", 0, match.start()) + 1
    return 1


def shown(value: object) -> str:
    """Somebody's answer as a message shows it: quoted, every odd character escaped, cut where it is long."""
    text = repr(value)
    return text if len(text) <= LONG else text[:LONG] + "..."


def kind(value: object) -> str:
    """What a value of JSON is called."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")


def same_number(path: Path, found: int, wanted: int, what: str) -> None:
    """Nothing, if a file holds as many things as the gold does.

    Raises:
        DataError: it holds more or fewer.
    """
    if found > wanted:
        raise DataError(f"{path}, line {wanted + 1}: {found} {what} where gold has {wanted}: {found - wanted} too many")
    if found < wanted:
        raise DataError(f"{path}, line {found}: {found} {what} where gold has {wanted}: {wanted - found} are missing")


def strange(path: Path, values: Sequence[str], known: Iterable[str], what: str) -> list[str]:
    """A note that names the first value that is none of the known ones; none where all are known."""
    accepted = set(known)
    unknown = set(values) - accepted
    if not unknown:
        return []
    number, lines = first(values, unknown), sum(value in unknown for value in values)
    return [
        f"{path}, line {number}: {shown(values[number - 1])} is not a {what} of the task ({listed(accepted)}); "
        f"{lines} such lines: counted as wrong"
    ]


def listed(values: Iterable[str]) -> str:
    """Names for a message, sorted; the first twenty where there are more."""
    names = sorted(value if value.isprintable() and len(value) < LONG else shown(value) for value in values)
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
