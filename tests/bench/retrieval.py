"""Retrieval of translations from given embeddings, beside faiss; and 100,000 sentences a side, with their memory.

``python -m tests.bench.retrieval`` measures the latter alone and prints seconds and bytes: a process of its own, whose
peak is nobody else's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import faiss
import numpy as np
from numpy.typing import NDArray

from harness.engine.device import workers
from harness.engine.similarity import SIMILARITIES, aligned_ranks
from harness.machine import cores
from tests.bench.turns import in_turn

PAIRS, SENTENCES, WIDTH = 112, 1_000, 384
MANY = int(os.environ.get("BENCH_MANY", "100000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
ASKED = ("cosine", "margin", "csls")

Sides = tuple[NDArray[np.float32], NDArray[np.float32]]
Right = NDArray[np.bool_]
"""Whether a sentence found its translation, (pairs, measures, directions, sentences)."""


def rows() -> list[tuple[str, float, str, str]]:
    """Ratios of the medians over interleaved rounds, how far the answers agree, and the memory of a large search."""
    pairs = [_pair(seed, SENTENCES, 0.7 + 0.5 * seed / PAIRS) for seed in range(PAIRS)]
    ways: dict[str, Callable[[], Right]] = {"harness": partial(_ours, pairs), "faiss": partial(_faiss, pairs)}
    if peer := _mteb():
        ways["mteb, cosine and forward alone"] = partial(peer, pairs)
    for way in ways.values():
        way.func(pairs[:2])  # type: ignore[attr-defined]  # imports and threads are nobody's search
    seconds, right = in_turn(ways, ROUNDS)
    ours, theirs = right["harness"], right["faiss"]
    found = [(f"retrieval of {PAIRS} pairs, {name}", taken, "s", "-") for name, taken in seconds.items()]
    goals = {"faiss": ">= 3"}
    found += [
        (f"the same, harness over {name}", taken / seconds["harness"], "x", goals.get(name, "-"))
        for name, taken in list(seconds.items())[1:]
    ]
    differ = ours != theirs
    found += [
        (
            f"sentences that faiss answers otherwise, by {name}",
            float(differ[:, i].sum()),
            f"of {differ[:, i].size}",
            few,
        )
        for i, (name, few) in enumerate(zip(ASKED, ("0", "few", "few"), strict=True))
    ]
    large = subprocess.run([sys.executable, "-m", "tests.bench.retrieval"], check=True, stdout=subprocess.PIPE)
    taken, peak = json.loads(large.stdout)
    found.append((f"{MANY:,} x {MANY:,}, three measures both ways", taken, "s", "-"))
    found.append(("memory of that process at its peak", peak / 2**30, "GiB", "<= 4"))
    return found


def _pair(seed: int, sentences: int, noise: float) -> Sides:
    """Two sides that share a meaning, unit vectors; a mean that is not 0 makes hubs, as real encoders have them."""
    draw = np.random.default_rng(seed)
    meaning = draw.standard_normal((sentences, WIDTH), np.float32) + 0.5
    one, other = (meaning + 2 * noise * draw.standard_normal((sentences, WIDTH), np.float32) for _ in range(2))
    return one / np.linalg.norm(one, axis=1, keepdims=True), other / np.linalg.norm(other, axis=1, keepdims=True)


def _ours(pairs: list[Sides]) -> Right:
    return np.array([[np.array(aligned[name]) == 1 for name in ASKED] for aligned in _aligned(pairs)])


def _aligned(pairs: list[Sides]) -> list[dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]]:
    with workers(cores()) as pool:  # as the harness has it: a thread, a pair
        return list(pool.map(lambda sides: aligned_ranks(*sides, ASKED)[0], pairs))


def _faiss(pairs: list[Sides]) -> Right:
    """A search for each direction and measure; what neighbourhoods change is looked for among the neighbours found."""
    right = np.empty((len(pairs), len(ASKED), 2, SENTENCES), dtype=bool)
    for pair, sides in enumerate(pairs):
        for measure, name in enumerate(ASKED):
            one = SIMILARITIES[name]
            searched = [_searched(*way, max(1, one.neighbours)) for way in (sides, sides[::-1])]
            means = [cosines.mean(axis=1) for cosines, _ in searched]
            for way, (cosines, near) in enumerate(searched):
                scores = one.score(cosines, means[way][:, None], means[1 - way][near])
                best = near[np.arange(SENTENCES), scores.argmax(axis=1)]
                right[pair, measure, way] = best == np.arange(SENTENCES)
    return right


def _searched(
    queries: NDArray[np.float32], candidates: NDArray[np.float32], k: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    index = faiss.IndexFlatIP(WIDTH)
    index.add(candidates)
    cosines, near = index.search(queries, k)
    return cosines, near


def _mteb() -> Callable[[list[Sides]], Right] | None:
    """The search of mteb's evaluation of bitexts, given embeddings, where mteb is installed."""
    try:
        from mteb._evaluators import BitextMiningEvaluator
        from mteb.similarity_functions import cos_sim
    except ImportError:
        return None
    evaluator, model = object.__new__(BitextMiningEvaluator), SimpleNamespace(similarity=cos_sim)

    def search(pairs: list[Sides]) -> Right:
        found = [[one["corpus_id"] for one in evaluator._similarity_search(*sides, model)] for sides in pairs]
        return np.array(found) == np.arange(SENTENCES)

    return search


def _large() -> tuple[float, int]:
    """Seconds of a search among many, and bytes of this process at its peak."""
    sides = _pair(0, MANY, 1.0)
    start = time.perf_counter()
    aligned_ranks(*sides, ASKED)
    seconds = time.perf_counter() - start
    # what the kernel kept of this process alone; that of getrusage begins with its parent's
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return seconds, int(status["VmHWM"].split()[0]) * 1024


if __name__ == "__main__":
    print(json.dumps(_large()))
