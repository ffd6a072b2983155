"""Whether a model's pretraining contained a language, where the model's card says: yes, no, or unknown."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from harness.sweep import build
from harness.sweep.options import Options

if TYPE_CHECKING:
    from harness.storage.store import Store

YES, NO, UNKNOWN = "yes", "no", "unknown"


def seen_languages(model: str, job: tuple[str, str], store: Store, options: Options) -> frozenset[str]:
    """The languages of a model's pretraining, canonical; empty where nobody says.

    What its configuration says now counts, so that a card that is added later counts for what was run before; a model
    without a configuration of its own has what its run was given.

    Args:
        job: task and predict key of one of its runs.
    """
    if model in options.names("model"):
        return frozenset(build.seen(map(str, options.read("model", model).get("seen") or ()), options))
    record = store.read_job(*job)
    return frozenset(record.model.get("seen") or ()) if record is not None else frozenset()


def status(language: str, seen: Collection[str]) -> str:
    """Whether a language is among the seen ones; unknown where these are not known."""
    if not seen:
        return UNKNOWN
    return YES if language in seen else NO
