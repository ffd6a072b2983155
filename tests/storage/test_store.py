"""The store keeps what it is given, byte for byte, and survives whatever happens to a process or a file."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.resources import files

import jsonschema
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.storage.records import DamageError, from_json, to_json
from harness.storage.store import CellRecord, ErrorRecord, JobRecord, Store, ensure_space
from tests.conftest import F1, cell_record


def cell(**changes):
    plain = {
        "sources": ("deu", "eng"),
        "target": "zho-Hans",
        "scores": {
            F1: {"score": 0.5, "low": 0.25, "high": 0.75},
            "accuracy": {"score": 1.0, "low": None, "high": None},
        },
        "files": ("panx/zh/test.tsv",),
    }
    return cell_record(**plain | changes)


def bare(record):
    """The record but for its table, which the store has set."""
    return replace(record, table="0" * 64)


def table(n=3):
    return pd.DataFrame(
        {
            "example_id": [str(i) for i in range(n)],
            "group_id": [f"g{i // 2}" for i in range(n)],
            "gold": [json.dumps(["B-PER", "O"])] * n,
            "prediction": [json.dumps(["O", "O"])] * n,
            f"{F1}::tp": np.zeros(n),
            f"{F1}::predicted": np.zeros(n),
            f"{F1}::gold": np.ones(n),
            "accuracy::correct": np.full(n, 0.5),
        }
    )


def job(**changes):
    plain = JobRecord(
        train_key="t0",
        predict_key="p0",
        task="panx",
        model={"name": "tiny", "options": {"width": 8}},
        strategy="zero_shot",
        sources=("deu", "eng"),
        targets=("zho-Hans",),
        seed=1,
        training={"learning_rate": 2e-5, "steps": None},
        versions={"python": "3.11"},
        timings={"train": 1.5},
        tokens={"real": 10, "computed": 11},
        backend="eager",
        checkpoint=None,
        status="done",
        host="here",
        curves=[{"name": "loss", "step": 1, "value": 0.5}],
        spec={"size": None},
    )
    return replace(plain, **changes)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results")


def schema(name):
    return json.loads(files("harness.schema").joinpath(f"{name}.json").read_text())


def folder(store):
    return store.root / "runs" / "panx" / "p0"


# -- round trips


def test_a_cell_and_its_examples_come_back_as_they_went(store):
    store.write_cell(cell(), table())
    assert bare(store.read_cell("panx", "p0", "zho-Hans")) == cell()
    pd.testing.assert_frame_equal(store.examples("panx", "p0", "zho-Hans"), table())
    assert sorted(path.name for path in folder(store).iterdir()) == ["zho-Hans.examples.parquet", "zho-Hans.json"]


def test_a_job_and_a_failure_come_back_as_they_went(store):
    failure = ErrorRecord.of(ValueError("no \udc80 tags"), {"task": "panx", "seed": 1})
    store.write_job(job())
    store.write_error("panx", "p1", failure)
    assert store.read_job("panx", "p0") == job(created=store.read_job("panx", "p0").created)
    assert store.read_error("panx", "p1") == failure
    assert "ValueError: no" in failure.traceback
    assert list(store.jobs()) == [("panx", "p0"), ("panx", "p1")]
    store.clear_error("panx", "p1")
    store.clear_error("panx", "p1")
    assert store.read_error("panx", "p1") is None


def test_every_written_file_obeys_its_schema(store):
    store.write_cell(cell(), table())
    store.write_job(job())
    store.write_error("panx", "p0", ErrorRecord.of(ValueError(), {}))
    for name, path in {"cell": "zho-Hans.json", "job": "job.json", "error": "error.json"}.items():
        jsonschema.Draft202012Validator.check_schema(schema(name))
        jsonschema.validate(json.loads((folder(store) / path).read_text()), schema(name))


numbers = st.floats(allow_nan=False, allow_infinity=False)
bounds = st.none() | numbers
names = st.text(max_size=12)
cells = st.builds(
    cell,
    model=st.text(min_size=1),
    sources=st.lists(st.text(min_size=1, max_size=5), max_size=3).map(tuple),
    seed=st.integers(),
    size=st.none() | st.integers(min_value=0),
    scores=st.dictionaries(names, st.fixed_dictionaries({"score": numbers, "low": bounds, "high": bounds}), min_size=1),
    n=st.integers(min_value=0),
    files=st.lists(st.text(min_size=1), max_size=3).map(tuple),
)


@given(cells)
def test_any_cell_survives_its_json_and_obeys_the_schema(record):
    content = to_json(record)
    assert from_json(CellRecord, content) == record
    assert to_json(from_json(CellRecord, content)) == content
    jsonschema.validate(json.loads(content), schema("cell"))


@given(cells, st.data())
def test_no_truncation_of_a_record_is_taken_for_one(record, data):
    content = to_json(record).rstrip()
    with pytest.raises(DamageError):
        from_json(CellRecord, content[: data.draw(st.integers(0, len(content) - 1))])


@given(st.text(), st.text(alphabet=st.characters(categories=["Cs", "Lo", "Cc"])))
def test_any_error_message_survives(message, text):
    failure = ErrorRecord(exception="ValueError", message=message, traceback=text, job={})
    content = to_json(failure)
    content.decode()
    assert from_json(ErrorRecord, content).message == message


def test_identical_cells_are_identical_bytes(tmp_path):
    for name in ("one", "two"):
        scores = cell().scores if name == "one" else dict(reversed(cell().scores.items()))
        Store(tmp_path / name).write_cell(cell(scores=scores), table())
    for name in ("zho-Hans.json", "zho-Hans.examples.parquet"):
        one, two = (tmp_path / side / "runs/panx/p0" / name for side in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()
    assert "suite" not in json.loads(to_json(cell()))  # the same run may belong to one, another or none


# -- what is refused


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_is_refused_and_leaves_nothing(store, value):
    with pytest.raises(HarnessError, match="number"):
        store.write_cell(cell(scores={F1: {"score": value, "low": None, "high": None}}), table())
    assert not store.root.exists()


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (table(2), "3 examples, the table has 2 rows"),
        (table().drop(columns="gold"), "columns missing: gold"),
        (table().assign(correct=1.0), "columns that are no .*: correct"),
        (table().assign(**{"accuracy::correct": [1.0, np.nan, 1.0]}), "accuracy::correct"),
        (table().assign(prediction=[1, 2, 3]), "wrong kind"),
        (table().assign(prediction=["1", None, "3"]), "prediction"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(store, broken, words):
    with pytest.raises(HarnessError, match=words):
        store.write_cell(cell(), broken)
    assert store.read_cell("panx", "p0", "zho-Hans") is None


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "a b", "-f"])
def test_a_name_that_is_no_part_of_a_path_is_refused(store, name):
    with pytest.raises(HarnessError, match="cannot name a file"):
        store.read_cell(name, "p0", "deu")


def test_a_target_that_would_overwrite_the_job_record_is_refused(store):
    with pytest.raises(HarnessError, match="job-Latn"):
        store.write_cell(cell(target="job"), table())


# -- damage


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: "null",
        lambda text: text.replace('"schema": 1', '"schema": "1"'),
        lambda text: text.replace('"schema": 1', '"schema": 0'),
        lambda text: text.replace('"seed": 1', '"sead": 1'),
        lambda text: text.replace('"seed": 1', '"seed": "one"'),
        lambda text: text.replace('"score": 0.5', '"score": NaN'),
        lambda text: text.replace('"score": 0.5', '"score": null'),
        lambda text: text.replace('"score": 0.5', '"skore": 0.5'),
        lambda text: text.replace('"target": "zho-Hans"', '"target": "deu"'),
        lambda text: "\x00" * len(text),
    ],
)
def test_a_damaged_cell_is_named_moved_aside_and_absent(store, caplog, damage):
    path = folder(store) / "zho-Hans.json"
    for n in (1, 2):
        store.write_cell(cell(), table())
        broken = damage(path.read_text())
        assert broken != path.read_text()
        path.write_text(broken)
        assert list(store.cells()) == []
        assert path.with_name(f"zho-Hans.json.damaged-{n}").read_text() == broken
        assert str(path) in caplog.text
    assert not path.exists()
    assert store.read_cell("panx", "p0", "zho-Hans") is None


def test_bytes_that_are_no_utf8_are_damage(store):
    store.write_job(job())
    (folder(store) / "job.json").write_bytes(b"\xff\xfe\x00")
    assert store.read_job("panx", "p0") is None


@pytest.mark.parametrize("kind", ["cell", "job"])
def test_a_newer_schema_is_refused_and_left_alone(store, kind):
    store.write_cell(cell(), table())
    store.write_job(job())
    path = folder(store) / {"cell": "zho-Hans.json", "job": "job.json"}[kind]
    newer = path.read_text().replace('"schema": 1', '"schema": 2')
    path.write_text(newer)
    with pytest.raises(HarnessError, match=f"{path.name}: schema 2 is newer.*upgrade"):
        store.read_cell("panx", "p0", "zho-Hans") if kind == "cell" else store.read_job("panx", "p0")
    assert path.read_text() == newer


@pytest.mark.parametrize("damage", ["missing", "truncated", "empty", "other"])
def test_examples_that_cannot_be_read_take_their_cell_aside(store, damage):
    store.write_cell(cell(), table())
    path = folder(store) / "zho-Hans.examples.parquet"
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "other":
        pd.DataFrame({"x": [1]}).to_parquet(path)
    else:
        path.write_bytes(content[: len(content) // 2] if damage == "truncated" else b"")
    with pytest.raises(HarnessError, match="Run the job again"):
        store.examples("panx", "p0", "zho-Hans")
    assert store.read_cell("panx", "p0", "zho-Hans") is None
    assert (folder(store) / "zho-Hans.json.damaged-1").exists()
    assert (folder(store) / "zho-Hans.examples.parquet.damaged-1").exists() == (damage != "missing")


# -- faults while writing


def test_a_full_disk_is_named_and_leaves_nothing(store, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    store.write_cell(cell(), table())
    for name in ("replace", "fsync"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, full)
            with pytest.raises(HarnessError, match=r"cannot write .*zho-Hans.*No space left.*Free some space"):
                store.write_cell(cell(seed=2), table())
    assert len(list(folder(store).iterdir())) == 2
    assert bare(store.read_cell("panx", "p0", "zho-Hans")) == cell()


def test_without_its_record_a_table_is_no_cell(store, monkeypatch):
    replace_file, calls = os.replace, []

    def second_fails(*paths):
        calls.append(paths)
        if len(calls) == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        replace_file(*paths)

    monkeypatch.setattr(os, "replace", second_fails)
    with pytest.raises(HarnessError, match=r"zho-Hans\.json"):
        store.write_cell(cell(), table())
    assert (folder(store) / "zho-Hans.examples.parquet").exists()
    assert list(store.cells()) == []


def test_a_record_vouches_for_no_table_but_its_own(store, monkeypatch):
    store.write_cell(cell(), table())
    path = folder(store) / "zho-Hans.examples.parquet"
    assert store.read_cell("panx", "p0", "zho-Hans").table == hashlib.sha256(path.read_bytes()).hexdigest()
    replace_file = os.replace

    def killed_before_the_record(source, target):
        if str(target).endswith(".json"):
            raise KeyboardInterrupt
        replace_file(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed_before_the_record)
        with pytest.raises(KeyboardInterrupt):
            store.write_cell(cell(data="cd" * 32), table().assign(prediction='["B-PER", "O"]'))
    assert [bare(record) for record in store.cells()] == [cell()]  # a scan reads no table
    with pytest.raises(HarnessError, match=r"not those that the record was made with\. Run the job again"):
        store.examples("panx", "p0", "zho-Hans")
    assert list(store.cells()) == []
    assert sorted(path.name for path in folder(store).iterdir()) == [
        "zho-Hans.examples.parquet.damaged-1",
        "zho-Hans.json.damaged-1",
    ]


def test_a_table_without_its_record_is_not_read(store):
    store.write_cell(cell(), table())
    (folder(store) / "zho-Hans.json").unlink()
    with pytest.raises(HarnessError, match="no such cell"):
        store.examples("panx", "p0", "zho-Hans")
    assert (folder(store) / "zho-Hans.examples.parquet").exists()  # whoever writes the cell writes it anew


def test_a_file_in_place_of_the_results_folder_is_named(tmp_path):
    (tmp_path / "results").touch()
    for write in (
        lambda store: store.write_cell(cell(), table()),
        lambda store: store.write_job(job()),
        lambda store: store.checkpoint_draft("t0").__enter__(),
    ):
        with pytest.raises(HarnessError, match=r"cannot write .*results.* A file stands where"):
            write(Store(tmp_path / "results"))
    assert list(Store(tmp_path / "results").cells()) == []


WRITE_FOREVER = """
import itertools, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.storage.test_store import cell, table
from harness.storage.store import Store
store = Store(Path(sys.argv[1]))
print("ready", flush=True)
for seed in itertools.count():
    store.write_cell(cell(seed=seed), table())
