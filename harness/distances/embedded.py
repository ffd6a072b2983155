"""Embeddings of parallel sentences, of one layer of a model or of several from one pass."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.data.examples import Corpus, Example
from harness.distances.asked import Asked, Scope
from harness.distances.base import ALL_LAYERS, Distance, at_layer
from harness.errors import DataError, NotApplicableError
from harness.models.base import MODELS, Layered, View
from harness.retrieval.views import Views
from harness.spec import ModelSpec

Vectors = NDArray[np.floating[Any]]


def layered(wanted: Sequence[Distance], scope: Scope, asked: Asked) -> list[Distance]:
    """The distances with those of all layers once for every layer that the model of the scope has.

    Raises:
        NotApplicableError: the model has no such layers.
    """
    if not any(one.layer for one in wanted) or scope.studied is None:
        return [*wanted]
    spec = scope.studied.model
    model = MODELS[spec.family](spec, asked.cache, {})
    if not isinstance(model, Layered):
        raise NotApplicableError(f"a {spec.family} model has no layers to tell apart: name the distance without @")
    deepest = model.depth()
    found = []
    for one in wanted:
        if one.layer and one.layer != ALL_LAYERS and not -1 <= int(one.layer) <= deepest:
            raise NotApplicableError(f"model {spec.name} has {deepest} layers, and so no layer {one.layer}")
        numbers = range(deepest + 1) if one.layer == ALL_LAYERS else ()
        bare = replace(one, name=one.name.removesuffix(f"@{ALL_LAYERS}"))
        found += [at_layer(bare, str(number)) for number in numbers] or [one]
    return found


def embeddings(
    model: ModelSpec,
    layers: Sequence[int],
    parallel: Mapping[str, Corpus[Example]],
    cache: Path,
    pretraining: Mapping[str, Corpus[Example]],
) -> Mapping[int, Mapping[str, Vectors]]:
    """Embeddings of the sentences that all languages have, in one order, by layer and language.

    Args:
        layers: -1 is the last; several are computed in one pass, and lie on disk until they are asked for.
        pretraining: as ``Model`` wants it.

    Raises:
        DataError: the languages have fewer than two sentences in common.
    """
    position = {code: {example.id: i for i, example in enumerate(corpus)} for code, corpus in parallel.items()}
    common = sorted(set.intersection(*(set(ids) for ids in position.values()))) if position else []
    if len(common) < 2:
        raise DataError(f"{', '.join(parallel) or 'no language'}: {len(common)} sentences in common; two are needed")
    rows = {code: [position[code][id] for id in common] for code in parallel}
    made = MODELS[model.family](model, cache, pretraining)
    if isinstance(made, Layered) and [*layers] != [model.layer]:
        return _Layers(made, model.pooling, tuple(layers), parallel, rows)
    found = made.embed(list(parallel.values()))
    return {model.layer: {code: given[rows[code]] for code, given in zip(parallel, found, strict=True)}}


class _Layers(Mapping[int, Mapping[str, Vectors]]):
    """The layers of one model, of which one at a time is held in memory."""

    def __init__(
        self,
        model: Layered,
        pooling: str,
        layers: tuple[int, ...],
        parallel: Mapping[str, Corpus[Example]],
        rows: Mapping[str, Sequence[int]],
    ) -> None:
        # it is removed with this object
        self._folder = tempfile.TemporaryDirectory(prefix="harness-layers-")
        self._views = Views(tuple(View(layer, pooling) for layer in layers), Path(self._folder.name))
        self._model, self._pooling, self._layers = model, pooling, layers
        self._parallel, self._rows = parallel, rows

    def __getitem__(self, layer: int) -> Mapping[str, Vectors]:
        found = self._views.vectors(self._model, View(layer, self._pooling), tuple(self._parallel.values()))
        return {code: found[corpus.key][self._rows[code]] for code, corpus in self._parallel.items()}

    def __iter__(self) -> Iterator[int]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)
