"""A command line turned into composed configurations, one a job of Hydra, before Hydra launches any.

Whatever is misspelt is found here, once, and not in a job.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf

from harness.errors import HarnessError
from harness.folding import Dimensions, dimensions_of, first_of_each, fold, texts
from harness.hydra_compose import Composer, composer, own, resolved
from harness.options import Options


@dataclass(frozen=True, slots=True)
class Composed:
    """One configuration that Hydra would run, resolved, and the option chosen in each group."""

    config: Mapping[str, Any]
    choices: Mapping[str, str]


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
    with composer(config_dir, overrides) as composing:
        dimensions = dimensions_of(overrides, composing)
        first = composing.compose(first_of_each(dimensions))
        multirun = multirun or str(first.hydra.mode) == "RunMode.MULTIRUN"
        if multirun:
            params = OmegaConf.select(first, "hydra.sweeper.params") or {}
            own_sweep = dimensions_of([f"{key}={value}" for key, value in params.items()], composing)
            dimensions = fold({**own_sweep, **dimensions}, composing)
        else:
            _refuse_sweep(dimensions)
        arguments = tuple(
            values[0] if len(values) == 1 else f"{key}={','.join(dimensions[key])}"
            for key, values in zip(dimensions, texts(dimensions), strict=True)
        )
        return Sweep(multirun, arguments, tuple(_product(dimensions, composing)), composing.options)


def _refuse_sweep(dimensions: Dimensions) -> None:
    for key, values in dimensions.items():
        if len(values) > 1:
            raise HarnessError(f"{key} has {len(values)} values: add -m to sweep over them")
    if dimensions.get("suite", ["none"]) != ["none"] and "task" not in dimensions:
        raise HarnessError(f"suite={dimensions['suite'][0]} has several tasks: add -m to sweep over them, or name one")


def _product(dimensions: Dimensions, composing: Composer) -> Iterator[Composed]:
    """Every combination, in Hydra's order; groups are composed once, plain values set afterwards, as Hydra does."""
    cache: dict[tuple[str, ...], tuple[DictConfig, dict[str, str]]] = {}
    values = {text: composing.parse(text) for sweep_of_key in texts(dimensions) for text in sweep_of_key}
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
