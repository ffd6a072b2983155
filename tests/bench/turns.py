"""Seconds that several ways of doing the same thing take, each in its turn, so that a busy machine slows all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

Answer = TypeVar("Answer")


def in_turn(ways: Mapping[str, Callable[[], Answer]], rounds: int) -> tuple[dict[str, float], dict[str, Answer]]:
    """Median seconds of each, and what each answered last."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    answers: dict[str, Answer] = {}
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            answers[name] = way()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(taken) for name, taken in seconds.items()}, answers
