"""The command line's overrides turned into composed configurations, one a job of Hydra, before Hydra launches any.

A sweep is folded first: swept targets become one list, so that they share their job; a set of sources becomes a sweep
over its members; a suite becomes a sweep over its tasks. Whatever is misspelt is found here, once, and not in a job.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import compose as hydra_compose
from hydra import initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from harness import build
from harness.errors import HarnessError, nearest
from harness.expand import ALL, data_root, members, trainable
from harness.options import Options
from harness.strategies.base import STRATEGIES


@dataclass(frozen=True, slots=True)
class Composed:
    """One configuration that Hydra would run, resolved, and the option chosen in each group."""

    config: Mapping[str, Any]
    choices: Mapping[str, str]
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a command line asks for.

    Attributes:
        multirun: whether Hydra sweeps; an experiment may say so too.
        arguments: overrides for Hydra, folded.
        composed: one configuration a Hydra job, in Hydra's order.
        options: the YAML files that the configurations came from.
    """

    multirun: bool
    arguments: tuple[str, ...]
    composed: tuple[Composed, ...]
    options: Options


def sweep(overrides: Sequence[str], multirun: bool, config_dir: str | None = None) -> Sweep:
    """Composes all that the overrides ask for.

    Args:
        overrides: as on Hydra's command line.
        multirun: ``-m`` was given.
        config_dir: a folder with the user's own groups.

    Raises:
        HarnessError: an unknown option, key or value, with the nearest known name; a sweep without ``-m``.
    """
    with _for_people(), _hydra(config_dir) as options:
        dimensions = _dimensions(overrides, options)
        first = _compose([values[0] for values in dimensions.values()])
        own = _dimensions(_sweeper_params(first), options)
        multirun = multirun or str(first.hydra.mode) == "RunMode.MULTIRUN"
        dimensions = {**own, **dimensions} if multirun else dimensions
        if multirun:
            dimensions = _fold(dimensions, options)
        for key, values in dimensions.items():
            if len(values) > 1 and not multirun:
                raise HarnessError(f"{key} has {len(values)} values: add -m to sweep over them")
        if not multirun and first.suite.tasks and "task" not in dimensions:
            raise HarnessError(
                f"suite={first.suite.name} has {len(first.suite.tasks)} tasks: add -m to sweep over them"
            )
        composed = tuple(_product(dimensions))
        arguments = tuple(
            values[0]
            if len(values) == 1
            else values[0].split("=", 1)[0] + "=" + ",".join(v.split("=", 1)[1] for v in values)
            for values in dimensions.values()
        )
        return Sweep(multirun, arguments, composed, options)


@contextmanager
def _hydra(config_dir: str | None) -> Iterator[Options]:
    GlobalHydra.instance().clear()
    with initialize_config_module("conf", version_base="1.3"):
        if config_dir is None:
            _searchpath.clear()
        else:
            if not Path(config_dir).is_dir():
                raise HarnessError(f"--config-dir {config_dir}: no such folder")
            _searchpath[:] = [f"hydra.searchpath=[file://{Path(config_dir).resolve()}]"]
        sources = OmegaConf.select(_compose([]), "hydra.runtime.config_sources")
        yield Options.of_search_path(f"{one.schema}://{one.path}" for one in sources)


_searchpath: list[str] = []


def _compose(overrides: Sequence[str]) -> DictConfig:
    return hydra_compose("config", overrides=[*_searchpath, *overrides], return_hydra_config=True)


@contextmanager
def _for_people() -> Iterator[None]:
    """Hydra's and OmegaConf's complaints in the harness's words."""
    try:
        yield
    except HydraException as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        cause = str(error.__cause__).splitlines()[0] if error.__cause__ else ""
        raise HarnessError(" ".join(lines[:2]) + (f" ({cause})" if cause else "")) from error
    except OmegaConfBaseException as error:
        raise HarnessError(str(error).splitlines()[0]) from error


def _parsed(override: str) -> Override:
    loader = GlobalHydra.instance().config_loader()
    (parsed,) = OverridesParser.create(config_loader=loader).parse_overrides([override])
    return parsed


def _dimensions(overrides: Sequence[str], options: Options) -> dict[str, list[str]]:
    """By key, in order: the single overrides that it sweeps over; a repeated key's last word counts."""
    groups = set(GlobalHydra.instance().config_loader().list_groups(""))
    found: dict[str, list[str]] = {}
    for text in overrides:
        override = _parsed(text)
        key = text.split("=", 1)[0]
        name = override.key_or_group.split("@")[0]
        prefix = key[: len(key) - len(key.lstrip("+~"))]
        values = (
            list(override.sweep_string_iterator())
            if override.is_sweep_override()
            else [str(override.get_value_element_as_str())]
        )
        if name in groups and not prefix.startswith("~"):
            for value in values:
                if value not in options.names(name):
                    raise HarnessError(f"unknown {name} {value!r}: {nearest(value, options.names(name))}")
        elif not prefix and "/" not in name:
            _check_key(name)
        found.pop(key, None)
        found[key] = [f"{key}={value}" for value in values] if "=" in text else [text]
    return found


