"""Multiply-adds of an encoder's matrix products, counted from its shape."""

from __future__ import annotations

from harness.engine.tokens import Ints


def flops(lengths: Ints, width: int, layers: int, inner: int, *, first_only: bool) -> float:
    """Floating-point operations of all products over rows of these lengths, two a multiply-add, padding not counted.

    Args:
        lengths: tokens of each row.
        width: of a hidden state.
        layers: of the encoder.
        inner: width between the two products of a layer's second half.
        first_only: whether the last layer computes the first token of each row alone, keys and values apart.
    """
    tokens, pairs, rows = float(lengths.sum()), float((lengths.astype(float) ** 2).sum()), float(len(lengths))
    linear, attended = 4 * width**2 + 2 * width * inner, 2 * width
    if not first_only:
        return 2 * layers * (tokens * linear + pairs * attended)
    keys = 2 * width**2
    last = tokens * keys + rows * (linear - keys) + tokens * attended
    return 2 * ((layers - 1) * (tokens * linear + pairs * attended) + last)
