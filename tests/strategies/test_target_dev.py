"""Selecting checkpoints on the target's dev set: a job a target, another key, tagged, and kept off boards."""

from __future__ import annotations

import pytest

from harness.board import board
from harness.errors import HarnessError
from harness.runner import run
from harness.strategies.base import selections, touches
from harness.suites import read_suite
from harness.sweep.compose import sweep
from harness.sweep.options import Options
from harness.sweep.plan import plan

SMALL = ("task=mini_pos", "model=lexical", "source=eng", "target=deu,eng,fin", "limit=20", "tracking=none")


def planned(folder, *more):
    return plan(sweep([*SMALL, *more, f"results={folder}"], multirun=True))


def test_every_target_is_a_job_of_its_own_and_keys_differ(tmp_path):
    found = planned(tmp_path, "select=last,source_dev,target_dev")
    by = {}
    for one in found.jobs:
        by.setdefault(one.job.training.select, []).append(one)
    assert [one.job.targets for one in by["last"]] == [("deu", "eng", "fin")]
    assert [one.job.targets for one in by["source_dev"]] == [("deu", "eng", "fin")]
    assert [one.job.targets for one in by["target_dev"]] == [("deu",), ("eng",), ("fin",)]
    assert len({one.train_key for one in found.jobs}) == len({one.predict_key for one in found.jobs}) == 5
    assert {touches(one.job) for one in by["target_dev"]} == {"dev"}
    assert {touches(one.job) for one in by["last"] + by["source_dev"]} == {"none"}


def test_the_record_is_tagged_and_no_board_shows_it(tmp_path):
    found = planned(tmp_path, "select=target_dev", "limit=null", "train.epochs=2")
    assert [run(one.job, found.setting).status for one in found.jobs] == ["done"] * 3
    store = found.setting.store
    assert {cell.touches for cell in store.cells()} == {"dev"}
    record = store.read_job("mini_pos", found.jobs[0].predict_key)
    assert set(record.spec["train"]["data"]) == {"eng/train", "deu/dev"}
    assert [point["name"] for point in record.curves].count("dev") == 2
    mini = board(store, read_suite("mini", Options()), store.frame(), Options())
    assert mini.rows == ()
    assert any("looked at the targets' dev" in why for why in mini.left_out)


def test_few_shot_from_such_a_checkpoint_is_tagged_too(tmp_path):
    found = planned(tmp_path, "select=target_dev", "strategy=few_shot", "strategy.shots=2")
    assert found.jobs
    for one in found.jobs:
        assert selections(one.job) == {"target_dev", "last"}
        assert touches(one.job) == "dev"


def test_what_is_not_trained_selects_nothing(tmp_path):
    found = planned(tmp_path, "task=mini_retrieval", "select=target_dev", "target=deu,fin")
    (one,) = found.jobs
    assert (one.job.targets, touches(one.job)) == (("deu", "fin"), "none")


def test_targets_without_a_dev_set_do_not_apply(tmp_path):
    root = tmp_path / "data"
    root.mkdir()
    for name in ("fao-train.txt", "fao-test.txt", "isl-test.txt", "isl-dev.txt"):
        (root / name).write_text("".join(f"w{i}{name} O\n\n" for i in range(4)))
    conf = tmp_path / "conf" / "task"
    conf.mkdir(parents=True)
    (conf / "north.yaml").write_text(
        "type: ner\nlanguages: [fao, isl]\nlabels: [PER]\n"
        'files: {reader: conll, path: "{code}-{split}.txt", options: {delimiter: whitespace, word: 0, tag: 1}}\n'
        "splits: {train: train, dev: dev, test: test}\n"
        'metrics: ["span_f1|mode:strict|scheme:IOB2"]\nlicence: none\ncitation: none\n'
    )
    asked = [
        "task=north", "model=lexical", "source=fao", "target=all", "select=target_dev", f"data.root={root}",
        f"results={tmp_path / 'r'}", "tracking=none",
    ]  # fmt: skip
    found = plan(sweep(asked, multirun=True, config_dir=str(tmp_path / "conf")))
    assert [one.job.targets for one in found.jobs] == [("isl",)]
    assert list(found.skipped) == ["no dev split of north in the target to select by"]


def test_a_selection_that_there_is_not_is_refused(tmp_path):
    with pytest.raises(HarnessError, match="did you mean 'target_dev'"):
        planned(tmp_path, "select=target")
