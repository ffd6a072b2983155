"""The dimensions of a sweep: what each key is swept over, checked, and folded into what the harness means by it.

Swept targets become one list, so that they share their job, and swept layers and poolings, so that they share their
forward passes; a set of sources becomes a sweep over its members; a suite becomes a sweep over its tasks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from omegaconf import OmegaConf

from harness.errors import HarnessError, nearest
from harness.strategies.base import STRATEGIES
from harness.suites import read_suite
from harness.sweep import build
from harness.sweep.expand import data_root
from harness.sweep.hydra_compose import Composer, own, resolved
from harness.sweep.selection import is_set, members, trainable

Dimensions = dict[str, list[str]]
"""By key, with its ``+`` or ``~``: the values that it is swept over, as they are written; empty for a bare ``~key``."""

VIEWS = ("model.layer", "model.pooling")
"""Keys that a single forward pass serves with all of their values."""

# what these hold depends on the option chosen, so that only Hydra can judge their keys
OPEN_GROUPS = ("task", "model", "strategy", "tracking", "suite")


def texts(dimensions: Dimensions) -> Iterator[list[str]]:
    """The overrides of each dimension, one a value."""
    return ([f"{key}={value}" if value else key for value in values] for key, values in dimensions.items())


def first_of_each(dimensions: Dimensions) -> list[str]:
    """One override a dimension: the first."""
    return [values[0] for values in texts(dimensions)]


def dimensions_of(overrides: Sequence[str], composer: Composer) -> Dimensions:
    """The overrides by key, in order; a repeated key's last word counts.

    Raises:
        HarnessError: an unknown option or key, with the nearest known one.
    """
    found: Dimensions = {}
    for text in overrides:
        override = composer.parse(text)
        key, equals, _ = text.partition("=")
        name = override.key_or_group.split("@")[0]
        swept = override.is_sweep_override()
        values = list(override.sweep_string_iterator()) if swept else [str(override.get_value_element_as_str())]
        if name in composer.groups and not key.startswith("~"):
            known = composer.options.names(name)
            for value in values:
                if value not in known:
                    raise HarnessError(f"unknown {name} {value!r}: {nearest(value, known)}")
        elif key[0] not in "+~" and "/" not in name and name.split(".")[0] not in ("hydra", *OPEN_GROUPS):
            _check_key(name, composer)
        found.pop(key, None)
        found[key] = values if equals else [""]
    return found


def fold(dimensions: Dimensions, composer: Composer) -> Dimensions:
    """The dimensions as the harness sweeps over them."""
    folded = dict(dimensions)
    if len(folded.get("target", ())) > 1:
        folded["target"] = [f"[{','.join(value.strip('[]') for value in folded['target'])}]"]
    for axis in VIEWS:
        if len(folded.get(axis, ())) > 1:
            folded[axis] = [f"[{','.join(folded[axis])}]"]
    suites = [name for name in folded.get("suite", ()) if name != "none"]
    if suites and "task" not in folded:
        tasks = [name for suite in suites for name in read_suite(suite, composer.options).tasks]
        folded["task"] = list(dict.fromkeys(tasks))
        folded["suite"] = suites[:1]  # no job is another one for it: a cell counts for every suite of its task
        folded["source_set"] = ["+".join(suites)]  # a task without data is no mistake of whoever named the suite
    return _with_sources(folded, composer)


def _with_sources(dimensions: Dimensions, composer: Composer) -> Dimensions:
    """A set of sources as a sweep over its members, unless every strategy trains them jointly."""
    options = composer.options
    first = composer.compose(first_of_each(dimensions))
    choices = first.hydra.runtime.choices
    asked = dimensions.get("source", [str(first.source)])
    strategies = dimensions.get("strategy", [choices.strategy])
    sets = [name for name in asked if is_set(name, options)]
    if not sets or all("several_sources" in STRATEGIES[name].needs for name in strategies):
        return dimensions
    found: dict[str, set[str]] = {name: set() for name in sets}
    for name in dimensions.get("task", [choices.task]):
        config = resolved(own(composer.compose(first_of_each({**dimensions, "task": [name]}))))
        task = build.task(name, config["task"], options)
        known = trainable(task, build.trained_on(task, options), data_root(config))
        for one in sets:
            found[one] |= set(members(one, known, config, options))
    listed = [code for name in asked for code in (sorted(found[name]) if name in found else [name])]
    if not listed:
        return {**dimensions, "source_set": ["+".join(sets)]}  # what is said of each task names its data
    return {**dimensions, "source": list(dict.fromkeys(listed)), "source_set": ["+".join(sets)]}


def _check_key(key: str, composer: Composer) -> None:
    base = own(composer.compose([]))
    if OmegaConf.select(base, key) is not None:
        return
    known = set(_flat(OmegaConf.to_container(base, resolve=False)))
    if key not in known:
        raise HarnessError(f"unknown key {key!r}: {nearest(key, known)}")


def _flat(node: Any, prefix: str = "") -> Iterator[str]:
    for key, value in node.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
