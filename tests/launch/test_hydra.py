"""What Hydra's launchers are given: the jobs that are missing, and not composed a second time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.launch import run as launch
from harness.runner import run
from harness.sweep.compose import sweep
from harness.sweep.plan import plan

WORDS = ["task=mini_ner", "model=majority", "target=eng", "tracking=none", "analysis=none"]


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The overrides of every job that Hydra hands to joblib, which begins none of them."""
    from hydra_plugins.hydra_joblib_launcher import _core

    found: list[list[str]] = []

    def nothing(job_overrides: Sequence[Sequence[str]], **_: object) -> list[Any]:
        found.extend(map(list, job_overrides))
        return []

    monkeypatch.setattr(_core, "launch", nothing)
    return found


def test_only_what_is_missing_is_launched_though_it_is_no_product(tmp_path: Path, launched: list[list[str]]) -> None:
    words = [*WORDS, f"results={tmp_path}"]
    for one in ("source=eng", "source=deu"):
        done = plan(sweep([*words, one, f"seed={int(one == 'source=deu')}"], multirun=False))
        run(done.jobs[0].job, done.setting)
    assert launch.run(["-m", *words, "source=eng,deu", "seed=0,1", "hydra/launcher=joblib"]) == launch.DONE
    assert [[word for word in one if word[:5] in ("sourc", "seed=")] for one in launched] == [
        ["source=eng", "seed=1"],
        ["source=deu", "seed=0"],
    ]


def test_the_driver_composes_no_job_that_the_plan_has_composed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, launched: list[list[str]]
) -> None:
    """It takes 0.1 s a job, before the first of them begins."""
    from hydra._internal.config_loader_impl import ConfigLoaderImpl

    compose, composed = ConfigLoaderImpl.load_configuration, list[object]()

    def counted(*given: Any, **named: Any) -> Any:
        composed.append(given)
        return compose(*given, **named)

    monkeypatch.setattr(ConfigLoaderImpl, "load_configuration", counted)
    words = ["-m", *WORDS, f"results={tmp_path}", "source=eng,deu", "hydra/launcher=joblib"]
    launch.run([*words, "seed=0"])
    few = len(composed)
    launch.run([*words, "seed=1,2,3,4,5"])
    assert len(launched) == 2 + 10
    assert len(composed) - few <= few + 2  # an option more, not a job more
