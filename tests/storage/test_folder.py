"""Records read by the folder, in other processes or not: what a look at each file would have found."""

from __future__ import annotations

import os
from math import isqrt
from pathlib import Path

import pytest

from harness.storage import contents as reading
from harness.storage import store as stores
from harness.storage.ahead import ahead
from harness.storage.contents import contents
from harness.storage.folder import read
from harness.storage.records import CellRecord, ErrorRecord, from_json, to_json
from harness.storage.store import Store
from tests.conftest import cell_record

TARGETS = ("deu", "eng", "swh")


def write(folder, name, content):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


@pytest.fixture
def store(tmp_path):
    """Two jobs of three cells."""
    store = Store(tmp_path)
    for key in ("p0", "p1"):
        for target in TARGETS:
            record = cell_record(task="panx", predict_key=key, target=target, cell_key=f"{key}-{target}")
            write(store.folder("panx", key), f"{target}.json", to_json(record))
    return store


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


# -- contents


@pytest.mark.parametrize("advises", [True, False])
def test_contents_are_what_the_files_hold_in_their_order(tmp_path, monkeypatch, advises):
    monkeypatch.setattr(reading, "ADVISES", advises and reading.ADVISES)
    sizes = [0, 1, reading.BLOCK - 1, reading.BLOCK, reading.BLOCK + 1, 3 * reading.BLOCK, *range(2 * reading.TOGETHER)]
    paths = [tmp_path / f"{number:03}" for number in range(len(sizes))]
    for path, size in zip(paths, sizes, strict=True):
        path.write_bytes(os.urandom(size))
    paths[7].unlink()
    expected = [path.read_bytes() if path.exists() else None for path in paths]
    before = open_files()
    assert list(contents([str(path) for path in paths])) == expected
    assert open_files() == before


def test_a_file_that_cannot_be_read_leaves_none_open(tmp_path):
    (tmp_path / "a").touch()
    (tmp_path / "b").mkdir()
    (tmp_path / "c").symlink_to("c")  # an endless loop
    before = open_files()
    for name in ("b", "c"):
        with pytest.raises(OSError, match="directory" if name == "b" else "symbolic"):
            list(contents([f"{tmp_path}/a", f"{tmp_path}/{name}"]))
    assert open_files() == before


# -- folders


def test_a_folder_holds_what_it_was_asked_for(store):
    store.write_error("panx", "p0", ErrorRecord.of(ValueError(), {}))
    (store.folder("panx", "p0") / ".deu.json.tmp").touch()
    (store.folder("panx", "p0") / "deu.examples.parquet").touch()
    found = read(store.folder("panx", "p0"))
    assert found.targets == list(TARGETS)
    whole = {name: (store.folder("panx", "p0") / name).read_bytes() for name in ("deu.json", "error.json")}
    assert found.cells()["deu"] == from_json(CellRecord, whole["deu.json"])
    assert list(found.cells()) == list(TARGETS)
    assert found.cell_keys() == {target: f"p0-{target}" for target in TARGETS}
    assert found.error() == from_json(ErrorRecord, whole["error.json"])
    assert found.job() is None
    assert read(store.folder("panx", "p0"), ["swh.json", "fao.json"]).cell_keys() == {"swh": "p0-swh"}
    assert read(store.folder("panx", "none")).cells() == {}


@pytest.mark.parametrize("damage", ["truncated", "foreign", "wrong type", "of another job"])
def test_keys_alone_find_the_same_damage_as_cells(store, caplog, damage):
    path = store.folder("panx", "p0") / "eng.json"
    text = path.read_text()
    path.write_text(
        {
            "truncated": text[:-20],
            "foreign": "[]",
            "wrong type": text.replace('"n": ', '"n": 0.'),
            "of another job": text.replace('"p0"', '"p1"'),
        }[damage]
    )
    broken = path.read_text()
    assert broken != text
    assert store.cell_keys("panx", "p0", ["deu", "eng"]) == {"deu": "p0-deu"}
    assert path.with_name("eng.json.damaged-1").read_text() == broken
    assert str(path) in caplog.text
    assert not path.exists()


def test_many_folders_are_read_by_other_processes_as_few_are_here(store, monkeypatch):
    (store.folder("panx", "p1") / "eng.json").write_text("{")
    few = [(one.task, one.predict_key, one.files) for one in store.folders(list(store.jobs()))]
    monkeypatch.setattr(stores, "MANY", 1)
    monkeypatch.setattr(stores, "PART", 1)
    many = list(store.folders([*store.jobs(), ("panx", "none"), *store.jobs()]))
    assert [(one.task, one.predict_key, one.files) for one in many] == [*few, ("panx", "none", {}), *few]
    assert [cell.cell_key for cell in store.cells()] == ["p0-deu", "p0-eng", "p0-swh", "p1-deu", "p1-swh"]
    assert (store.folder("panx", "p1") / "eng.json.damaged-1").exists()


# -- ahead


def test_results_come_in_order_and_a_mistake_comes_to_whoever_takes_them():
    assert list(ahead(isqrt, [number * number for number in range(40)])) == list(range(40))
    taken = ahead(isqrt, [*range(9), -1, *range(20)])
    assert [next(taken) for _ in range(9)] == [0, 1, 1, 1, 2, 2, 2, 2, 2]
    with pytest.raises(ValueError, match="nonnegative"):
        next(taken)


def test_no_more_than_a_few_parts_are_begun_before_they_are_taken():
    begun = []
    parts = (begun.append(number) or number for number in range(1000))
    taken = ahead(isqrt, parts)
    for _ in range(3):
        next(taken)
    assert len(begun) < 30
    taken.close()


def test_a_record_that_was_written_again_since_it_was_read_stays(store):
    path = store.folder("panx", "p0") / "deu.json"
    whole = path.read_bytes()
    path.write_bytes(whole[:20])
    before = read(path.parent)
    path.write_bytes(whole)
    assert list(before.cells()) == ["eng", "swh"]
    assert path.read_bytes() == whole
    assert list(read(path.parent).cells()) == ["deu", "eng", "swh"]
