"""A command line turned into composed configurations, one a job of Hydra, before Hydra launches any.

Whatever is misspelt is found here, once, and not in a job.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from hydra.core.override_parser.types import Quote, QuotedString
from omegaconf import OmegaConf

from harness.errors import HarnessError
from harness.secrets import without_password
from harness.storage.bucket import local
from harness.sweep.combined import Composed, combined
from harness.sweep.folding import Dimensions, dimensions_of, first_of_each, fold, texts
from harness.sweep.hydra_compose import composer
from harness.sweep.options import Options


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a command line asks for.

    Attributes:
        multirun: whether Hydra sweeps; an experiment may say so too.
        arguments: overrides for Hydra, folded.
        composed: one configuration a Hydra job, in Hydra's order.
        options: the YAML files that the configurations came from.
        launcher: the settings of the launcher.
        values: the overrides of each dimension, one a value; the configurations are their product.
    """

    multirun: bool
    arguments: tuple[str, ...]
    composed: tuple[Composed, ...]
    options: Options
    launcher: Mapping[str, Any]
    values: tuple[tuple[str, ...], ...] = ()

    def overrides(self, places: Collection[int]) -> list[list[str]]:
        """The overrides of some of the configurations, by their places in ``composed``."""
        return [list(one) for place, one in enumerate(product(*self.values)) if place in places]


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
        if len(dimensions.get("results", [""])) == 1 and "://" in str(first.results):
            dimensions["results"] = [_quoted(str(local(str(first.results))))]  # what lies beside the records is here
        if (uri := OmegaConf.select(first, "tracking.uri")) and (safe := without_password(str(uri))) != uri:
            dimensions["tracking.uri"] = [_quoted(safe)]  # it stood in a file; what Hydra is told, it stores
        values = tuple(tuple(several) for several in texts(dimensions))
        arguments = tuple(map(_joined, values))
        composed = tuple(combined(dimensions, composing))
        return Sweep(multirun, arguments, composed, composing.options, first.hydra.launcher, values)


def _quoted(text: str) -> str:
    """A value that Hydra takes for this very text: `sslmode=require` in a URI is no override."""
    return QuotedString(text, Quote.double).with_quotes()


def _joined(several: Sequence[str]) -> str:
    """The overrides of a dimension, one a value, as one."""
    first, *others = several
    return ",".join([first, *(text.partition("=")[2] for text in others)])


def _refuse_sweep(dimensions: Dimensions) -> None:
    if dimensions.get("hydra/launcher", ["basic"]) != ["basic"]:
        raise HarnessError("hydra/launcher is for sweeps: add -m, for one job too")
    for key, values in dimensions.items():
        if len(values) > 1:
            raise HarnessError(f"{key} has {len(values)} values: add -m to sweep over them")
    if dimensions.get("suite", ["none"]) != ["none"] and "task" not in dimensions:
        raise HarnessError(f"suite={dimensions['suite'][0]} has several tasks: add -m to sweep over them, or name one")
