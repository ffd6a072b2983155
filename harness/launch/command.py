"""A command line that runs something, as Hydra and the harness read it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import HarnessError
from harness.secrets import redacted
from harness.sweep.compose import Sweep, sweep

OWN_WORDS = ("cfg", "info", "hydra_help", "shell_completion", "experimental_rerun", "help", "version")


@dataclass(frozen=True, slots=True)
class Command:
    """What is asked for.

    Attributes:
        given: the arguments.
        config_dir: groups of the user's own.
    """

    given: tuple[str, ...]
    asked: Sweep
    config_dir: str | None

    @property
    def text(self) -> str:
        """The arguments as a shell would take them, without passwords."""
        return redacted(shlex.join(self.given))

    @property
    def launcher(self) -> str:
        """The name of Hydra's launcher."""
        return self.asked.composed[0].choices.get("hydra/launcher", "basic") if self.asked.multirun else "basic"

    @property
    def words(self) -> list[str]:
        """The arguments for Hydra's own command line."""
        search = ["--config-dir", self.config_dir] if self.config_dir else []
        return [*(["-m"] if self.asked.multirun else []), *search, *self.asked.arguments]


def read(arguments: Sequence[str]) -> Command | None:
    """What a command line asks for; None where a flag asks Hydra itself (``--cfg``, ``--info``, ``--hydra-help`` ...).

    Raises:
        HarnessError: the command line does not compose.
    """
    from hydra._internal.utils import get_args_parser

    flags: Any = get_args_parser().parse_intermixed_args(list(arguments))  # -m may stand anywhere
    if any(getattr(flags, word, None) for word in OWN_WORDS):
        return None
    for word in ("config_name", "config_path", "package"):
        if getattr(flags, word, None):
            flag = "--" + word.replace("_", "-")
            raise HarnessError(f"{flag} is not for the harness: add groups of your own with --config-dir FOLDER")
    asked = sweep(flags.overrides, bool(flags.multirun), flags.config_dir)
    return Command(tuple(arguments), asked, flags.config_dir)
