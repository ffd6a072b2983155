"""Configuration turned into frozen specifications, every field checked by name and type."""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, TypeVar

from harness.errors import HarnessError, nearest
from harness.languages import canonical
from harness.spec import ModelSpec, TaskSpec, Training
from harness.sweep.options import Options

S = TypeVar("S")
SELECTIONS = ("last", "source_dev", "target_dev")
MAX_LENGTH = 128  # tokens a row, where no protocol says otherwise: XTREME's for all but question answering


def preset(config: Mapping[str, Any], name: str, options: Options) -> dict[str, Any]:
    """What the configuration's ``protocol`` changes of a task's published numbers; ``select`` among them.

    Raises:
        HarnessError: it names a task that there is not.
    """
    tasks = config.get("protocol") or {}
    for known in tasks:
        if known not in options.names("task"):
            raise HarnessError(f"protocol.{known}: no such task: {nearest(known, options.names('task'))}")
    return dict(tasks.get(name) or {})


def task(name: str, node: Mapping[str, Any], options: Options) -> TaskSpec:
    """A task from its YAML; the parts that it joins are read from theirs.

    Raises:
        HarnessError: a field is unknown or has the wrong type, or a language is unknown.
    """
    known = name, repr(node), options
    if known not in _tasks:
        _tasks[known] = _task(name, node, options)
    return _tasks[known]


_tasks: dict[tuple[str, str, Options], TaskSpec] = {}
"""By name and content: the jobs of a sweep share their tasks."""


def _task(name: str, node: Mapping[str, Any], options: Options) -> TaskSpec:
    values = dict(node)
    values.pop("name", None)
    parts = tuple(task(part, options.read("task", part), options) for part in values.pop("parts", None) or ())
    spelled = languages(f"task {name}", values.pop("languages", None), str(values.get("namespace") or ""))
    for part in parts:
        shared = spelled.keys() & part.languages.keys()
        if shared:
            raise HarnessError(f"task {name}: {', '.join(sorted(shared))} stands in two of its parts")
        spelled |= part.languages
    spec = construct(TaskSpec, {**values, "name": name, "languages": {}}, f"task {name}")
    return dataclasses.replace(spec, languages=dict(sorted(spelled.items())), parts=parts)


def trained_on(spec: TaskSpec, options: Options) -> TaskSpec:
    """The task whose training data a task uses: another that it names, or itself."""
    return task(spec.train, options.read("task", spec.train), options) if spec.train else spec


def model(name: str, node: Mapping[str, Any], train_task: TaskSpec, options: Options | None = None) -> ModelSpec:
    """A model from its YAML, with rows as long as the protocol of the task says unless it has a length of its own.

    A bare ``encoder`` or ``predictions`` is named after its checkpoint, so that two of them stay apart in a table.

    Raises:
        HarnessError: a field is unknown or has the wrong type.
    """
    values = dict(node)
    if values.get("max_length") is None:
        values["max_length"] = train_task.protocol.get("max_length", MAX_LENGTH)
    checkpoint = str(values.get("checkpoint") or "")
    shown = values.pop("name", None) or (name if name != values.get("family") or not checkpoint else None)
    spec = construct(ModelSpec, {**values, "name": shown or checkpoint.rstrip("/").rsplit("/", 1)[-1]}, f"model {name}")
    return dataclasses.replace(spec, seen=seen(spec.seen, options or Options()))


def seen(listed: Iterable[str], options: Options) -> tuple[str, ...]:
    """The languages of a model's ``seen``, canonical and sorted: by name, or as members of a set of conf/languages.

    Raises:
        HarnessError: a word is neither.
    """
    sets = options.names("languages")
    members = [options.read("languages", word)["members"] if word in sets else [word] for word in listed]
    return tuple(sorted({canonical(str(code)) for several in members for code in several}))


def training(task_spec: TaskSpec, model_spec: ModelSpec, overrides: Mapping[str, Any], select: str) -> Training:
    """The numbers of a run: the task's published ones, then the model's own, then what the user says.

    A new ``steps`` replaces ``epochs`` and the reverse.

    Raises:
        HarnessError: a number is unknown or has the wrong type.
    """
    merged: dict[str, Any] = {}
    for given in (task_spec.protocol, model_spec.training, overrides):
        numbers = {key: value for key, value in given.items() if value is not None and key != "max_length"}
        for one, other in (("steps", "epochs"), ("epochs", "steps")):
            if one in numbers and other not in numbers:
                merged.pop(other, None)
        merged |= numbers
    where = f"training of {model_spec.name} on {task_spec.name}"
    return construct(Training, {"select": select, **merged}, where)


