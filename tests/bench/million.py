"""A store of many cells, made up: what planning, the report and other verbs take on it.

``python -m tests.bench million`` measures 10,000 cells in a folder that it removes; ``BENCH_CELLS`` says how many
(10000, 100000, 1000000), ``BENCH_FOLDER`` where they stay. ``python -m tests.bench.million FOLDER CELLS`` makes the
store alone, with tables of examples where ``EXAMPLES`` says how many a cell; without them a report has no marks and no
paired intervals.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd

from harness.languages import languages
from harness.recording import Progress, write_job
from harness.scoring import metrics_of, signatures
from harness.spec import TaskSpec
from harness.storage.examples_table import write_examples
from harness.storage.records import CellRecord, Score, to_json
from harness.storage.store import Store
from harness.sweep.compose import sweep
from harness.sweep.keyed import Keyed
from harness.sweep.plan import plan

Row = tuple[str, float, str, str]

CELLS = int(os.environ.get("BENCH_CELLS", "10000"))
FOLDER = os.environ.get("BENCH_FOLDER")
EXAMPLES = int(os.environ.get("EXAMPLES", "0"))
LABELS = {"ner": ["PER", "LOC", "ORG"], "pos": ["NOUN", "VERB", "X"], "nli": ["entailment", "neutral", "contradiction"]}
METRICS = {"ner": "span_f1|mode:strict|scheme:IOB2", "pos": "accuracy", "nli": "accuracy"}
FLOORS = ("majority", "chance")


@dataclass(frozen=True, slots=True)
class Size:
    """A sweep: models x tasks x sources x seeds, each on all targets."""

    models: int
    tasks: int
    sources: int
    seeds: int
    targets: int

    @property
    def cells(self) -> int:
        """Of the whole sweep."""
        return self.models * self.tasks * self.sources * self.seeds * self.targets


SIZES = {10_000: Size(6, 3, 5, 2, 56), 100_000: Size(10, 5, 12, 3, 56), 1_000_000: Size(30, 10, 20, 3, 56)}


def rows() -> list[Row]:
    """Seconds and gigabytes of each verb on the store, and how large the report is."""
    size = SIZES[CELLS]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(FOLDER or temporary)
        if not (folder / "results").exists():
            make(folder, size)
        asked = ["-m", "--config-dir", f"{folder}/conf", *_overrides(folder, size)]
        verbs = {
            "plan": ["plan", *asked],
            "run, all done, without its analysis": ["run", *asked, "analysis=none"],
            "report": ["report", *_place(folder), "--out", f"{folder}/report"],
            "scores --csv": ["scores", "--results", f"{folder}/results", "--csv"],
            "status": ["status", "--results", f"{folder}/results"],
        }
        goals = {"plan": "<= 60", "run, all done, without its analysis": "-", "report": "<= 180"}
        found: list[Row] = []
        for name, arguments in verbs.items():
            seconds, peak = _measured(arguments, folder)
            what = f"{size.cells:,} cells: {name}"
            found += [(what, seconds, "s", goals.get(name, "-")), (what, peak, "GB of memory", "-")]
        pages = [path.stat().st_size for path in (folder / "report").rglob("*") if path.is_file()]
        return [
            *found,
            (f"{size.cells:,} cells: the report", sum(pages) / 1e6, "MB", "-"),
            (f"{size.cells:,} cells: its largest file", max(pages) / 1e6, "MB", "-"),
        ]


def make(folder: Path, size: Size, examples: int = 0) -> None:
    """Writes data, configuration and the results of a sweep, all of it synthetic; tables only where there are examples.

    Records are real ones, byte for byte what a run would leave; nothing is forced to the disk.
    """
    _configure(folder, size)
    planned = plan(sweep(_overrides(folder, size), multirun=True, config_dir=str(folder / "conf")))
    jobs = [one for one in planned.jobs if one.predict_key in planned.open]
    parts = [(folder, jobs[start::100], examples) for start in range(100)]
    with patch("os.fsync"), ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("fork")) as pool:
        for _ in pool.map(_fill, *zip(*parts, strict=True)):
            pass


def _overrides(folder: Path, size: Size) -> list[str]:
    codes = _codes(size)
    return [
        f"task={','.join(f'task_{t:02}' for t in range(size.tasks))}",
        f"model={','.join(_models(size))}",
        f"source={','.join(codes[: size.sources])}",
        "target=all",
        f"seed={','.join(map(str, range(size.seeds)))}",
        "tracking=none",
        f"data.root={folder}/data",
        f"results={folder}/results",
    ]


def _place(folder: Path) -> list[str]:
    return ["--results", f"{folder}/results", "--config-dir", f"{folder}/conf"]


def _codes(size: Size) -> list[str]:
    return sorted(code for code, one in languages().items() if one.family)[: size.targets]


def _models(size: Size) -> list[str]:
    return [*(f"model_{m:02}" for m in range(size.models - len(FLOORS))), *FLOORS]


def _configure(folder: Path, size: Size) -> None:
    """Tasks, models and a suite of them, and small files of data."""
    codes = _codes(size)
    for group in ("task", "model", "suite"):
        (folder / "conf" / group).mkdir(parents=True, exist_ok=True)
    for m, name in enumerate(_models(size)[: -len(FLOORS)]):
        text = f"family: lexical\noptions: {{dimensions: {100 + m}}}\ntraining: {{learning_rate: 1.0, epochs: 10}}\n"
        (folder / "conf" / "model" / f"{name}.yaml").write_text(text)
    kinds = list(LABELS)
    for t in range(size.tasks):
        kind = kinds[t % len(kinds)]
        columns = "reader: tsv, options: {columns: {first: 0, second: 1, label: 2}, header: false}"
        reader = columns if kind == "nli" else "reader: conll, options: {word: 0, tag: 1}"
        (folder / "conf" / "task" / f"task_{t:02}.yaml").write_text(
            f"type: {kind}\nlanguages: {json.dumps(codes)}\nlabels: {json.dumps(LABELS[kind])}\n"
            f"splits: {{train: train, test: test}}\nfiles: {{path: '{kind}/{{code}}-{{split}}.txt', {reader}}}\n"
            f"metrics: ['{METRICS[kind]}']\nprovenance: synthetic\nprotocol: {{epochs: 10, batch_size: 16}}\n"
        )
    names = "".join(f"  task_{t:02}: null\n" for t in range(size.tasks))
    (folder / "conf" / "suite" / "million.yaml").write_text(f"name: million\ntasks:\n{names}")
    for kind, labels in LABELS.items():
        (folder / "data" / kind).mkdir(parents=True, exist_ok=True)
        for code in codes:
            for split in ("train", "test"):
                tag = f"B-{labels[0]}" if kind == "ner" else labels[0]
                text = f"{code}\t{split}\t{tag}\n" if kind == "nli" else f"{code}{split} {tag}\n\n"
                (folder / "data" / kind / f"{code}-{split}.txt").write_text(text)


def _fill(folder: Path, jobs: Sequence[Keyed], examples: int) -> None:
    """The records of some jobs, as a run would leave them."""
    store = Store(folder / "results")
    codes = sorted(languages())
    tables: dict[tuple[str, str, int], tuple[bytes, str]] = {}
    for one in jobs:
        job, here = one.job, store.folder(one.job.task.name, one.predict_key)
        here.mkdir(parents=True, exist_ok=True)
        names = signatures(job.task)
        draw = np.random.default_rng(int(one.predict_key, 16))
        for target, (data, key) in one.cells.items():
            table = ""
            if examples:
                kind = job.task.name, target, int(draw.integers(8))
                tables[kind] = tables.get(kind) or _table(folder, job.task, names, kind, examples)
                content, table = tables[kind]
                (here / f"{target}.examples.parquet").write_bytes(content)
            level = _level(job.model.name, job.task.name, job.sources[0], target, codes) + draw.normal(0, 0.01)
            record = CellRecord(
                cell_key=key, predict_key=one.predict_key, train_key=one.train_key, task=job.task.name,
                task_version=job.task.version, model=job.model.name, strategy=job.strategy, sources=job.sources,
                target=target, seed=job.seed, shots=0, size=None, limit=None,
                scores={name: _score(level, draw) for name in names}, main_metric=names[0], n=examples or 2000,
                groups=examples or 2000, data=data, files=(f"{job.task.type}/{target}-test.txt",),
                provenance=job.task.provenance.value, touches="none", table=table or "0" * 64,
            )  # fmt: skip
            (here / f"{target}.json").write_bytes(to_json(record))
        write_job(one, store, folder / "data", Progress({"train": 30.0, "predict": 20.0, "score": 5.0}))


def _table(
    folder: Path, task: TaskSpec, names: Sequence[str], kind: tuple[str, str, int], examples: int
) -> tuple[bytes, str]:
    """One of the tables of examples that a target's cells have, and its sha256; ids and groups are the same in all."""
    draw = np.random.default_rng(kind[2])
    columns: dict[str, object] = {name: [str(i) for i in range(examples)] for name in ("example_id", "group_id")}
    columns |= {"gold": ["1"] * examples, "prediction": [str(i) for i in draw.integers(2, size=examples)]}
    for one in metrics_of(task, kind[1]):
        counts = draw.integers(1, 5, size=(examples, len(one.columns))).astype(float)
        columns |= {f"{one.signature}::{name}": np.sort(counts, axis=1)[:, i] for i, name in enumerate(one.columns)}
    path = folder / f"{os.getpid()}.parquet"
    digest = write_examples(path, pd.DataFrame(columns), examples)
    content = path.read_bytes()
    path.unlink()
    return content, digest


