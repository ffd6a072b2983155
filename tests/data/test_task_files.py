"""The declarations of the real tasks, without their data."""

from importlib import resources

import pytest

from harness import build
from harness.data.readers import READERS
from harness.options import Options
from harness.tasktype import TASK_TYPES

OPTIONS = Options()
NAMES = [name for name in OPTIONS.names("task") if not name.startswith("mini_")]


@pytest.mark.parametrize("name", NAMES)
def test_a_task_is_complete(name):
    task = build.task(name, OPTIONS.read("task", name), OPTIONS)
    assert task.languages
    assert task.metrics
    assert task.licence
    assert task.citation
    assert task.type in TASK_TYPES
    assert task.parts or task.files
    assert task.train in ("", *NAMES)
    for one in task.parts or (task,):
        assert one.files.reader in READERS
        assert "test" in one.splits


@pytest.mark.parametrize("name", NAMES)
def test_a_file_opens_with_its_command_and_stays_short(name):
    lines = resources.files("conf").joinpath("task", f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith(f"# harness run task={name} ")
    listed = next((i for i, line in enumerate(lines) if line.startswith("languages:")), None)
    if listed is not None:
        end = next(i for i, line in enumerate(lines) if i >= listed and line.endswith(("]", "}")))
        del lines[listed : end + 1]
    assert len(lines) <= 25
