"""The catalogue: what every declared task says of itself, and that those with files at hand load from them."""

import dataclasses
import re
from importlib import resources

import pytest

from harness import scoring
from harness.data import hub
from harness.data.load import available, fingerprint, load
from harness.data.readers import READERS
from harness.errors import DataError, HarnessError
from harness.spec import Provenance
from harness.sweep import build
from harness.sweep.options import Options
from harness.sweep.selection import sources, targets
from harness.tasktype import TASK_TYPES

OPTIONS = Options()
TASKS = OPTIONS.names("task")
NAMES = [name for name in TASKS if not name.startswith("mini_")]

# every benchmark that the suites and the papers of the field need, by its task
WANTED = """
xnli pawsx udpos panx xquad mlqa tydiqa bucc2018 tatoeba xcopa lareqa mewslix uner masakhaner1 masakhaner2 turku
americasnli kornli indonli pud_pos pud_bitext ntrex masakhapos wikiann multiconer2 flores200 sib200 taxi1500 semrel2024
mlqa_cross xglue_ner xglue_pos xglue_nc xglue_qadsm xglue_wpr xglue_qam kinnews kirnews farstail xnli2 squad mnli copa
siqa xnli_dev pawsx_dev panx_dev xquad_articles xcopa_dev
"""
PIN = re.compile(r"revision: [0-9a-f]{40} +# \S")
UNPINNED = re.compile(r"revision: (null|refs/\S+)\}* +# unpinned: \S")


def spec(name):
    return build.task(name, OPTIONS.read("task", name), OPTIONS)


def text_of(name):
    return resources.files("conf").joinpath("task", f"{name}.yaml").read_text(encoding="utf-8")


def test_no_benchmark_is_missing():
    assert not set(WANTED.split()) - set(TASKS)


@pytest.mark.parametrize("name", NAMES)
def test_a_task_is_complete(name):
    task = spec(name)
    assert task.languages
    assert task.metrics
    assert task.licence
    assert task.citation
    assert task.type in TASK_TYPES
    assert task.parts or task.files
    assert task.train in ("", *NAMES)
    assert task.local in ("", *NAMES)
    for one in task.parts or (task,):
        assert one.files.reader in READERS
        assert "test" in one.splits
        if one.hub is not None:
            named = {*one.hub.configs, *one.hub.without, *(code for codes in one.hub.only.values() for code in codes)}
            assert named <= set(one.languages.values())


@pytest.mark.parametrize("name", TASKS)
def test_every_metric_of_a_task_is_known(name):
    assert scoring.signatures(spec(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_revision_is_pinned_with_its_source_or_unpinned_with_a_reason(name):
    said = [line for line in text_of(name).splitlines() if "revision:" in line]
    assert len(said) == (spec(name).hub is not None)
    assert all(PIN.search(line) or UNPINNED.search(line) for line in said)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_opens_with_its_command_and_stays_short(name):
    lines = text_of(name).splitlines()
    assert lines[0].startswith(f"# harness run task={name} ")
    listed = next((i for i, line in enumerate(lines) if line.startswith("languages:")), None)
    if listed is not None:
        end = next(i for i, line in enumerate(lines) if i >= listed and line.endswith(("]", "}")))
        del lines[listed : end + 1]
    assert len(lines) <= 25
    assert max(map(len, lines)) <= 121


def test_silver_annotations_are_marked():
    silver = {name for name in NAMES if spec(name).provenance is Provenance.SILVER}
    assert silver == {"panx", "panx_dev", "wikiann", "multiconer2"}


@pytest.mark.parametrize("name", [name for name in NAMES if spec(name).checked != "format_only"])
def test_what_was_checked_on_files_has_files(name, real_data):
    task = spec(name)
    language = available(task, "test", real_data)[0]
    beside = next((code for code in available(task, "test", real_data) if code != language), "")
    assert len(load(task, language, "test", real_data, beside))


@pytest.mark.parametrize("name", [name for name in NAMES if spec(name).checked == "format_only"])
def test_what_was_not_checked_on_files_has_none(name, real_data, monkeypatch):
    monkeypatch.setattr(hub, "online", lambda: False)
    monkeypatch.setattr(hub, "_fetched", lambda path: None)
    assert available(spec(name), "test", real_data) == ()


@pytest.mark.parametrize("name", [name for name in NAMES if spec(name).local])
def test_where_there_is_nothing_the_task_that_runs_is_named(name, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise ConnectionError("no way out")

    monkeypatch.setattr(hub, "online", lambda: False)
    monkeypatch.setattr(hub, "_stay_offline", lambda: None)
    monkeypatch.setattr("datasets.load_dataset", refuse)
    task, language = spec(name), next(iter(spec(name).languages))
    config = {"source": language, "target": language, "languages": {}}
    for nothing in (
        lambda: targets(config, task, tmp_path, OPTIONS),
        lambda: sources(config, task, build.trained_on(task, OPTIONS), False, tmp_path, OPTIONS),
    ):
        with pytest.raises(HarnessError, match=f"; task={task.local} runs from other files"):
            nothing()
    for one in (task, dataclasses.replace(task, hub=None)):
        with pytest.raises(DataError, match=f"The task {task.local} runs from other files"):
            load(one, language, "test", tmp_path)


def test_what_is_missing_is_named_with_its_files_and_where_else_it_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "online", lambda: False)
    config = {"source": "eng", "target": "eng", "languages": {}}

    def said(name, **hub_changes):
        task = spec(name)
        if hub_changes:
            task = dataclasses.replace(task, hub=dataclasses.replace(task.hub, **hub_changes))
        with pytest.raises(HarnessError) as raised:
            sources(config, task, task, False, tmp_path, OPTIONS)
        return str(raised.value)

    assert "no training data in copa below" in said("copa", path="someone/copa")
    assert said("copa", path="someone/copa").endswith(
        "(**/COPA/{split}.jsonl), and the hub (someone/copa) does not answer. Sources there: none"
    )
    assert "no test data in bucc2018 below" in said("bucc2018")  # a search trains on nothing
    assert f"and there is no folder {tmp_path}/copa." in said("copa", path=f"{tmp_path}/copa")
    assert f"nor in the data set {tmp_path}, which has nothing." in said("copa", path=str(tmp_path))


@pytest.mark.parametrize("name", [name for name in NAMES if spec(name).local])
def test_the_task_that_runs_instead_is_of_the_same_languages_and_labels(name):
    one, other = spec(name), spec(spec(name).local)
    assert (one.type, set(one.labels)) == (other.type, set(other.labels))
    assert set(other.languages) <= set(one.languages)
    assert other.provenance is one.provenance


def test_the_map_of_labels_is_in_the_key(real_data):
    joint, apart = spec("ner_joint"), spec("masakhaner2")
    assert fingerprint(joint, "swh", "test", real_data) != fingerprint(apart, "swh", "test", real_data)
    kept = dataclasses.replace(apart, label_map={"DATE": "O"})
    assert fingerprint(kept, "swh", "test", real_data) != fingerprint(apart, "swh", "test", real_data)
