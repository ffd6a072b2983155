"""Views of one model, each a layer and a pooling: jobs that differ in nothing else share the forward passes.

What a pass gives is laid on disk, a file a corpus and view, so that memory holds all views of a few corpora at a time,
and afterwards what one job looks at.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.models.base import Layered, Model, View
from harness.retrieval.base import Corpora
from harness.spec import Job, ModelSpec
from harness.tasktype import TASK_TYPES

LAST = "last"
ROOM = 2**16  # sentences of one view that are held at once, and so many fewer of several


def each_view(node: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A model's configuration, once for every layer and pooling that it lists; ``last`` is layer -1."""
    layers, poolings = (
        value if isinstance(value, list) else [value] for value in (node.get("layer", -1), node.get("pooling", "mean"))
    )
    for layer, pooling in product(layers, poolings):
        given = {"layer": -1 if layer == LAST else layer, "pooling": pooling}
        yield {**node, **{field: value for field, value in given.items() if field in node}}


def named(models: Sequence[ModelSpec]) -> list[ModelSpec]:
    """The views of a model with layer and pooling in their names, where there are several."""
    if len(models) < 2:
        return [*models]
    return [replace(one, name=f"{one.name}-{LAST if one.layer == -1 else one.layer}-{one.pooling}") for one in models]


def siblings(jobs: Iterable[Job]) -> list[tuple[Job, ...]]:
    """The jobs in groups that search with one and the same model, layer and pooling apart."""
    groups: list[tuple[Job, ...]] = []
    for job in jobs:
        place = next((i for i, group in enumerate(groups) if _alike(group[0], job)), None)
        if place is None:
            groups.append((job,))
        else:
            groups[place] = (*groups[place], job)
    return groups


def _alike(one: Job, other: Job) -> bool:
    if one.trained or TASK_TYPES[one.task.type].match is None:
        return False
    model = replace(other.model, layer=one.model.layer, pooling=one.model.pooling, name=one.model.name)
    return one == replace(other, model=model)


@dataclass(frozen=True, slots=True)
class Views:
    """Vectors of some views of a model, computed together when the first of their jobs asks for them."""

    views: tuple[View, ...]
    folder: Path

    def vectors(self, model: Layered, view: View, corpora: Corpora) -> Mapping[str, NDArray[np.float32]]:
        """By corpus key, the vectors in one view; read from the disk whenever one is looked at."""
        missing = [corpus for corpus in corpora if not self._path(corpus.key, view).exists()]
        for several in _parts(missing, ROOM // len(self.views)):
            for one, found in zip(self.views, model.embed_views(several, self.views), strict=True):
                for corpus, vectors in zip(several, found, strict=True):
                    draft = self.folder / "draft.npy"
                    np.save(draft, vectors)
                    draft.replace(self._path(corpus.key, one))
        return _OnDisk({corpus.key: self._path(corpus.key, view) for corpus in corpora})

    def _path(self, key: str, view: View) -> Path:
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}-{view.layer}-{view.pooling}.npy"


@contextmanager
def views_of(jobs: Sequence[Job]) -> Iterator[Views | None]:
    """What the jobs of a group share while they run; None for one that is alone."""
    if len(jobs) < 2:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="harness-views-") as folder:
        views = tuple(dict.fromkeys(View(job.model.layer, job.model.pooling) for job in jobs))
        yield Views(views, Path(folder))


def vectors_of(
    model: Model, spec: ModelSpec, corpora: Corpora, folder: Path | None, views: Views | None
) -> Mapping[str, NDArray[np.float32]]:
    """By corpus key, the vectors of all sentences in use.

    Args:
        folder: of trained weights; None for the model as it comes.
        views: what the job shares with others that look at other layers.
    """
    if views is not None and isinstance(model, Layered):
        return views.vectors(model, View(spec.layer, spec.pooling), corpora)
    return dict(zip((corpus.key for corpus in corpora), model.embed(corpora, folder), strict=True))


class _OnDisk(Mapping[str, NDArray[np.float32]]):
    """Arrays that are read when they are asked for."""

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self._paths = paths

    def __getitem__(self, key: str) -> NDArray[np.float32]:
        found: NDArray[np.float32] = np.load(self._paths[key])
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def _parts(corpora: Sequence[Any], most: int) -> Iterator[list[Any]]:
    """The corpora in order, so many at a time that their sentences are no more than ``most``; one at least."""
    part: list[Any] = []
    for corpus in corpora:
        if part and sum(map(len, part)) + len(corpus) > most:
            yield part
            part = []
        part.append(corpus)
    if part:
        yield part
