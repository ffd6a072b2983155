"""Computed over real tokens of the pooled pass, on real texts where there are any, against padding to 128."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from harness.data.load import available, load
from harness.engine.batches import batches_of
from harness.engine.device import BUDGET
from harness.sweep import build
from harness.sweep.options import Options

TASKS = ("udpos", "ner_joint", "xnli_dev")
EMBEDDED = ("mini_pos", "mini_ner", "mini_nli")


def rows() -> list[tuple[str, float, str, str]]:
    """One ratio a task: words as tokens, which is what ``tiny`` reads."""
    folder = Path(os.environ.get("HARNESS_DATA", "../shared/data"))
    root = folder if (folder / "open").is_dir() else None
    found = []
    for name in TASKS if root else EMBEDDED:
        lengths = np.concatenate([_lengths(name, root)])
        pooled = batches_of(lengths, BUDGET["cpu"])
        kind = "real" if root else "embedded"
        found.append((f"tokens computed / real, pooled, {name} ({kind})", pooled.ratio, "x", "<= 1.05"))
        padded = 128 * len(lengths) / lengths.sum()
        found.append((f"the same padded to 128, {name}", float(padded), "x", "-"))
    return found


def _lengths(name: str, root: Path | None) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    options = Options()
    task = build.task(name, options.read("task", name), options)
    counts: list[int] = []
    for language in available(task, "test", root):
        for example in load(task, language, "test", root):
            words = getattr(example, "words", None) or f"{example.first} {example.second}".split()  # type: ignore[attr-defined]
            counts.append(min(len(words) + 2, 128))
    return np.asarray(counts)