def _level(model: str, task: str, source: str, target: str, codes: Sequence[str]) -> float:
    """A score that depends on all four, and on how far apart the languages are; floors on the task alone."""
    if model in FLOORS:
        return 0.2 + 0.02 * (len(task) + FLOORS.index(model))
    apart = abs(codes.index(source) - codes.index(target)) / len(codes)
    return float(np.clip(0.55 + 0.01 * int(model[-2:]) - 0.01 * int(task[-2:]) - 0.3 * apart, 0.05, 0.95))


def _score(level: float, draw: np.random.Generator) -> Score:
    value = float(np.clip(level + draw.normal(0, 0.005), 0, 1))
    return Score(score=value, low=max(0.0, value - 0.02), high=min(1.0, value + 0.02))


# a process counts the memory of the one that it was forked from, which here has imported everything: hence one between
BETWEEN = """
import resource, subprocess, sys
status = subprocess.call([sys.executable, "-m", "harness", *sys.argv[1:]])
print(f"\\n{resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss}")
sys.exit(status)
"""


def _measured(arguments: Sequence[str], folder: Path) -> tuple[float, float]:
    """Seconds of a command, and gigabytes of memory that its process had at most."""
    said = folder / "said.txt"
    start = time.perf_counter()
    with said.open("w") as file:
        done = subprocess.run([sys.executable, "-c", BETWEEN, *arguments], stdout=file, stderr=file, check=False)
    seconds = time.perf_counter() - start
    text = said.read_text(encoding="utf-8")
    if done.returncode:
        raise RuntimeError(text[-2000:])
    return seconds, int(text.rsplit(maxsplit=1)[-1]) / 1e6


if __name__ == "__main__":
    make(Path(sys.argv[1]), SIZES[int(sys.argv[2])], EXAMPLES)
