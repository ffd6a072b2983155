import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.engine import arrays
from harness.engine.arrays import shared
from harness.errors import HarnessError

ARRAYS = {"ids": np.arange(40, dtype=np.int32), "word": np.zeros(0, np.int8), "vectors": np.ones((3, 2), np.float32)}


class Made:
    """Makes the arrays, and counts."""

    def __init__(self):
        self.times = 0

    def __call__(self):
        self.times += 1
        return ARRAYS


def equal(found):
    return found.keys() == {"ids", "vectors"} and all(np.array_equal(found[name], ARRAYS[name]) for name in found)


def test_arrays_are_made_once_and_memory_mapped(tmp_path, caplog):
    make = Made()
    assert all(equal(shared(tmp_path / "a", make)) for _ in range(3))
    assert make.times == 1
    assert isinstance(shared(tmp_path / "a", make)["ids"], np.memmap)
    assert not caplog.records


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_whatever_is_damaged_is_said_once_and_made_anew(data):
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        said, make, folder = [], Made(), Path(name) / "a"
        patch.setattr(arrays.log, "warning", lambda text, *values: said.append(text % values))
        shared(folder, make)
        file = data.draw(st.sampled_from(sorted(folder.iterdir())), "file")
        content = bytearray(file.read_bytes())
        damage = data.draw(st.sampled_from(["flip", "cut", "lose"]))
        if damage == "lose":
            file.unlink()
        elif damage == "cut":
            file.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
        else:
            content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
            file.write_bytes(content)
        assert equal(shared(folder, make))
        assert equal(shared(folder, make))
        assert make.times == 2
        assert [text.removeprefix(f"{folder} ") for text in said] == ["is damaged; what it held is computed again"]
        assert [path.name for path in folder.parent.iterdir()] == ["a"]


def test_arrays_in_use_stay_as_they_are_when_others_make_them_anew(tmp_path):
    used = shared(tmp_path / "a", Made())
    (tmp_path / "a" / "crc32").write_text("")
    assert equal(shared(tmp_path / "a", Made()))
    assert equal(used)


def test_a_folder_that_vanishes_while_it_is_read_is_made_anew(tmp_path, monkeypatch):
    shared(tmp_path / "a", Made())
    load = np.load

    def late(path, **how):
        shutil.rmtree(tmp_path / "a", ignore_errors=True)
        monkeypatch.setattr(np, "load", load)
        return load(path, **how)

    monkeypatch.setattr(np, "load", late)
    assert equal(shared(tmp_path / "a", Made()))


def test_what_another_process_drops_as_damaged_when_it_is_new_is_made_anew(tmp_path, monkeypatch):
    write, dropped = arrays._write, []

    def late(content, folder):
        write(content, folder)
        if not dropped:
            dropped.append(folder)
            shutil.rmtree(folder)

    monkeypatch.setattr(arrays, "_write", late)
    make = Made()
    assert equal(shared(tmp_path / "a", make))
    assert make.times == 1


def test_a_disk_that_reads_otherwise_than_it_was_written_is_named(tmp_path, monkeypatch):
    sums = iter(range(99))
    monkeypatch.setattr(arrays, "_sum", lambda path: next(sums))
    with pytest.raises(HarnessError, match="another disk"):
        shared(tmp_path / "a", Made())
