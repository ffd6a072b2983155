"""The engine on a machine with torch, numpy and transformers, what these need, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution, distributions
from pathlib import Path

import numpy as np
import pytest
import torch
from packaging.requirements import Requirement
from transformers import XLMRobertaConfig

from tests.bench import gpu

REPO = Path(__file__).parents[2]


def needed(*names):
    """The distributions themselves and all that they require, extras left out."""
    found = {}
    wanted = [*names]
    while wanted:
        name = wanted.pop()
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue
        requirements = map(Requirement, found[name].requires or [])
        wanted += [r.name for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]
    return found.values()


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """An environment in which only these can be imported."""
    folder = tmp_path_factory.mktemp("site")
    for one in needed("torch", "numpy", "transformers"):
        for file in one.files or []:
            top = file.parts[0]
            if top != ".." and not (folder / top).exists():
                (folder / top).symlink_to(one.locate_file(top))
    (folder / "harness").symlink_to(REPO / "harness")
    (folder / "tests").symlink_to(REPO / "tests")
    return {**os.environ, "PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1", "OMP_NUM_THREADS": "1"}


def test_the_engine_is_there_where_nothing_else_is_and_its_benchmark_misses_the_gpu_alone(bare, tmp_path):
    assert {"pandas", "rapidfuzz", "scikit-learn"} <= {one.name.lower() for one in distributions()}
    modules = [f"harness.engine.{path.stem}" for path in (REPO / "harness/engine").glob("[!_]*.py")]
    code = f"import {', '.join(modules)}\nfrom tests.bench import gpu\ngpu.main()\nimport pandas"
    found = subprocess.run(
        # -S: the packages of this environment are not there
        [sys.executable, "-S", "-c", code],
        cwd=tmp_path,
        env=bare,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stderr.endswith("No module named 'pandas'\n"), found.stderr
    assert found.stdout.startswith("no CUDA GPU here: not yet measured\n")
    assert found.stdout.count("| not yet measured |") >= 3
    assert not (tmp_path / "results").exists()


def test_the_benchmark_of_a_gpu_measures_on_a_cpu_what_it_would_there(monkeypatch):
    monkeypatch.setattr(gpu, "ROUNDS", 1)
    monkeypatch.setattr(gpu, "find_spec", lambda name: None)  # Trainer's start-up is not what is tested
    config = XLMRobertaConfig(
        vocab_size=500, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=140, type_vocab_size=1, pad_token_id=1, num_labels=3,
    )  # fmt: skip
    found = {what: figure for what, figure, *_ in gpu.rows(torch.device("cpu"), config, 3, lambda: 1e12)}
    assert found["argmax agreement with fp32"] > 95
    assert found["evaluation bf16, over Trainer.predict, batch 32"] is None  # and not a number nobody measured
    assert found["evaluation bf16, products over the best one"] > 0
    assert all(figure is None or np.isfinite(figure) for figure in found.values())
