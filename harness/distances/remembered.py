"""Distances from texts and models on disk, by all that they were computed from: a second analysis reads no texts.

A file that cannot be read, or is not what was written, is computed again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

from harness.data.load import fingerprint
from harness.distances.asked import Asked
from harness.distances.base import Distance, Need, frame
from harness.distances.sources import Inputs, Part
from harness.errors import HarnessError
from harness.models.base import MODELS
from harness.spec import ModelSpec
from harness.storage.atomic import write_whole
from harness.sweep.keys import VERSIONS

FORMAT = 1  # raised when tables are stored otherwise
SLOW = frozenset({Need.TEXTS, Need.SIZES, Need.PARALLEL})
OF_MODELS = frozenset({Need.TOKENIZER, Need.EMBEDDINGS, Need.PRETRAINING})
VALUES = ("value", "shared", "coverage")
DAMAGE = (OSError, ValueError, KeyError, EOFError, AttributeError, NotImplementedError, zipfile.BadZipFile, zlib.error)


def place(distance: Distance, languages: Sequence[str], inputs: Inputs, asked: Asked) -> Path | None:
    """Where the table of a distance lies, there or not; None for one that needs no texts.

    Raises:
        HarnessError: what it is computed from cannot be found.
    """
    if not distance.needs & SLOW:
        return None
    parts = {
        Need.TEXTS: inputs.texts,
        Need.SIZES: inputs.sizes,
        Need.PARALLEL: inputs.parallel,
        Need.EMBEDDINGS: inputs.pretraining,
    }
    content = {
        "format": FORMAT,
        "distance": [distance.name, distance.version, distance.min_shared],
        "languages": [*languages],
        "data": {
            str(need): _marks(part, asked.root) for need, part in parts.items() if part and need in distance.needs
        },
        "model": _model(inputs.model, asked.cache) if inputs.model and distance.needs & OF_MODELS else None,
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return asked.cache / "distances" / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.npz"


def read(path: Path, languages: Sequence[str]) -> pd.DataFrame | None:
    """The table as ``distances`` gave it, without its name; None where there is none that can be trusted."""
    with suppress(*DAMAGE), np.load(path, allow_pickle=False) as stored:
        table = frame(languages, np.zeros((len(languages), len(languages))))
        return table.assign(**{name: stored[name].astype(np.float64) for name in VALUES})
    return None


def write(path: Path, table: pd.DataFrame) -> None:
    """Stores a table; a cache that cannot be written costs time, and nothing else."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **{name: table[name].to_numpy(dtype=np.float64) for name in VALUES})
    with suppress(HarnessError):
        write_whole(path, buffer.getvalue())


def _marks(part: Part, root: Path | None) -> dict[str, str]:
    return {code: fingerprint(part.task, code, part.split, root) for code in part.languages}


def _model(spec: ModelSpec, cache: Path) -> dict[str, object]:
    """What of a model changes its tokens and embeddings."""
    known = dataclasses.asdict(spec)
    content = {name: known[name] for name in ("family", "dtype", "pooling", "layer", "max_length", "options")}
    identity = dict(MODELS[spec.family](spec, cache, {}).identity()) if spec.checkpoint else {}
    return content | {"version": VERSIONS.get(spec.family, 1), "identity": identity}
