"""Options that several verbs have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


class Folder(click.Path):
    """A folder, or the URL of one in a bucket: the folder that mirrors it, after its ``records`` or ``tables`` came."""

    def __init__(self, brings: str = "") -> None:
        super().__init__(path_type=Path)
        self.brings = brings

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path on this disk."""
        if "://" not in str(value):
            return super().convert(value, param, ctx)
        from harness.storage import bucket, exchange

        return exchange.opened(value, self.brings == "tables") if self.brings else bucket.local(value)


RESULTS, TABLES = (
    click.option("--results", type=Folder(brings), default=Path("results"), help="The store.")
    for brings in ("records", "tables")
)
DATA = click.option("--data", type=Folder(), envvar="HARNESS_DATA", help="Folder of the real tasks' files.")
JSON = click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
CONFIG_DIR = click.option(
    "--config-dir", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Your own groups."
)
HYDRA = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": ["--help"]}


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
    from harness.completion import overrides

    return overrides(ctx, param, incomplete)


OVERRIDES = click.argument("overrides", nargs=-1, type=click.UNPROCESSED, shell_complete=_complete)
