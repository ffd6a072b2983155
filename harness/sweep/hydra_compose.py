"""Hydra's composing, without launching anything, with its complaints in the harness's words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from typing import Any

from hydra import compose as compose_with_hydra
from hydra import initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from harness.errors import HarnessError
from harness.sweep.options import Options


class Composer:
    """Composes configurations from the package's groups and a user's own."""

    def __init__(self, config_dir: str | None, overrides: Sequence[str]) -> None:
        self._search_path = [override for override in overrides if override.startswith("hydra.searchpath=")]
        if config_dir is not None:
            # what --config-dir does on Hydra's own command line
            self._search_path = [f"hydra.searchpath=[file://{Path(config_dir).resolve()}]"]
        self._loader = GlobalHydra.instance().config_loader()
        self.groups = frozenset(self._loader.list_groups(""))
        sources = OmegaConf.select(self.compose([]), "hydra.runtime.config_sources")
        self.options = Options.of_search_path(f"{one.schema}://{one.path}" for one in sources)

    def compose(self, overrides: Sequence[str]) -> DictConfig:
        """The configuration that Hydra makes of these overrides, its own part under ``hydra``."""
        others = [override for override in overrides if override not in self._search_path]
        composed = compose_with_hydra("config", overrides=[*self._search_path, *others], return_hydra_config=True)
        for group, value in composed.items():
            if group in self.groups and isinstance(value, ListConfig):
                # Hydra takes a file that is a list
                self.options.read(str(group), str(composed.hydra.runtime.choices[group]))
        return composed

    def parse(self, override: str) -> Override:
        """One override as Hydra reads it."""
        (parsed,) = OverridesParser.create(config_loader=self._loader).parse_overrides([override])
        return parsed


@contextmanager
def composer(config_dir: str | None, overrides: Sequence[str] = ()) -> Iterator[Composer]:
    """A composer for the time of the block.

    Raises:
        HarnessError: there is no such folder, or, from within the block, anything that Hydra complains of.
    """
    if config_dir is not None and not Path(config_dir).is_dir():
        raise HarnessError(f"--config-dir {config_dir}: no such folder")
    GlobalHydra.instance().clear()
    try:
        with initialize_config_module("conf", version_base="1.3"):
            yield Composer(config_dir, overrides)
    except HydraException as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        cause = str(error.__cause__).splitlines()[0] if error.__cause__ else ""
        names = [line.strip() for line in takewhile(lambda line: line.startswith("\t"), lines[2:])]
        said = " ".join([*lines[:2], *([", ".join(names)] if names else [])])
        if "'hydra/launcher/submitit" in said and find_spec("submitit") is None:
            said += ". Slurm needs more: pip install 'multilingual-harness[slurm]'"
        raise HarnessError(said + (f" ({cause})" if cause else "")) from error
    except (YAMLError, UnicodeDecodeError, OSError) as error:
        # Hydra does not say which of the files it was
        Options.beside(Path(config_dir) if config_dir else None).check()
        raise HarnessError(" ".join(str(error).split())) from error
    except OmegaConfBaseException as error:
        raise HarnessError(str(error).splitlines()[0]) from error


def own(config: DictConfig) -> DictConfig:
    """A composed configuration without Hydra's own part."""
    return OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])


def resolved(config: DictConfig) -> dict[str, Any]:
    """A configuration as plain values, its interpolations replaced."""
    container = OmegaConf.to_container(config, resolve=True)
    assert isinstance(container, dict)
    return {str(key): value for key, value in container.items()}