def _check_key(key: str) -> None:
    base = _compose([])
    if key.startswith("hydra.") or OmegaConf.select(base, key, throw_on_missing=False) is not None:
        return
    known = set(_flat(OmegaConf.to_container(base, resolve=False)))
    known |= {part.rsplit(".", 1)[0] for part in known}
    top = key.split(".")[0]
    # what a task, model or strategy holds depends on the one chosen, so Hydra judges those keys
    if key in known or top in ("task", "model", "strategy", "tracking", "suite"):
        return
    raise HarnessError(f"unknown key {key!r}: {nearest(key, (name for name in known if not name.startswith('hydra')))}")


def _flat(node: Any, prefix: str = "") -> Iterator[str]:
    for key, value in node.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def _sweeper_params(config: DictConfig) -> list[str]:
    params = OmegaConf.select(config, "hydra.sweeper.params") or {}
    return [f"{key}={value}" for key, value in params.items()]


def _fold(dimensions: dict[str, list[str]], options: Options) -> dict[str, list[str]]:
    folded = dict(dimensions)
    if len(folded.get("target", ())) > 1:
        names = [value.split("=", 1)[1].strip("[]") for value in folded["target"]]
        folded["target"] = [f"target=[{','.join(names)}]"]
    suite = _value(folded, "suite")
    if "task" not in folded and suite not in (None, "none"):
        folded["task"] = [f"task={name}" for name in options.read("suite", str(suite))["tasks"]]
    return _sources(folded, options)


def _sources(dimensions: dict[str, list[str]], options: Options) -> dict[str, list[str]]:
    """A set of sources as a sweep over its members, unless every strategy trains them jointly."""
    first = _compose([values[0] for values in dimensions.values()])
    asked = [value.split("=", 1)[1] for value in dimensions.get("source", [f"source={first.source}"])]
    strategies = [
        v.split("=", 1)[1] for v in dimensions.get("strategy", [f"strategy={first.hydra.runtime.choices.strategy}"])
    ]
    sets = [name for name in asked if name == ALL or members(name, options) is not None]
    if not sets or all("several_sources" in STRATEGIES[name].needs for name in strategies):
        return dimensions
    known: set[str] = set()
    for task in dimensions.get("task", [f"task={first.hydra.runtime.choices.task}"]):
        others = [values[0] for key, values in dimensions.items() if key != "task"]
        config = _resolved(_own(_compose([*others, task])))
        spec = build.task(task.split("=", 1)[1], config["task"], options)
        train = build.task(spec.train, options.read("task", spec.train), options) if spec.train else spec
        known |= set(trainable(spec, train, data_root(config)))
    listed: list[str] = []
    for name in asked:
        named = members(name, options)
        if name in sets:
            listed += sorted(known if named is None else known & set(named))
        else:
            listed.append(name)
    if not listed:
        raise HarnessError(f"source={','.join(asked)}: no language of that set has training data")
    swept = [f"source={code}" for code in dict.fromkeys(listed)]
    return {**dimensions, "source": swept, "source_set": [f"source_set={'+'.join(sets)}"]}


def _value(dimensions: Mapping[str, Sequence[str]], key: str) -> str | None:
    values = dimensions.get(key)
    return values[0].split("=", 1)[1] if values else None


def _product(dimensions: Mapping[str, Sequence[str]]) -> Iterator[Composed]:
    """Every combination, in Hydra's order; groups are composed once, plain values set afterwards, as Hydra does."""
    groups = set(GlobalHydra.instance().config_loader().list_groups(""))
    cache: dict[tuple[str, ...], tuple[DictConfig, dict[str, str]]] = {}
    values = {text: _parsed(text) for texts in dimensions.values() for text in texts}
    for combination in itertools.product(*dimensions.values()):
        plain = tuple(
            text
            for text in combination
            if text[0] not in "+~" and "/" not in (key := text.split("=")[0]) and key not in groups
        )
        grouped = tuple(text for text in combination if text not in plain)
        if grouped not in cache:
            # composing with the plain overrides as well lets Hydra judge them once a combination of groups
            _compose(combination)
            whole = _compose(grouped)
            OmegaConf.set_struct(whole, False)
            cache[grouped] = (_own(whole), dict(whole.hydra.runtime.choices))
        config, choices = cache[grouped]
        config = deepcopy(config)
        for text in plain:
            OmegaConf.update(config, values[text].key_or_group, values[text].value(), merge=True)
        yield Composed(_resolved(config), choices, combination)


def _own(config: DictConfig) -> DictConfig:
    """A composed configuration without Hydra's own part."""
    return OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])


def _resolved(config: DictConfig) -> dict[str, Any]:
    """A configuration with its interpolations replaced."""
    container = OmegaConf.to_container(config, resolve=True)
    assert isinstance(container, dict)
    return {str(key): value for key, value in container.items()}
