"""What all verbs hang on, and how a person's mistake is answered."""

from __future__ import annotations

import signal
import sys
from typing import Any

import click


class Verbs(click.Group):
    """Verbs in the order of the modules that hold them, and errors for people."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The verbs as `harness.cli` imports them."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the verb; a person's mistake becomes one message and exit code 2."""
        from harness.errors import HarnessError
        from harness.secrets import redacted

        try:
            return super().invoke(ctx)
        except HarnessError as error:
            click.echo(f"harness: {redacted(str(error))}", err=True)
            sys.exit(2)
        except KeyboardInterrupt:
            click.echo(
                "harness: interrupted; what was finished is stored, and the same command goes on from there", err=True
            )
            sys.exit(128 + signal.SIGINT)


@click.group(cls=Verbs)
@click.version_option(package_name="multilingual-harness", prog_name="harness")
def main() -> None:
    """Train on source languages, score every target language, trust the numbers.

    run and plan take Hydra overrides: harness run -m task=mini_ner,mini_pos source=eng,deu target=all
    """
