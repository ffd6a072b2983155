"""Pretrained encoders of the transformers library, by hub name or folder."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers.utils import logging

from harness.data.examples import Corpus, Example
from harness.engine.batches import Batch
from harness.engine.subwords import Subwords
from harness.engine.tokens import Tokens
from harness.engine.unpadded import first_states, hidden_states, same
from harness.errors import HarnessError
from harness.models.base import MODELS, View
from harness.models.checkpoints import digest, located
from harness.models.neural import Neural
from harness.spec import ModelSpec


class Hidden(nn.Module):
    """A transformers model as batches call it.

    Args:
        model: by the library.
        unpadded: whether evaluation may leave padding out.
    """

    def __init__(self, model: nn.Module, *, unpadded: bool = False) -> None:
        super().__init__()
        self.model = model
        self.unpadded = unpadded
        # where there is one segment alone, as in XLM-R, a second one would be out of range
        self.segments = getattr(model.config, "type_vocab_size", 0) > 1

    def forward(self, batch: Batch) -> Tensor:
        """Hidden states of the last layer, (rows, longest, width)."""
        return self.layers(batch, (-1,))[0]

    def first(self, batch: Batch) -> Tensor:
        """Hidden states of the last layer of each row's first token, (rows, width)."""
        if self.unpadded and not self.training:
            return first_states(self.model, batch)
        return self(batch)[:, 0]  # type: ignore[no-any-return]

    def layers(self, batch: Batch, wanted: Sequence[int]) -> list[Tensor]:
        """Hidden states of several layers; -1 is the last, 0 the embeddings."""
        if self.unpadded and not self.training:
            return hidden_states(self.model, batch, wanted)
        segments = {"token_type_ids": batch.segments} if self.segments else {}
        inner = any(layer != -1 for layer in wanted)
        # the model counts positions itself, from the padded ids: XLM-R's start behind its padding token's
        out = self.model(batch.ids, attention_mask=batch.mask.long(), output_hidden_states=inner, **segments)
        return [out.last_hidden_state if layer == -1 else out.hidden_states[layer] for layer in wanted]


class Pretrained:
    """The backbone of one specification.

    Raises:
        HarnessError: the checkpoint cannot be had, or reads fewer tokens than the specification wants.
    """

    def __init__(self, spec: ModelSpec, cache: Path) -> None:
        self.spec = spec
        self.cache = cache
        self.prefix = str(spec.options.get("prefix", ""))
        self.place, self.revision = located(spec.checkpoint, spec.revision)
        config = _read(AutoConfig, self.place, self.revision)
        self.width = int(config.hidden_size)
        room = positions(config)
        if spec.max_length > room:
            raise HarnessError(
                f"model {spec.name} reads at most {room} tokens a row, not {spec.max_length}: "
                f"pass model.max_length={room}"
            )
        self.depth = int(config.num_hidden_layers)
        if not -1 <= spec.layer <= self.depth:
            raise HarnessError(
                f"model {spec.name} has {self.depth} layers, and so no layer {spec.layer}: "
                f"1 to {self.depth}, 0 for the embeddings, -1 or last for the last"
            )
        if spec.pooling not in {"mean", "cls"}:
            raise HarnessError(f"model {spec.name}: pooling is {spec.pooling!r}, and must be 'mean' or 'cls'")

    @cached_property
    def tokenizer(self) -> Subwords:
        """Sub-words by the checkpoint's own tokenizer."""
        return _tokenizer(self.place, self.revision, self.spec.checkpoint)

    @property
    def pad(self) -> int:
        """The tokenizer's padding token."""
        return self.tokenizer.pad

    def identity(self) -> Mapping[str, object]:
        """The hub's commit, or the digest of the folder."""
        if self.revision is not None:
            return {"revision": self.revision}
        return {"sha256": digest(Path(self.place), self.cache)}

    def build(self) -> Hidden:
        """A copy of the pretrained weights, in float32."""
        net = _weights(self.place, self.revision)
        return Hidden(copy.deepcopy(net), unpadded=_unpadded(net, self.pad))

    def table(self, tokens: Tokens) -> Tensor | None:  # noqa: ARG002
        """None: the network has a vocabulary."""
        return None

    def pooled(self, net: nn.Module, batch: Batch, views: Sequence[View]) -> Tensor:
        """The mean over all real tokens, special ones included, or the first token; of each layer that is wanted."""
        assert isinstance(net, Hidden)
        mask = batch.mask[..., None].float()
        layers = net.layers(batch, [view.layer for view in views])
        vectors = [
            states.float()[:, 0] if view.pooling == "cls" else (states.float() * mask).sum(1) / mask.sum(1)
            for view, states in zip(views, layers, strict=True)
        ]
        return torch.stack(vectors, dim=1)


@MODELS.add("encoder")
class Encoder(Neural):
    """Any encoder that ``AutoModel`` loads."""

    @cached_property
    def backbone(self) -> Pretrained:
        """The checkpoint that the specification names."""
        return Pretrained(self.spec, self.cache)

    def depth(self) -> int:
        """The layers of the checkpoint's network."""
        return self.backbone.depth

    def embed_views(
        self, corpora: Sequence[Corpus[Example]], views: Sequence[View], folder: Path | None = None
    ) -> list[list[NDArray[np.float32]]]:
        """What ``embed`` gives, in each of several views, from one forward pass."""
        return self._embedded(corpora, views, folder)


def positions(config: Any) -> int:
    """Tokens that a row may have."""
    # the RoBERTa family counts positions from behind the padding token's
    taken = (
        config.pad_token_id + 1 if config.model_type in {"camembert", "roberta", "xlm-roberta", "xlm-roberta-xl"} else 0
    )
    return int(config.max_position_embeddings) - taken


@lru_cache(maxsize=2)
def _weights(place: str, revision: str | None) -> nn.Module:
    """The network, loaded once in a process."""
    # an explicit dtype: `auto` takes whatever the checkpoint happens to be stored in
    with _quiet(), torch.random.fork_rng():
        # whether weights are loaded or were loaded before must not show in what is drawn afterwards
        torch.manual_seed(0)
        net, info = _read(AutoModel, place, revision, dtype=torch.float32, output_loading_info=True)
    # the pooler is not used here, and many checkpoints come without it
    missing = [name for name in info["missing_keys"] if "pooler" not in name]
    if missing:
        raise HarnessError(
            f"{place}: weights are missing for {len(missing)} parameters, {min(missing)} first; "
            f"they would be random. Is config.json that of these weights?"
        )
    found: nn.Module = net
    return found.eval()


@lru_cache(maxsize=2)
def _tokenizer(place: str, revision: str | None, name: str) -> Subwords:
    """The tokenizer, loaded once in a process."""
    return Subwords(_read(AutoTokenizer, place, revision), name)


@lru_cache(maxsize=2)
def _unpadded(net: nn.Module, pad: int) -> bool:
    """Whether padding may be left out, compared once in a process."""
    return same(net, pad)


def _read(kind: Any, place: str, revision: str | None, **settings: object) -> Any:
    try:
        return kind.from_pretrained(place, revision=revision, **settings)
    except (OSError, ValueError) as error:
        raise HarnessError(f"model checkpoint {place!r} cannot be read: {error}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Loading without the library's report, whose content is checked here, and without bars where nobody watches."""
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    if not sys.stderr.isatty():
        logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        logging.enable_progress_bar()
