"""Contexts: what a task and a model have from which distances can be computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.data.examples import Corpus, Example
from harness.data.load import available, load
from harness.distances.base import Context, Tokenizer
from harness.errors import DataError
from harness.languages import canonical
from harness.models.base import MODELS
from harness.spec import ModelSpec, TaskSpec

Vectors = NDArray[np.floating[Any]]


def corpora(task: TaskSpec, languages: Sequence[str], split: str, root: Path | None) -> dict[str, Corpus[Example]]:
    """One split of a task in those of the languages that have it."""
    there = set(available(task, split, root))
    return {language: load(task, language, split, root) for language in languages if language in there}


def of_task(
    task: TaskSpec, train_task: TaskSpec, languages: Sequence[str], root: Path | None, cache: Path | None
) -> Context:
    """The texts of a task's test split, which every target has, and the sizes of the training data."""
    sizes = {code: len(corpus) for code, corpus in corpora(train_task, languages, "train", root).items()}
    return Context(corpora=corpora(task, languages, "test", root), sizes=sizes, cache=cache)


def tokenizer_of(model: ModelSpec, cache: Path) -> Tokenizer | None:
    """The tokenizer of a model; None for families without one."""
    backbone = getattr(MODELS[model.family](model, cache, {}), "backbone", None)
    found: Tokenizer | None = getattr(backbone, "tokenizer", None)
    return found


def pretraining_of(model: ModelSpec) -> dict[str, float]:
    """How much of each language a model was pretrained on, where its specification says (``options.amounts``)."""
    amounts = model.options.get("amounts")
    if not isinstance(amounts, Mapping):
        return {}
    return {canonical(str(code)): float(amount) for code, amount in amounts.items()}


def embeddings(
    model: ModelSpec,
    layers: Sequence[int],
    parallel: Mapping[str, Corpus[Example]],
    cache: Path,
    pretraining: Mapping[str, Corpus[Example]],
) -> dict[int, dict[str, Vectors]]:
    """Embeddings of the sentences that all languages have, in one order, by layer and language.

    Args:
        layers: -1 is the last; families with one layer alone give it whatever is asked.
        pretraining: as ``Model`` wants it.

    Raises:
        DataError: the languages have fewer than two sentences in common.
    """
    position = {code: {example.id: i for i, example in enumerate(corpus)} for code, corpus in parallel.items()}
    common = sorted(set.intersection(*(set(ids) for ids in position.values()))) if position else []
    if len(common) < 2:
        raise DataError(f"{', '.join(parallel) or 'no language'}: {len(common)} sentences in common; two are needed")
    found = {}
    for layer in layers:
        given = MODELS[model.family](replace(model, layer=layer), cache, pretraining).embed(list(parallel.values()))
        found[layer] = {
            code: rows[[position[code][id] for id in common]] for code, rows in zip(parallel, given, strict=True)
        }
    return found
