"""What a task and a model have from which distances can be computed: found first, read only where it is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.data.examples import Corpus, Example
from harness.data.files import paired
from harness.data.load import available, load
from harness.distances.asked import Asked, Scope
from harness.distances.base import Context, Distance, Need, Tokenizer
from harness.distances.embedded import embeddings
from harness.errors import NotApplicableError
from harness.languages import canonical
from harness.models.base import MODELS
from harness.spec import ModelSpec, Provenance, TaskSpec
from harness.sweep import build


@dataclass(frozen=True, slots=True)
class Part:
    """One split of a task in some languages."""

    task: TaskSpec
    split: str
    languages: tuple[str, ...]

    def load(self, root: Path | None) -> dict[str, Corpus[Example]]:
        """The corpora by language."""
        return {code: load(self.task, code, self.split, root) for code in self.languages}


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the distances of a scope are computed from, none of it read yet; None where nothing needs it.

    Attributes:
        texts: in the languages of the scope.
        sizes: training data whose examples are counted.
        parallel: sentences that are translations of one another.
        model: where a tokenizer, embeddings or pretraining amounts are needed.
        pretraining: what the model's input vectors are aligned on.
    """

    texts: Part | None = None
    sizes: Part | None = None
    parallel: Part | None = None
    model: ModelSpec | None = None
    pretraining: Part | None = None


def inputs_of(wanted: Sequence[Distance], scope: Scope, asked: Asked) -> Inputs:
    """What these distances need of the task and the model of a scope, and no more than that.

    Distances that nobody asked for by name or kind read local files alone, and the training data of the sources alone:
    size ratios need that of the targets too.

    Raises:
        HarnessError: something of it cannot be had.
    """
    needs = frozenset(need for one in wanted for need in one.needs) - {Need.URIEL}
    if not needs:
        return Inputs()
    if scope.studied is None:
        raise NotApplicableError("nothing is known of these scores but the languages: no texts, no training data")
    task, train_task, other = scope.studied.task, scope.studied.train_task, scope.studied.pretraining
    if not asked.names:
        task, train_task = _local(task), _local(train_task)
    trained = scope.languages if any(one.name == "size_ratio" for one in wanted) else scope.sources
    embedded = Need.EMBEDDINGS in needs
    return Inputs(
        texts=_at_hand(task, scope.languages, "test", asked.root) if Need.TEXTS in needs else None,
        sizes=_at_hand(train_task, trained, "train", asked.root) if Need.SIZES in needs else None,
        parallel=parallel(scope, asked) if Need.PARALLEL in needs else None,
        model=scope.studied.model if needs & {Need.TOKENIZER, Need.EMBEDDINGS, Need.PRETRAINING} else None,
        pretraining=Part(other, "train", tuple(other.languages)) if embedded and other else None,
    )


def context_of(wanted: Sequence[Distance], inputs: Inputs, asked: Asked) -> Context:
    """The inputs, read.

    Raises:
        HarnessError: something of it cannot be read.
    """
    needs = frozenset(need for one in wanted for need in one.needs)
    parts = {"corpora": inputs.texts, "parallel": inputs.parallel}
    read: dict[str, Any] = {name: part.load(asked.root) for name, part in parts.items() if part}
    if inputs.sizes:
        read["sizes"] = {code: len(corpus) for code, corpus in inputs.sizes.load(asked.root).items()}
    model = inputs.model
    if model is not None and Need.PRETRAINING in needs:
        read["pretraining"] = pretraining_of(model)
    if model is not None and Need.TOKENIZER in needs:
        read["tokenizer"] = tokenizer_of(model, asked.cache)
    if model is not None and Need.EMBEDDINGS in needs:
        pretraining = inputs.pretraining.load(asked.root) if inputs.pretraining else {}
        numbers = {int(one.layer) if one.layer else model.layer for one in wanted if Need.EMBEDDINGS in one.needs}
        found = embeddings(model, sorted(numbers), read["parallel"], asked.cache, pretraining)
        read["layers"] = found
        if model.layer in numbers:
            read["embeddings"] = found[model.layer]
    return Context(cache=asked.cache, **read)


def parallel(scope: Scope, asked: Asked) -> Part:
    """Parallel sentences in the languages of a scope, of the task that was named or has most of the languages.

    Synthetic scores look at synthetic sentences alone, and real ones at real ones.

    Raises:
        NotApplicableError: there are none.
    """
    assert scope.studied is not None
    synthetic = scope.studied.task.provenance is Provenance.SYNTHETIC
    best = Part(scope.studied.task, "test", ())
    for name in [asked.parallel] if asked.parallel else asked.options.names("task"):
        node = asked.options.read("task", name)
        if not asked.parallel and node.get("type") != "retrieval":
            continue
        task = build.task(name, node, asked.options)
        if not asked.parallel and (paired(task) or (task.provenance is Provenance.SYNTHETIC) != synthetic):
            continue
        one = _part(task if asked.parallel else _local(task), scope.languages, "test", asked.root)
        best = max(best, one, key=lambda part: len(part.languages))
    if len(best.languages) < 2:
        raise NotApplicableError(
            "no parallel sentences are at hand: name their folder with --data, a task with --parallel"
        )
    return best


def _part(task: TaskSpec, languages: Sequence[str], split: str, root: Path | None) -> Part:
    """One split of a task in those of the languages that have it."""
    there = set(available(task, split, root))
    return Part(task, split, tuple(language for language in languages if language in there))


def _at_hand(task: TaskSpec, languages: Sequence[str], split: str, root: Path | None) -> Part:
    found = _part(task, languages, split, root)
    if not found.languages:
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