"""


def test_a_writer_killed_at_any_moment_leaves_only_whole_files(store, request):
    for delay in (0.05, 0.11, 0.17):
        arguments = [sys.executable, "-c", WRITE_FOREVER, str(store.root), str(request.path.parent.parent)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "ready\n"
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(delay)
            process.send_signal(signal.SIGKILL)
        for record in store.cells():
            assert bare(record) == cell(seed=record.seed)
            assert len(store.examples("panx", "p0", "zho-Hans")) == 3
        assert not list(folder(store).glob("*damaged*"))
    store.write_cell(cell(seed=-1), table())
    assert [record.seed for record in store.cells()] == [-1]


def test_concurrent_writers_and_readers_never_see_a_part(store):
    def write(seed):
        for _ in range(20):
            store.write_cell(cell(seed=seed), table())
            found = store.read_cell("panx", "p0", "zho-Hans")
            assert found is not None
            assert bare(found) == cell(seed=found.seed)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert len(list(folder(store).iterdir())) == 2


# -- scanning


def test_cells_come_in_the_order_of_their_paths(store):
    for task, key, target in [("xnli", "a", "deu"), ("panx", "b", "swh"), ("panx", "b", "deu"), ("panx", "a", "swh")]:
        store.write_cell(cell(task=task, predict_key=key, target=target), table())
    store.write_job(job(predict_key="b"))
    found = [(record.task, record.predict_key, record.target) for record in store.cells()]
    assert found == [("panx", "a", "swh"), ("panx", "b", "deu"), ("panx", "b", "swh"), ("xnli", "a", "deu")]
    assert store.targets("panx", "b") == ["deu", "swh"]


def test_the_long_table_has_a_row_for_every_cell_and_metric(store):
    store.write_cell(cell(), table())
    store.write_cell(cell(target="deu", size=500), table())
    frame = store.frame()
    assert len(frame) == 4
    row = frame[(frame.target == "deu") & frame.main].squeeze()
    assert (row.metric, row.score, row.low, row.high, row["size"]) == (F1, 0.5, 0.25, 0.75, 500)
    assert row.sources == "deu+eng"
    assert frame.limit.isna().all()
    assert set(store.frame(lambda record: record.size is None).target) == {"zho-Hans"}
    empty = Store(store.root / "nothing").frame()
    assert empty.empty
    assert list(empty.dtypes) == list(frame.dtypes)


# -- checkpoints


def test_a_checkpoint_appears_whole_or_not_at_all(store):
    final = store.checkpoint("t0")
    for code, kind in ((errno.ENOENT, FileNotFoundError), (errno.ENOSPC, HarnessError)):
        with pytest.raises(kind), store.checkpoint_draft("t0") as draft:  # noqa: PT012
            (draft / "weights").write_text("half")
            raise OSError(code, os.strerror(code))
    assert not list(final.parent.iterdir())
    for text in ("old", "new"):
        with store.checkpoint_draft("t0") as draft:
            assert not list(draft.iterdir())
            (draft / "weights").write_text(text)
            assert not final.exists() or (final / "weights").read_text() == "old"
        assert (final / "weights").read_text() == text
        assert [path.name for path in final.parent.iterdir()] == ["t0"]
    store.drop_checkpoint("t0")
    store.drop_checkpoint("t0")
    assert not list(final.parent.iterdir())


def test_how_far_a_training_has_come_is_kept_until_its_weights_are_there(store):
    state = store.training("t0")
    state.mkdir(parents=True)
    with pytest.raises(KeyboardInterrupt), store.checkpoint_draft("t0"):
        raise KeyboardInterrupt
    store.drop_checkpoint("t0")  # of an earlier run
    assert [path.name for path in state.parent.iterdir()] == [".t0.training"]
    with store.checkpoint_draft("t0"):
        assert state.exists()
    assert [path.name for path in state.parent.iterdir()] == ["t0"]
    store.drop_training("t0")


DRAFT = """
import sys, time
from pathlib import Path
from harness.storage.store import Store
with Store(Path(sys.argv[1])).checkpoint_draft("t0") as draft:
    (draft / "weights").write_text("half")
    print("drafting", flush=True)
    time.sleep(60)
"""


def test_what_a_killed_training_left_is_no_checkpoint_and_is_swept_by_the_next(store):
    with subprocess.Popen([sys.executable, "-c", DRAFT, str(store.root)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "drafting\n"
        process.kill()
    assert not store.checkpoint("t0").exists()
    with store.checkpoint_draft("t0") as draft:
        assert not list(draft.iterdir())
        (draft / "weights").write_text("whole")
    assert [path.name for path in store.checkpoint("t0").parent.iterdir()] == ["t0"]


def test_space_is_checked_before_it_is_needed(tmp_path):
    ensure_space(tmp_path / "not" / "yet", 1)
    with pytest.raises(HarnessError, match=r"needs 1000000000\.00 GB.*are free"):
        ensure_space(tmp_path / "not" / "yet", 10**18)


def test_locks_of_a_store_exclude_each_other(store):
    with store.lock("t0") as first, store.lock("t0", wait=False) as second, store.lock("t1", wait=False) as other:
        assert (first, second, other) == (True, False, True)
