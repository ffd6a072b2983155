import dataclasses
import socket

import pytest

from harness.data import hub
from harness.data.load import available, fingerprint, load
from harness.errors import DataError
from harness.spec import Files, Hub, TaskSpec

datasets = pytest.importorskip("datasets")

README = """\
---
configs:
- config_name: ner.de
  data_files:
  - split: validation
    path: de/validation.parquet
---
"""
TASK = TaskSpec(
    "news",
    "ner",
    {"deu": "de", "eng": "en"},
    labels=("PER", "LOC"),
    splits={"test": "dev"},
    hub=Hub("someone/news", "ner.{code}", "abc", {"words": "tokens", "tags": "ner_tags"}, {"test": "validation"}),
)


@pytest.fixture
def folder(tmp_path):
    tags = datasets.Sequence(datasets.ClassLabel(names=["O", "B-PER", "I-PER", "B-LOC"]))
    features = datasets.Features({"tokens": datasets.Sequence(datasets.Value("string")), "ner_tags": tags})
    data = datasets.Dataset.from_dict(
        {"tokens": [["Ann", "Lee"], ["in", "Ulm"]], "ner_tags": [[1, 2], [0, 3]]}, features
    )
    (tmp_path / "de").mkdir()
    data.to_parquet(tmp_path / "de" / "validation.parquet")
    (tmp_path / "README.md").write_text(README)
    return tmp_path


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.setattr(hub, "online", lambda: False)


def at(path):
    return dataclasses.replace(TASK, hub=dataclasses.replace(TASK.hub, path=str(path)))


def test_a_folder_in_the_hub_s_form_loads_with_labels_as_strings(folder, offline):
    corpus = load(at(folder), "deu", "test", None)
    assert [(e.words, e.tags) for e in corpus] == [
        (("Ann", "Lee"), ("B-PER", "I-PER")),
        (("in", "Ulm"), ("O", "B-LOC")),
    ]
    assert corpus.fingerprint == fingerprint(at(folder), "deu", "test", None)
    assert available(at(folder), "test", None) == ("deu",)  # English is declared, and not there


def test_a_configuration_or_column_that_is_not_there_is_named(folder, offline):
    with pytest.raises(DataError, match=r"configuration ner\.en"):
        load(at(folder), "eng", "test", None)
    other = dataclasses.replace(at(folder).hub, columns={"words": "words"})
    with pytest.raises(DataError, match=r"no column 'words'; it has tokens, ner_tags"):
        load(dataclasses.replace(TASK, hub=other), "deu", "test", None)


def test_local_files_win_over_the_hub(tmp_path, folder, offline):
    (tmp_path / "de-dev.txt").write_text("Bonn B-LOC\n")
    task = dataclasses.replace(at(folder), files=Files("conll", "{code}-{split}.txt"))
    assert load(task, "deu", "test", tmp_path).examples[0].words == ("Bonn",)


def test_without_a_network_the_message_says_where_local_files_go(offline, monkeypatch):
    def refuse(*_, **__):
        raise ConnectionError("no way out")

    monkeypatch.setattr(hub, "_stay_offline", lambda: None)
    monkeypatch.setattr(datasets, "load_dataset", refuse)
    with pytest.raises(
        DataError, match=r"someone/news.*there is no network.*data\.root \(or HARNESS_DATA\).*task\.hub\.path"
    ):
        load(TASK, "deu", "test", None)


def test_a_data_set_on_the_hub_counts_as_available_while_the_hub_answers(monkeypatch):
    monkeypatch.setattr(hub, "online", lambda: True)
    assert available(TASK, "test", None) == ("deu", "eng")
    monkeypatch.setattr(hub, "online", lambda: False)
    assert available(TASK, "test", None) == ()


def test_an_unpinned_data_set_is_keyed_by_the_revision_that_the_hub_has_now(monkeypatch):
    unpinned = dataclasses.replace(TASK, hub=dataclasses.replace(TASK.hub, revision=None))
    monkeypatch.setattr(hub, "online", lambda: True)
    marks = []
    for newest in ("aaa", "bbb"):
        monkeypatch.setattr(hub, "_newest", lambda path, branch, newest=newest: newest)
        marks.append(fingerprint(unpinned, "deu", "test", None))
        assert hub.source(unpinned, "deu").endswith(f"@{newest}")
    assert marks[0] != marks[1]


def test_a_branch_is_no_pin_the_commit_that_it_has_now_is_recorded(monkeypatch):
    branch = dataclasses.replace(TASK, hub=dataclasses.replace(TASK.hub, revision=hub.CONVERTED))
    monkeypatch.setattr(hub, "online", lambda: True)
    monkeypatch.setattr(hub, "_newest", lambda path, branch: {hub.CONVERTED: "ccc", "main": "mmm"}[branch])
    assert hub.source(branch, "deu") == "someone/news/ner.de@ccc"


def test_a_loading_script_is_answered_with_the_hub_s_own_conversion(monkeypatch):
    def refuse(*_, **__):
        raise RuntimeError("Dataset scripts are no longer supported, but found news.py")

    monkeypatch.setattr(hub, "online", lambda: True)
    monkeypatch.setattr(datasets, "load_dataset", refuse)
    with pytest.raises(DataError, match=r"news\.py\. The hub may .*task\.hub\.revision=refs/convert/parquet"):
        load(TASK, "deu", "test", None)


def test_the_hub_s_conversion_is_asked_for_by_folder(folder, monkeypatch):
    asked = {}
    monkeypatch.setattr(hub, "online", lambda: True)
    monkeypatch.setattr(hub, "_newest", lambda path, branch: "ccc")
    whole = datasets.load_dataset(str(folder), "ner.de")
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **options: asked.update(options) or whole)
    load(dataclasses.replace(TASK, hub=dataclasses.replace(TASK.hub, revision=hub.CONVERTED)), "deu", "test", None)
    assert asked == {"data_dir": "ner.de", "revision": "ccc"}


def test_the_fingerprint_follows_the_revision_and_the_configuration():
    mark = fingerprint(TASK, "deu", "test", None)
    for change in (
        {"revision": "def"},
        {"config": "other.{code}"},
        {"path": "else/news"},
        {"splits": {"test": "train"}},
    ):
        other = dataclasses.replace(TASK, hub=dataclasses.replace(TASK.hub, **change))
        assert fingerprint(other, "deu", "test", None) != mark


@pytest.fixture
def fresh():
    hub.online.cache_clear()
    yield
    hub.online.cache_clear()


def test_the_environment_decides_without_a_connection(fresh, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(socket, "create_connection", None)
    assert not hub.online()


@pytest.mark.parametrize(("endpoint", "port"), [("https://hub.example", 443), ("https://hub.example:8080", 8080)])
def test_the_endpoint_s_own_host_is_asked_once(fresh, monkeypatch, endpoint, port):
    asked = []

    class Connection:
        def close(self):
            pass

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    monkeypatch.setattr(hub, "getproxies", dict)
    monkeypatch.setattr(socket, "create_connection", lambda address, timeout: asked.append(address) or Connection())
    assert hub.online()
    assert hub.online()
    assert asked == [("hub.example", port)]


def test_a_refused_connection_is_no_network(fresh, monkeypatch):
    def refuse(*_, **__):
        raise OSError

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(hub, "PATIENCE", 0.05)
    monkeypatch.setattr(socket, "create_connection", refuse)
    assert not hub.online()
