"""What a network must offer to be fine-tuned and to embed: tokens in, hidden states out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from torch import Tensor, nn

from harness.engine.batches import Batch
from harness.engine.tokenizer import Tokenizer
from harness.engine.tokens import Tokens
from harness.models.base import View


class Backbone(Protocol):
    """A pretrained network and its tokenizer."""

    @property
    def tokenizer(self) -> Tokenizer:
        """What makes the tokens."""

    @property
    def pad(self) -> int:
        """The token that rows are filled up with."""

    @property
    def width(self) -> int:
        """Of a hidden state."""

    @property
    def prefix(self) -> str:
        """Text before every sentence that is embedded."""

    def identity(self) -> Mapping[str, object]:
        """What changes numbers beyond the specification."""

    def build(self) -> nn.Module:
        """A copy of the network, for the caller to train; called with a ``Batch``, it gives (rows, longest, width)."""

    def table(self, tokens: Tokens) -> Tensor | None:
        """Vectors of the token types, (types, features), or None where tokens are entries of a vocabulary."""

    def pooled(self, net: nn.Module, batch: Batch, views: Sequence[View]) -> Tensor:
        """One vector a row and view, (rows, views, width), by a network that ``build`` gave."""
