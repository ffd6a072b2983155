"""A vocabulary cut down to what a training run reads: of XLM-R's 250,002 rows a step needs no pass over the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from harness.engine.tokens import Ints


class Rows(nn.Module):
    """Some rows of an embedding table, called as the whole of it is."""

    def __init__(self, whole: nn.Embedding, rows: Ints) -> None:
        super().__init__()
        kept = torch.from_numpy(rows).to(whole.weight.device)
        # no token reads the last row: it has no gradient, so that only decay moves it, as it would the rows left out
        self.weight = nn.Parameter(torch.cat([whole.weight.detach()[kept], torch.ones_like(whole.weight[:1])]))
        place = torch.full((whole.num_embeddings,), -1, device=kept.device)
        place[kept] = torch.arange(len(rows), device=kept.device)
        self.register_buffer("kept", kept, persistent=False)
        self.register_buffer("place", place, persistent=False)
        self.padding = None if whole.padding_idx is None else int(place[whole.padding_idx])

    def forward(self, ids: Tensor) -> Tensor:
        """Their vectors; a token that is not among the rows is an error."""
        return nn.functional.embedding(self.place[ids], self.weight, self.padding)  # type: ignore[index]

    @torch.no_grad()
    def put_back(self, whole: nn.Embedding) -> None:
        """Makes of the whole table what training all of it would have made of it."""
        whole.weight *= self.weight[-1, 0]
        whole.weight[self.kept] = self.weight[:-1]  # type: ignore[index]


@contextmanager
def cut_down(net: nn.Module, read: Iterable[Ints]) -> Iterator[None]:
    """Trains, inside, only those rows of the network's vocabulary that are read; what comes out is the same.

    A row without a gradient is moved by weight decay alone, and AdamW decays all rows by the same factor.

    Args:
        net: left as it is where it has no plain table of tokens.
        read: every token that goes through the network inside, padding included; repetitions do not matter.
    """
    # the library's own way to a model's table of tokens
    model: Any = next((part for part in net.modules() if hasattr(part, "get_input_embeddings")), None)
    whole = None if model is None else model.get_input_embeddings()
    if not (type(whole) is nn.Embedding and whole.weight.requires_grad and whole.max_norm is None and not whole.sparse):
        yield
        return
    marked = np.zeros(whole.num_embeddings, dtype=bool)
    for tokens in read:
        marked[tokens] = True
    if whole.padding_idx is not None:
        marked[whole.padding_idx] = True
    rows = Rows(whole, np.flatnonzero(marked))
    model.set_input_embeddings(rows)
    try:
        yield
    finally:
        model.set_input_embeddings(whole)
    rows.put_back(whole)
