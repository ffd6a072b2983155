"""Keys of many cells at once, and lookups that a plan does once."""

import pytest

from harness.data import load
from harness.spec import Files, TaskSpec
from harness.storage.records import to_json
from harness.storage.store import Store
from harness.sweep import keys, lacking
from harness.sweep.lacking import Wanted
from tests.conftest import cell_record


def test_the_keys_of_many_cells_are_those_of_each():
    task = TaskSpec("panx", "ner", {}, version=3)
    data = {"deu": "ab" * 32, "zho-Hans": 'odd "\\ é'}
    signatures = ("span_f1|mode:strict|scheme:IOB2", "é")
    found = keys.cell_keys("p0", data, task, signatures)
    assert found == {target: keys.cell_key("p0", one, task, signatures) for target, one in data.items()}


def test_within_the_block_data_is_looked_up_once_and_after_it_anew(tmp_path):
    task = TaskSpec(
        "mine", "pos", {"deu": "deu", "eng": "eng"}, splits={"test": "test"},
        files=Files("conll", "{code}.txt", options={"word": 0, "tag": 1}),
    )  # fmt: skip
    other = TaskSpec("mine", "pos", {"eng": "eng"}, splits={"test": "test"}, files=task.files)
    path = tmp_path / "deu.txt"
    path.write_text("a X\n")
    with load.looked_up_once():
        before = load.fingerprint(task, "deu", "test", tmp_path)
        with load.looked_up_once():
            assert load.available(task, "test", tmp_path) == ("deu",)
        path.write_text("a Y\n")
        assert load.fingerprint(task, "deu", "test", tmp_path) == before
        assert load.available(other, "test", tmp_path) == ()  # of the same name, but another
    assert load.fingerprint(task, "deu", "test", tmp_path) != before


@pytest.mark.parametrize("many", [1, 50_000])
def test_what_is_lacking_is_the_same_however_many_processes_look(tmp_path, monkeypatch, many):
    monkeypatch.setattr(lacking, "MANY", many)
    monkeypatch.setattr(lacking, "PART", 1)
    store = Store(tmp_path)
    for key in ("p0", "p1", "p2"):
        store.folder("panx", key).mkdir(parents=True)
        for target in ("deu", "eng"):
            record = cell_record(predict_key=key, target=target, cell_key=f"{key}-{target}")
            (store.folder("panx", key) / f"{target}.json").write_bytes(to_json(record))
    damaged = store.folder("panx", "p1") / "eng.json"
    damaged.write_text("half")
    cells = {target: f"p0-{target}" for target in ("deu", "eng")}
    jobs = [Wanted("panx", key, {target: f"{key}-{target}" for target in ("deu", "eng")}) for key in ("p0", "p1", "p2")]
    jobs += [Wanted("panx", "p2", {"deu": "another"}), Wanted("panx", "p9", cells)]
    assert list(lacking.lacking(jobs, store)) == [(), ("eng",), (), ("deu",), ("deu", "eng")]  # no job has its record
    assert damaged.with_name("eng.json.damaged-1").read_text() == "half"