def check(numbers: Training, where: str) -> None:
    """Nothing, if one can train by these numbers.

    Raises:
        HarnessError: a number is out of its range, there is no length of training, or there are two.
    """
    if numbers.select not in SELECTIONS:
        raise HarnessError(f"select={numbers.select!r}: {nearest(numbers.select, SELECTIONS)}")
    if (numbers.epochs is None) == (numbers.steps is None):
        raise HarnessError(f"{where}: give epochs or steps, one of the two; got {numbers.epochs} and {numbers.steps}")
    ranges = {
        "batch_size": numbers.batch_size >= 1,
        "learning_rate": numbers.learning_rate > 0,
        "epochs": numbers.epochs is None or numbers.epochs > 0,
        "steps": numbers.steps is None or numbers.steps > 0,
        "warmup": 0 <= numbers.warmup <= 1,
        "weight_decay": numbers.weight_decay >= 0,
        "clip": numbers.clip > 0,
    }
    for name, fits in ranges.items():
        if not fits:
            raise HarnessError(f"{where}: {name}={getattr(numbers, name)} is out of its range")


def construct(kind: type[S], values: Mapping[str, Any], where: str) -> S:
    """A dataclass from a mapping, its fields checked and nested ones built.

    Raises:
        HarnessError: a key that the class does not have (with the nearest) or lacks, or a value of another type.
    """
    hints = _hints(kind)  # type: ignore[arg-type]  # classes can be hashed
    known = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise HarnessError(f"{where}: unknown field {key!r}: {nearest(key, known)}")
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        needed = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if needed and field.name not in values:
            raise HarnessError(f"{where}: field {field.name!r} is missing")
    return kind(**{key: _value(hints[key], value, f"{where}, field {key!r}") for key, value in values.items()})


_hints = functools.cache(typing.get_type_hints)  # it takes longer than all the rest


def _value(hint: Any, value: Any, where: str) -> Any:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        (hint,) = (option for option in typing.get_args(hint) if option is not type(None))
        return _value(hint, value, where)
    if value is None and origin is not None:  # an empty YAML list or mapping reads as null
        return origin() if origin is tuple else {}
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise _mismatch(where, "a list", value)
        return tuple(_value(typing.get_args(hint)[0], item, where) for item in value)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise _mismatch(where, "a mapping", value)
        of = typing.get_args(hint)[1]
        return {str(key): _value(of, item, where) for key, item in value.items()}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, Mapping):
            raise _mismatch(where, "a mapping", value)
        return construct(hint, value, where)
    return _scalar(hint, value, where)


def _scalar(hint: Any, value: Any, where: str) -> Any:
    if hint is object:
        return value
    if hint is str and isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)  # a label or a code may look like a number in YAML
    if isinstance(hint, type) and issubclass(hint, Enum):
        try:
            return hint(value)
        except ValueError:
            known = ", ".join(str(member.value) for member in hint)
            raise HarnessError(f"{where}: {value!r} is none of {known}") from None
    if hint is float and isinstance(value, str):  # YAML 1.1 reads 2e-5 as a string
        try:
            return float(value)
        except ValueError:
            raise _mismatch(where, "a number", value) from None
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if hint is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(hint, type) and isinstance(value, hint) and not (hint is int and isinstance(value, bool)):
        return value
    raise _mismatch(where, getattr(hint, "__name__", str(hint)), value)


def _mismatch(where: str, wanted: str, value: Any) -> HarnessError:
    return HarnessError(f"{where}: expected {wanted}, got {value!r}")


def languages(where: str, listed: Any, namespace: str = "") -> dict[str, str]:
    """Canonical codes with the spellings that they come from; a list of spellings, or a mapping from codes to them.

    Raises:
        HarnessError: a language is unknown, or stands there twice.
    """
    if isinstance(listed, Mapping):
        spelled = {canonical(str(code)): str(spelling) for code, spelling in listed.items()}
        if len(spelled) < len(listed):
            raise HarnessError(f"{where}: two of its languages are one: {sorted(map(str, listed))}")
        return spelled
    spelled = {}
    for spelling in listed or ():
        code = canonical(str(spelling), namespace)
        if code in spelled:
            raise HarnessError(f"{where}: {spelled[code]!r} and {spelling!r} are one language, {code}")
        spelled[code] = str(spelling)
    return spelled
