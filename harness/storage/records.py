"""The records that lie in the store, and their exact JSON: what a cell, a job and a failure say of themselves."""

from __future__ import annotations

import json
import math
import traceback
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from types import UnionType
from typing import Any, TypedDict, TypeVar, get_args, get_origin, get_type_hints

import orjson

from harness.errors import HarnessError
from harness.secrets import redacted

SCHEMA = 1
NUMBER = (float, int)
BOUND = (float, int, type(None))


def now() -> str:
    """This moment, ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Score(TypedDict):
    """A score in its metric's native unit with its interval, null where none was asked for."""

    score: float
    low: float | None
    high: float | None


class Point(TypedDict):
    """One value of a training curve."""

    name: str
    step: int
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRecord:
    """One job on one target, scored; two identical runs write identical bytes.

    Attributes:
        sources: what was trained on, sorted.
        size: training examples asked for; None for all.
        limit: first groups of every split; None for all. Limited cells stay off boards and gates.
        scores: by metric signature.
        main_metric: the signature that boards show.
        n: examples scored, which is the number of rows beside the record.
        groups: distinct groups among them.
        data: fingerprint of the target's evaluation data.
        files: what was pooled, relative to the data root.
        touches: target labels that the strategy looked at: ``none``, ``k`` or ``dev``.
        table: sha256 of the table of the examples; the store sets it when it writes the two.
    """

    cell_key: str
    predict_key: str
    train_key: str
    task: str
    task_version: int
    model: str
    strategy: str
    sources: tuple[str, ...]
    target: str
    seed: int
    shots: int
    size: int | None
    limit: int | None
    scores: dict[str, Score]
    main_metric: str
    n: int
    groups: int
    data: str
    files: tuple[str, ...]
    provenance: str
    touches: str
    table: str = ""
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """One training run and all that it was evaluated on, with what may differ between two identical runs.

    Attributes:
        model: the whole model specification, and the number of its ``parameters``.
        training: the numbers of the training run.
        versions: of Python and the packages that decide numbers.
        timings: seconds, by stage (train, predict, score).
        tokens: ``real`` and ``computed`` (with padding).
        backend: what computed the numbers.
        checkpoint: the pretrained checkpoint's name or folder; None for a model that starts from none.
        status: ``done``, or ``partial`` while targets are missing.
        curves: measured values of the training run.
        spec: all that the keys were made of.
    """

    train_key: str
    predict_key: str
    task: str
    model: dict[str, Any]
    strategy: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    seed: int
    training: dict[str, Any]
    versions: dict[str, str]
    timings: dict[str, float]
    tokens: dict[str, int]
    backend: str
    checkpoint: str | None
    status: str
    host: str
    curves: list[Point]
    spec: dict[str, Any]
    created: str = field(default_factory=now)
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRecord:
    """Why a job has no results: the exception in full, and the job as it was asked for."""

    exception: str
    message: str
    traceback: str
    job: dict[str, Any]
    created: str = field(default_factory=now)
    schema: int = SCHEMA

    @classmethod
    def of(cls, error: BaseException, job: dict[str, Any]) -> ErrorRecord:
        """The record of an exception that was caught."""
        text = redacted("".join(traceback.format_exception(error)))
        return cls(exception=type(error).__name__, message=redacted(str(error)), traceback=text, job=job)


R = TypeVar("R", CellRecord, JobRecord, ErrorRecord)


class DamageError(ValueError):
    """A record that cannot be what was written; it is recomputed."""


def to_json(record: CellRecord | JobRecord | ErrorRecord) -> bytes:
    """The record's only spelling: sorted keys, UTF-8, a final newline.

    Raises:
        HarnessError: a number is NaN or infinite.
    """
    try:
        text = json.dumps(asdict(record), sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise HarnessError(f"a {type(record).__name__} with a number that is none is not stored: {error}") from error
    # a lone surrogate (an undecodable file name in an error message) becomes its JSON escape
    return (text + "\n").encode("utf-8", "backslashreplace")


def from_json(kind: type[R], content: bytes) -> R:
    """The record that ``to_json`` wrote.

    Raises:
        DamageError: truncated, of a wrong type, with fields missing or unknown.
        HarnessError: the schema is newer than this harness.
    """
    return kind(**fields(kind, content))


def fields(kind: type[R], content: bytes) -> dict[str, Any]:
    """The fields of the record that ``to_json`` wrote, checked as ``from_json`` checks them.

    A record takes as long to make of them as they take to read: whoever wants two of a million needs none.
    """
    try:
        return _checked(kind, orjson.loads(content))
    except ValueError:
        pass  # of what is rare (half a surrogate, a number of more than 64 bits) the slower reader has the say
    try:
        found = json.loads(content, parse_constant=_refuse)
    except ValueError as error:
        raise DamageError(f"not JSON ({error})") from error
    return _checked(kind, found)


def _checked(kind: type[R], found: Any) -> dict[str, Any]:
    if not isinstance(found, dict) or not isinstance(found.get("schema"), int):
        raise DamageError("no schema number")
    if found["schema"] > SCHEMA:
        raise HarnessError(f"schema {found['schema']} is newer than {SCHEMA}, which this harness knows: upgrade it")
    if found["schema"] < SCHEMA:
        raise DamageError(f"schema {found['schema']} never existed")
    accepted = _FIELDS[kind.__name__]
    if found.keys() != accepted.keys():
        missing, unknown = accepted.keys() - found.keys(), found.keys() - accepted.keys()
        raise DamageError(f"fields missing: {sorted(missing)}, fields unknown: {sorted(unknown)}")
    wrong = _wrong(kind.__name__, *map(type, map(found.__getitem__, accepted)))
    if wrong is not None:
        raise DamageError(f"{wrong} is {found[wrong]!r}")
    for name in _TUPLES[kind.__name__]:
        found[name] = tuple(found[name])
    if kind is CellRecord:
        for signature, score in found["scores"].items():
            _check_score(signature, score)
    return found


@lru_cache
def _wrong(kind: str, *types: type) -> str | None:
    """The first field whose value is of a wrong type; None where all fit. A million records have few sets of types."""
    accepted = _FIELDS[kind].items()
    return next((name for (name, known), one in zip(accepted, types, strict=True) if not issubclass(one, known)), None)


def _check_score(signature: str, score: object) -> None:
    if not isinstance(score, dict) or score.keys() != Score.__required_keys__:
        raise DamageError(f"the score of {signature} is {score!r}")
    value, low, high = score["score"], score["low"], score["high"]
    if not isinstance(value, NUMBER) or not math.isfinite(value):
        raise DamageError(f"the score of {signature} is {value!r}")
    if not isinstance(low, BOUND) or not isinstance(high, BOUND):
        raise DamageError(f"the interval of {signature} is {score!r}")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _json_types(annotation: Any) -> tuple[type, ...]:
    """The types that ``json.loads`` may give for a field so annotated."""
    if isinstance(annotation, UnionType):
        return tuple(kind for part in get_args(annotation) for kind in _json_types(part))
    origin = get_origin(annotation) or annotation
    return (list,) if origin is tuple else (origin,)


_FIELDS = {
    kind.__name__: {name: _json_types(hint) for name, hint in get_type_hints(kind).items()}
    for kind in (CellRecord, JobRecord, ErrorRecord)
}
_TUPLES = {
    kind.__name__: [name for name, hint in get_type_hints(kind).items() if get_origin(hint) is tuple]
    for kind in (CellRecord, JobRecord, ErrorRecord)
}
