"""What the shell offers after `harness run` and `harness plan`: keys, options of groups, sets and languages."""

from __future__ import annotations

from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem

from harness.languages import languages
from harness.sweep.options import Options

GROUPS = ("task", "model", "strategy", "languages", "suite", "tracking")
LANGUAGE_KEYS = ("source", "target")


def overrides(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    """Completions of one override; after a comma or a bracket, of the last of several values."""
    key, equals, value = incomplete.partition("=")
    if not equals:
        offered = [*(f"{name}=" for name in _keys()), *(f"+experiment={name}" for name in _names("experiment"))]
        return [CompletionItem(word) for word in offered if word.startswith(incomplete)]
    start = max(value.rfind(","), value.rfind("[")) + 1
    done, last = f"{key}={value[:start]}", value[start:]
    return [CompletionItem(done + word) for word in _values(key.lstrip("+")) if word.startswith(last)]


def _keys() -> list[str]:
    plain = [key for key in Options().read(".", "config") if key not in ("defaults", "hydra")]
    return sorted({*GROUPS, *plain})


def _values(key: str) -> Iterable[str]:
    if key in LANGUAGE_KEYS:
        return [*_names("languages"), *languages()]
    return _names(key)


def _names(group: str) -> tuple[str, ...]:
    return Options().names(group)
