"""Models that fine-tune a network: one implementation over any backbone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from harness.data.examples import Corpus, Example, Sentence, Shape
from harness.engine.batches import Resident, batches_of, items_of
from harness.engine.device import budget_of, device, threads
from harness.engine.forward import forward
from harness.engine.packed import EAGER, pack
from harness.engine.products import products
from harness.engine.tokens import Ints, Tokens, pool, tokens_of
from harness.engine.train import PART, fit
from harness.engine.vocabulary import cut_down
from harness.errors import HarnessError, nearest
from harness.models.backbone import Backbone
from harness.models.base import Curve, Prediction, TrainingSet, View
from harness.models.heads import PER_TOKEN, Network, answers, summed_loss, targets_of, weights_of
from harness.models.selection import quality
from harness.spec import ModelSpec, Savepoint, Training
from harness.storage.atomic import unwritable

WEIGHTS, HEAD = "weights.safetensors", "head.json"
"""What a checkpoint folder holds: all weights, and the shape and tags of the head."""

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class Neural:
    """A network over a backbone, which each family supplies."""

    trains = frozenset(Shape) - {Shape.SENTENCE}
    embeds = True
    continues = True
    resumes = True
    backend = EAGER

    def __init__(self, spec: ModelSpec, cache: Path, pretraining: Mapping[str, Corpus[Example]]) -> None:
        if spec.dtype not in DTYPES:
            raise HarnessError(f"model {spec.name}: unknown dtype {spec.dtype!r}: {nearest(spec.dtype, DTYPES)}")
        self.spec = spec
        self.cache = cache
        self.pretraining = pretraining
        self.tokens: Mapping[str, int] = {}
        self.parameters: int | None = None

    @cached_property
    def backbone(self) -> Backbone:
        """The pretrained network; loaded when first asked for."""
        raise NotImplementedError

    def identity(self) -> Mapping[str, object]:
        """What the backbone says of itself."""
        return self.backbone.identity()

    def train(
        self,
        data: TrainingSet,
        training: Training,
        seed: int,
        folder: Path,
        start: Path | None = None,
        savepoint: Savepoint | None = None,
    ) -> Sequence[Curve]:
        """Fine-tune on all corpora together and write the weights.

        From ``start``, its head goes on too where it was made for the same tags.
        """
        shape = data.shape
        with threads(self.spec.threads), torch.random.fork_rng():
            torch.manual_seed(seed)
            net = self._network(shape, data.tags)
            if start is not None:
                _load(net, start, keep_head=_head(start) == (shape, data.tags))
            tokens = self._pool(data.corpora, shape)
            targets = targets_of(shape, _examples(data.corpora), data.tags, tokens)
            items = items_of(tokens, together=shape is Shape.OPTIONS)
            resident = Resident(tokens, self.backbone.pad, device(), self._table(tokens))

            def losses(chosen: Ints) -> Tensor:
                rows = items.rows(chosen)
                batch, _ = resident.batch(rows, torch.from_numpy(rows).to(device(), non_blocking=True))
                with torch.autocast(device().type, torch.bfloat16, enabled=self.spec.dtype == "bfloat16"):
                    return summed_loss(shape, net(batch), targets, tokens, rows)

            weights = weights_of(shape, targets, tokens)
            budget = PART[device().type]
            dev = self._dev(net, data) if data.dev else None
            read = [tokens.ids, np.asarray([self.backbone.pad])]
            if data.dev:
                read.append(self._pool(data.dev, shape).ids)
            with products(net) as backend, cut_down(net, read):
                curve = fit(net, losses, items.lengths, weights, training, seed, budget, dev, items.sizes, savepoint)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            save_file({name: value.contiguous().cpu() for name, value in net.state_dict().items()}, folder / WEIGHTS)
        except SafetensorError as error:  # a full disk, in the library's words
            raise unwritable(folder / WEIGHTS, OSError(str(error))) from error
        head = {"shape": shape.value, "tags": data.tags, "backend": backend}
        (folder / HEAD).write_text(json.dumps(head) + "\n", encoding="utf-8")
        return [Curve(*point) for point in curve]

    def predict(self, folder: Path, corpora: Sequence[Corpus[Example]]) -> list[list[Prediction]]:
        """Answers for all corpora in one pass."""
        shape, tags = _head(folder)
        with threads(self.spec.threads):
            net = self._network(shape, tags)
            _load(net, folder, keep_head=True)
            self.parameters = _size(net)
            self.backend = _computed(self._ready(net.eval().base), folder)
            found = self._answers(net, shape, tags, corpora)
        ends = np.cumsum([0, *map(len, corpora)])
        return [found[start:end] for start, end in pairwise(ends)]

    def embed(self, corpora: Sequence[Corpus[Example]], folder: Path | None = None) -> list[NDArray[np.float32]]:
        """Unit vectors of all sentences, equal texts computed once; by the weights of ``folder`` where it is given."""
        return self._embedded(corpora, (View(self.spec.layer, self.spec.pooling),), folder)[0]

    def _embedded(
        self, corpora: Sequence[Corpus[Example]], views: Sequence[View], folder: Path | None
    ) -> list[list[NDArray[np.float32]]]:
        if not corpora:
            return [[] for _ in views]
        texts = [cast("Sentence", example).text for example in _examples(corpora)]
        first: dict[str, int] = {}
        same = np.asarray([first.setdefault(text, len(first)) for text in texts], dtype=np.int64)
        with threads(self.spec.threads):
            base = self.backbone.build()
            if folder is not None:
                base.load_state_dict(_part(load_file(folder / WEIGHTS), "base."))
            tokens = self._pool(corpora, Shape.SENTENCE)
            # a sentence is one row, so that rows and texts are numbered alike
            distinct = tokens.select(np.unique(same, return_index=True)[1])
            self.parameters = _size(base)
            self.backend = _computed(self._ready(base.to(device()).eval()), folder)
            self._count(distinct, base)
            vectors = forward(
                lambda batch: self.backbone.pooled(base, batch, views),
                distinct,
                device(),
                per_token=False,
                pad=self.backbone.pad,
                table=self._table(distinct),
            )
        cuts = np.cumsum([len(corpus) for corpus in corpora])[:-1]
        if not len(vectors):
            return [[vectors.reshape(0, 0) for _ in corpora] for _ in views]
        return [np.split(unit(vectors[:, i])[same], cuts) for i in range(len(views))]

    @property
    def _dtype(self) -> torch.dtype:
        return DTYPES[self.spec.dtype]

    def _ready(self, base: nn.Module) -> str:
        """The name of what computes the backbone from here on, in the precision of the specification."""
        return ", ".join([pack(base, self._dtype), *["unpadded"] * getattr(base, "unpadded", False)])

    def _network(self, shape: Shape, tags: Sequence[str]) -> Network:
        return Network(self.backbone.build(), self.backbone.width, shape, tags).to(device())

    def _pool(self, corpora: Sequence[Corpus[Example]], shape: Shape) -> Tokens:
        backbone = self.backbone
        prefix = backbone.prefix if shape is Shape.SENTENCE else ""
        length = self.spec.max_length
        return pool(
            corpora, (tokens_of(c, shape, backbone.tokenizer, length, self.cache, prefix=prefix) for c in corpora)
        )

    def _count(self, tokens: Tokens, base: nn.Module) -> None:
        batches = batches_of(tokens.lengths, budget_of(len(tokens.ids), device()))
        computed = batches.real if getattr(base, "unpadded", False) else batches.computed
        self.tokens = {"real": batches.real, "computed": computed}

    def _table(self, tokens: Tokens) -> Tensor | None:
        table = self.backbone.table(tokens)
        return None if table is None else table.to(device())

    def _answers(
        self, net: Network, shape: Shape, tags: Sequence[str], corpora: Sequence[Corpus[Example]]
    ) -> list[Prediction]:
        tokens, examples = self._pool(corpora, shape), _examples(corpora)
        if not examples:
            return []
        table, per_token = self._table(tokens), shape in PER_TOKEN
        self._count(tokens, net.base)
        outputs = forward(net, tokens, device(), per_token=per_token, pad=self.backbone.pad, table=table)
        return answers(shape, outputs, tags, tokens, examples)

    def _dev(self, net: Network, data: TrainingSet) -> Callable[[], float]:
        """Quality averaged over the dev sets."""

        def measure() -> float:
            return float(
                np.mean([quality(data.shape, self._answers(net, data.shape, data.tags, [c]), [*c]) for c in data.dev])
            )

        return measure


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows at length 1; rows of zeros stay."""
    found: NDArray[np.float32] = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return found


def _examples(corpora: Sequence[Corpus[Example]]) -> list[Example]:
    return [example for corpus in corpora for example in corpus]


def _head(folder: Path) -> tuple[Shape, tuple[str, ...]]:
    try:
        head = json.loads((folder / HEAD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise HarnessError(
            f"{folder}: no {HEAD}, so this is no checkpoint of a trained model: train it again"
        ) from None
    return Shape(head["shape"]), tuple(head["tags"])


def _size(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def _computed(evaluated: str, folder: Path | None) -> str:
    """What computed the numbers of a job, the training of its weights included where that was not plain torch."""
    trained = EAGER if folder is None else json.loads((folder / HEAD).read_text(encoding="utf-8")).get("backend", EAGER)
    return evaluated if trained == EAGER else f"{evaluated}, trained by {trained}"


def _load(net: Network, folder: Path, *, keep_head: bool) -> None:
    weights = load_file(folder / WEIGHTS)
    net.base.load_state_dict(_part(weights, "base."))
    if keep_head:
        net.head.load_state_dict(_part(weights, "head."))


def _part(weights: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
