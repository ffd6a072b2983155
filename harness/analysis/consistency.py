"""Whether a search ranks the answer of one query alike in every language, which no score of one language can see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.analysis.result import Result, slug
from harness.errors import HarnessError
from harness.metrics.base import parse_signature
from harness.retrieval.consistency import of_job

if TYPE_CHECKING:
    from harness.spec import TaskSpec
    from harness.storage.store import Store

BIAS = "language_bias"
ABOUT = (
    "rank variance: of one query's rank over languages, mean over queries; 0 where all languages agree, also where "
    "they agree on a poor rank: read it beside the score"
)


@dataclass(frozen=True, slots=True)
class Search:
    """A stored job of a task whose languages share their queries."""

    task: TaskSpec
    model: str
    source: str
    seed: int
    predict_key: str

    @property
    def key(self) -> dict[str, Any]:
        """The columns that name it in a table."""
        return {"task": self.task.name, "model": self.model, "source": self.source, "seed": self.seed}


def consistencies(searches: Sequence[Search], store: Store) -> Result:
    """Tables ``consistency``, a row a job, and ``language_bias``, a row a job and target of tasks that measure it."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    biases: list[dict[str, Any]] = []
    notes: list[str] = [ABOUT]
    for search in searches:
        name = f"{search.task.name}, {search.model}, {search.source}"
        try:
            found = of_job(store, search.task, search.predict_key)
        except HarnessError as error:
            notes.append(f"{name}: no rank variance: {error}")
            continue
        bounds = [np.nan if bound is None else bound for bound in (found.low, found.high)]
        facts = {"queries": found.queries, "languages": len(found.languages)}
        rows.append(search.key | {"rank_variance": found.variance, "low": bounds[0], "high": bounds[1]} | facts)
        biases += [search.key | row for row in _biases(search, store)]
    table, bias = pd.DataFrame(rows), pd.DataFrame(biases)
    metrics: dict[str, float] = {}
    for what, frame, value in (("rank_variance", table, "rank_variance"), (BIAS, bias, "score")):
        if len(frame):
            for (task, model), of in frame.groupby(["task", "model"], sort=True)[value]:
                metrics[f"consistency.{slug(str(task))}.{slug(str(model))}.{what}"] = float(of.mean())
    return Result("consistency", {"consistency": table, BIAS: bias}, metrics, tuple(notes))


def _biases(search: Search, store: Store) -> list[dict[str, Any]]:
    found = []
    for target in store.targets(search.task.name, search.predict_key):
        cell = store.read_cell(search.task.name, search.predict_key, target)
        for signature, score in (cell.scores if cell else {}).items():
            if parse_signature(signature)[0] == BIAS:
                found.append({"target": target, **score})
    return found
