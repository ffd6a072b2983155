"""Contexts: what a task and a model have from which distances can be computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness import build
from harness.data.examples import Corpus, Example
from harness.data.files import paired
from harness.data.load import available, load
from harness.distances.base import Context, Distance, Need, Tokenizer
from harness.distances.chosen import Asked, Scope
from harness.errors import DataError, NotApplicableError
from harness.languages import canonical
from harness.models.base import MODELS
from harness.spec import ModelSpec, Provenance, TaskSpec

Vectors = NDArray[np.floating[Any]]


def corpora(task: TaskSpec, languages: Sequence[str], split: str, root: Path | None) -> dict[str, Corpus[Example]]:
    """One split of a task in those of the languages that have it."""
    there = set(available(task, split, root))
    return {language: load(task, language, split, root) for language in languages if language in there}


def context_of(wanted: Sequence[Distance], scope: Scope, asked: Asked) -> Context:
    """What these distances need, made from the task and the model of a scope, and no more than that.

    Distances that nobody asked for by name or kind read local files alone, and the training data of the sources alone:
    size ratios need that of the targets too.

    Raises:
        HarnessError: something of it cannot be had.
    """
    needs = frozenset(need for one in wanted for need in one.needs) - {Need.URIEL}
    if not needs:
        return Context(cache=asked.cache)
    if scope.studied is None:
        raise NotApplicableError("nothing is known of these scores but the languages: no texts, no training data")
    task, train_task, model = scope.studied.task, scope.studied.train_task, scope.studied.model
    if not asked.names:
        task, train_task = _local(task), _local(train_task)
    context = Context(cache=asked.cache)
    if Need.TEXTS in needs:
        context = replace(context, corpora=_at_hand(task, scope.languages, "test", asked.root))
    if Need.SIZES in needs:
        trained = scope.languages if any(one.name == "size_ratio" for one in wanted) else scope.sources
        sizes = {code: len(corpus) for code, corpus in _at_hand(train_task, trained, "train", asked.root).items()}
        context = replace(context, sizes=sizes)
    if Need.PRETRAINING in needs:
        context = replace(context, pretraining=pretraining_of(model))
    if Need.TOKENIZER in needs:
        context = replace(context, tokenizer=tokenizer_of(model, asked.cache))
    if Need.PARALLEL in needs:
        context = replace(context, parallel=parallel(scope, asked))
    if Need.EMBEDDINGS in needs:
        other = scope.studied.pretraining
        pretraining = {code: load(other, code, "train", asked.root) for code in other.languages} if other else {}
        found = embeddings(model, [model.layer], context.parallel, asked.cache, pretraining)
        context = replace(context, embeddings=found[model.layer])
    return context


def parallel(scope: Scope, asked: Asked) -> dict[str, Corpus[Example]]:
    """Parallel sentences in the languages of a scope, of the task that was named or has most of the languages.

    Synthetic scores look at synthetic sentences alone, and real ones at real ones.

    Raises:
        NotApplicableError: there are none.
    """
    assert scope.studied is not None
    synthetic = scope.studied.task.provenance is Provenance.SYNTHETIC
    best: tuple[int, TaskSpec | None] = (1, None)
    for name in [asked.parallel] if asked.parallel else asked.options.names("task"):
        node = asked.options.read("task", name)
        if not asked.parallel and node.get("type") != "retrieval":
            continue
        task = build.task(name, node, asked.options)
        if not asked.parallel and (paired(task) or (task.provenance is Provenance.SYNTHETIC) != synthetic):
            continue
        one = task if asked.parallel else _local(task)
        many = len(set(available(one, "test", asked.root)) & set(scope.languages))
        best = max(best, (many, one), key=lambda pair: pair[0])
    if best[1] is None:
        raise NotApplicableError(
            "no parallel sentences are at hand: name their folder with --data, a task with --parallel"
        )
    return corpora(best[1], scope.languages, "test", asked.root)


def _at_hand(task: TaskSpec, languages: Sequence[str], split: str, root: Path | None) -> dict[str, Corpus[Example]]:
    found = corpora(task, languages, split, root)
    if not found:
        raise NotApplicableError(f"no {split} data of {task.name} is at hand: name its folder with --data")
    return found


def _local(task: TaskSpec) -> TaskSpec:
    """The task as if there were no hub."""
    return replace(task, hub=None, parts=tuple(map(_local, task.parts)))


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
