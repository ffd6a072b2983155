"""Every combination of a sweep as Hydra would compose it; composed an option and not a combination where that is equal.

Thirty models on ten tasks are 40 compositions instead of 300, and their 18,000 jobs share what they have in common.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf

from harness.sweep.folding import Dimensions, texts
from harness.sweep.hydra_compose import Composer, own, resolved

INTERPOLATION = re.compile(r"\$\{(?:oc\.env:[^{}]*,[^{}]*|([A-Za-z_][\w.]*))\}|\$\{")
"""A variable of the environment with a default; a key, by its full name; or anything else."""


@dataclass(frozen=True, slots=True)
class Composed:
    """One configuration that Hydra would run, resolved, and the option chosen in each group.

    Configurations of a sweep share their parts: whoever wants to change one copies it.
    """

    config: Mapping[str, Any]
    choices: Mapping[str, str]


def combined(dimensions: Dimensions, composing: Composer) -> Iterator[Composed]:
    """Every combination, in Hydra's order."""
    return _assembled(dimensions, composing) or _each(dimensions, composing)


def _assembled(dimensions: Dimensions, composing: Composer) -> Iterator[Composed] | None:
    """The combinations, put together from compositions in which one option differs from the first of all; else None.

    That is what Hydra gives where every option of the swept groups is a file without defaults of its own, which
    changes nothing but its own part, and where no value refers to one that is swept.
    """
    first = [of_key[0] for of_key in texts(dimensions)]
    swept = {key: place for place, (key, values) in enumerate(dimensions.items()) if len(values) > 1}
    groups = {key: place for key, place in swept.items() if key in composing.groups}
    written = dict(zip(dimensions, texts(dimensions), strict=True))
    plain = {key: [composing.parse(text) for text in written[key]] for key in swept if key not in groups}
    if any(key[0] in "+~" or "/" in key or "@" in key for key in plain):
        return None
    values = {key: [one.value() for one in found] for key, found in plain.items()}
    if any(isinstance(value, dict) or "${" in str(value) for found in values.values() for value in found):
        return None
    base = _composed(first, swept, composing)
    parts: dict[str, dict[str, Composed]] = {}
    for group, place in groups.items():
        parts[group] = {}
        for option in dimensions[group]:
            one = _composed([*first[:place], f"{group}={option}", *first[place + 1 :]], swept, composing)
            if base is None or one is None or "defaults" in composing.options.read(group, option):
                return None
            if not _same_but(group, one.config, base.config) or not _same_but(group, one.choices, base.choices):
                return None
            parts[group][option] = one
    if base is None or not all(
        _reaches(one.config, key.split("."))
        for key in plain
        for one in (base, *itertools.chain(*(of_group.values() for of_group in parts.values())))
    ):
        return None
    return _product(dimensions, base, parts, values)


def _product(
    dimensions: Dimensions,
    base: Composed,
    parts: Mapping[str, Mapping[str, Composed]],
    values: Mapping[str, Sequence[Any]],
) -> Iterator[Composed]:
    """The combinations of the parts and of the values."""
    cache: dict[tuple[str, ...], Composed] = {}
    steps = [values.get(key, options) for key, options in dimensions.items()]
    for combination in itertools.product(*steps):
        given = dict(zip(dimensions, combination, strict=True))
        grouped = tuple(given[group] for group in parts)
        if grouped not in cache:
            chosen = {group: of_group[given[group]] for group, of_group in parts.items()}
            cache[grouped] = Composed(
                {**base.config} | {group: one.config[group] for group, one in chosen.items() if group in one.config},
                {**base.choices} | {group: one.choices[group] for group, one in chosen.items()},
            )
        one = cache[grouped]
        config = one.config
        for key in values:
            config = _with(config, key.split("."), given[key])
        yield Composed(config, one.choices)


def _composed(overrides: Sequence[str], swept: Collection[str], composing: Composer) -> Composed | None:
    """What Hydra makes of the overrides; None where a value refers to a swept one, or nobody can say to which."""
    whole = composing.compose(overrides)
    config = own(whole)
    for found in INTERPOLATION.finditer(repr(OmegaConf.to_container(config, resolve=False))):
        name = found[1]
        fixed = name and not any(f"{name}.".startswith(f"{key}.") or f"{key}.".startswith(f"{name}.") for key in swept)
        if not fixed and not found[0].startswith("${oc.env:"):
            return None
    return Composed(resolved(config), dict(whole.hydra.runtime.choices))


def _same_but(name: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two mappings are the same but for one of their keys; 1 and 1.0 and true are not."""
    kept = [{key: value for key, value in mapping.items() if key != name} for mapping in (one, other)]
    return list(one) == list(other) and repr(kept[0]) == repr(kept[1])


def _reaches(config: Mapping[str, Any], path: Sequence[str]) -> bool:
    """Whether there is a value at a path."""
    for key in path:
        if not isinstance(config, Mapping) or key not in config:
            return False
        config = config[key]
    return True


def _with(config: Mapping[str, Any], path: Sequence[str], value: Any) -> dict[str, Any]:
    """The configuration with another value at a path; all that is not on the way to it is shared."""
    key, *rest = path
    return {**config, key: _with(config[key], rest, value) if rest else value}


def _each(dimensions: Dimensions, composing: Composer) -> Iterator[Composed]:
    """Every combination; groups are composed once a combination of them, plain values set afterwards, as Hydra does."""
    cache: dict[tuple[str, ...], tuple[DictConfig, dict[str, str]]] = {}
    values = {text: composing.parse(text) for of_key in texts(dimensions) for text in of_key}
    plain = {text for text in values if text[0] not in "+~" and "/" not in (key := text.split("=")[0])
             and key not in composing.groups}  # fmt: skip
    for combination in itertools.product(*texts(dimensions)):
        grouped = tuple(text for text in combination if text not in plain)
        if grouped not in cache:
            # composing with the plain overrides as well lets Hydra judge them once a combination of groups
            composing.compose(combination)
            whole = composing.compose(grouped)
            OmegaConf.set_struct(whole, False)
            cache[grouped] = (own(whole), dict(whole.hydra.runtime.choices))
        config, choices = cache[grouped]
        config = deepcopy(config)
        for text in combination:
            if text in plain:
                OmegaConf.update(config, values[text].key_or_group, values[text].value(), merge=True)
        yield Composed(resolved(config), choices)
