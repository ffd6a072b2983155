"""Data and results in a bucket, here a file system in memory: what travels, what does not, and what faults leave."""

from __future__ import annotations

import errno
import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from harness.data import files
from harness.data.load import available, fingerprint
from harness.errors import DataError, HarnessError
from harness.gate.sides import opened
from harness.launch import status
from harness.launch.app import run_configuration
from harness.spec import Files, TaskSpec
from harness.storage import exchange
from harness.storage.atomic import write_whole
from harness.storage.bucket import bring, local, mirror_of, origin
from harness.storage.store import Store
from harness.sweep.compose import sweep
from harness.sweep.plan import plan, setting

URL = "memory://bucket/folder"
WORDS = ("task=mini_ner", "model=majority", "target=[eng,deu]", "tracking=none")


@pytest.fixture(autouse=True)
def bucket(monkeypatch, tmp_path):
    """An empty bucket, and a mirror of its own for each test."""
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]
    on_machine(monkeypatch, tmp_path / "here")
    yield memory
    memory.store.clear()


def on_machine(monkeypatch, folder: Path) -> None:
    """As a process that starts on a machine with this cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    for remembered in (files._listing, files._match, files._here):
        remembered.cache_clear()
    exchange._waiting.clear()
    exchange._again.clear()


@pytest.fixture
def travelled(monkeypatch):
    """The files that were fetched or sent, by their last part, in order."""
    seen: dict[str, list[str]] = {"get": [], "put": []}
    for name, where in (("get_file", "get"), ("put_file", "put")):
        whole = getattr(MemoryFileSystem, name)

        def counted(self, one, other, *rest, _whole=whole, _where=where, **more):
            seen[_where].append(Path(one).name)
            return _whole(self, one, other, *rest, **more)

        monkeypatch.setattr(MemoryFileSystem, name, counted)
    return seen


def put(bucket, **contents: str) -> None:
    for name, text in contents.items():
        bucket.pipe_file(f"/bucket/folder/{name.replace('_', '/')}.txt", text.encode())


def content(folder: Path) -> dict[str, str]:
    """Digest of every cell and table."""
    found = [path for path in (folder / "runs").rglob("[!.]*") if path.is_file() and path.name != "job.json"]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def run(results: str, *words: str) -> list[str]:
    """The outcomes of a run, as its command line would have it."""
    asked = sweep([*WORDS, *words, f"results={results}"], multirun=False)
    plan(asked)
    one = asked.composed[0]
    return [outcome.status for outcome in run_configuration(dict(one.config), dict(one.choices), asked.options, "1/1")]


# -- names


def test_a_path_is_itself_and_a_file_url_its_path(tmp_path):
    assert local("results") == Path("results")
    assert local(tmp_path) == tmp_path
    assert local(f"file://{tmp_path}/x") == tmp_path / "x"
    assert mirror_of(tmp_path) is None
    assert origin(tmp_path) == str(tmp_path)


def test_each_folder_of_a_bucket_has_a_mirror_of_its_own_in_the_cache(tmp_path):
    roots = {
        local(url) for url in (URL, "memory://bucket/folder-", "memory://bucket/folder/deeper", "s3://bucket/folder")
    }
    assert len(roots) == 4
    assert all(root.is_relative_to(tmp_path / "here") for root in roots)
    assert local(f"{URL}/") == local(URL)
    assert origin(local(URL)) == URL


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("s3://AKIA:hun/ter2@bucket/x", "credentials have no place"),
        ("abfs://box@account/x?sig=hunter2", "credentials have no place"),
        ("gcss://bucket/x", "no such kind of bucket, did you mean 'gcs'"),
        ("s3://", "no bucket is named"),
        ("simplecache::s3://bucket", "no such kind of bucket"),
    ],
)
def test_urls_that_cannot_be_meant_are_refused_and_secrets_not_repeated(url, words):
    with pytest.raises(HarnessError, match=words) as refused:
        local(url)
    assert "hunter2" not in str(refused.value)
    assert "AKIA" not in str(refused.value)


# -- data

TASK = TaskSpec(
    name="own",
    type="pos",
    languages={"eng": "eng", "deu": "deu"},
    labels=("X", "Y"),
    splits={"test": "test", "train": "train"},
    files=Files(reader="conll", path="{code}/{split}.txt", options={"delimiter": "whitespace", "word": 0, "tag": 1}),
)


def test_only_what_is_asked_for_is_fetched_once_and_anew_when_it_changes(bucket, travelled, monkeypatch, tmp_path):
    put(bucket, eng_test="a X\n\n", deu_test="b Y\n\n", eng_train="c X\n\n", other_test="?")
    root = local(URL)
    assert available(TASK, "test", root) == ("deu", "eng")
    assert travelled["get"] == []
    first = fingerprint(TASK, "eng", "test", root)
    assert travelled["get"] == ["test.txt"]
    folder = tmp_path / "plain"
    write_whole(folder / "eng" / "test.txt", b"a X\n\n")
    assert fingerprint(TASK, "eng", "test", folder) == first  # where a file lies is in no key

    on_machine(monkeypatch, tmp_path / "here")
    assert fingerprint(TASK, "eng", "test", root) == first
    assert len(travelled["get"]) == 1

    put(bucket, eng_test="a Y\n\n")
    on_machine(monkeypatch, tmp_path / "here")
    assert fingerprint(TASK, "eng", "test", root) != first
    assert len(travelled["get"]) == 2


@pytest.mark.parametrize(
    "harm", [Path.unlink, lambda path: path.write_text("a"), lambda path: path.write_text("b X\n\n")]
)
def test_a_mirror_that_was_touched_is_mended(bucket, monkeypatch, tmp_path, harm):
    put(bucket, eng_test="a X\n\n")
    (path,) = files.find(TASK, "eng", "test", local(URL))
    harm(path)
    on_machine(monkeypatch, tmp_path / "here")
    assert files.find(TASK, "eng", "test", local(URL)) == (path,)
    assert path.read_text() == "a X\n\n"


def test_a_fetch_that_breaks_leaves_no_part_of_a_file(bucket, monkeypatch):
    put(bucket, eng_test="a X\n\n")

    def broken(self, remote, here, **_):
        Path(here).write_text("a")
        raise ConnectionError("reset by peer")

    with monkeypatch.context() as patched:
        patched.setattr(MemoryFileSystem, "get_file", broken)
        with pytest.raises(HarnessError, match=f"{URL} cannot be read .ConnectionError: reset by peer"):
            files.find(TASK, "eng", "test", local(URL))
    assert not list(local(URL).rglob("*test.txt*"))
    (path,) = files.find(TASK, "eng", "test", local(URL))
    assert path.read_text() == "a X\n\n"


def test_a_full_disk_is_called_so(bucket, monkeypatch):
    put(bucket, eng_test="a X\n\n")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(MemoryFileSystem, "get_file", full)
    with pytest.raises(HarnessError, match="Free some space"):
        files.find(TASK, "eng", "test", local(URL))


def test_a_key_leads_nowhere_else(bucket):
    bucket.pipe_file("/bucket/folder/a/b.txt", b"x")
    # as S3 allows
    bucket.store["/bucket/folder/../b.txt"] = bucket.store["/bucket/folder/a/b.txt"]
    assert list(mirror_of(local(URL)).listing()) == ["a/b.txt"]


def test_what_is_not_in_the_bucket_is_asked_for_by_its_url(bucket):
    with pytest.raises(DataError, match=f"no file below {URL} matches"):
        fingerprint(TASK, "eng", "test", local(URL))


# -- results


def test_results_in_a_bucket_are_those_of_a_folder_and_a_second_machine_runs_nothing(monkeypatch, tmp_path, bucket):
    assert run(str(tmp_path / "plain")) == ["done"]
    assert run(URL) == ["done"]
    assert content(local(URL)) == content(tmp_path / "plain")
    in_bucket = {
        path.removeprefix("/bucket/folder/"): bucket.cat_file(path) for path in bucket.find("/bucket/folder/runs")
    }
    assert {name: hashlib.sha256(one).hexdigest() for name, one in in_bucket.items() if "job.json" not in name} == (
        content(tmp_path / "plain")
    )

    on_machine(monkeypatch, tmp_path / "there")
    asked = sweep([*WORDS, f"results={URL}"], multirun=False)
    assert plan(asked).to_do == 0
    assert run(URL) == ["skipped"]
    assert not list(local(URL).rglob("*.parquet"))  # records suffice to know what is done
    store = Store(local(URL))
    for cell in store.cells():
        store.examples(cell.task, cell.predict_key, cell.target)  # and tables come when they are asked for
    assert content(local(URL)) == content(tmp_path / "plain")


def test_tables_go_before_the_records_that_vouch_for_them(travelled):
    run(URL)
    kinds = [name.endswith(".parquet") for name in travelled["put"]]
    assert kinds == sorted(kinds, reverse=True)
    assert kinds.count(True) == 2


def test_a_job_that_another_machine_finished_since_the_plan_is_not_run(monkeypatch, tmp_path):
    asked = sweep([*WORDS, f"results={URL}"], multirun=False)
    assert plan(asked).to_do == 2
    here = setting(asked.composed[0].config)
    on_machine(monkeypatch, tmp_path / "there")
    run(URL)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "here"))
    one = asked.composed[0]
    outcomes = run_configuration(dict(one.config), dict(one.choices), asked.options, "1/1")
    assert [outcome.status for outcome in outcomes] == ["skipped"]
    assert len(list(here.store.cells())) == 2


@pytest.mark.parametrize("broken_at", [0, 1, 2, 4])
def test_a_push_that_breaks_in_the_middle_loses_nothing(monkeypatch, tmp_path, bucket, broken_at, caplog):
    run(str(tmp_path / "plain"))
    sent = []
    whole = MemoryFileSystem.put_file

    def broken(self, here, remote, **more):
        if len(sent) == broken_at:
            raise ConnectionError("the server is gone")
        sent.append(here)
        return whole(self, here, remote, **more)

    with monkeypatch.context() as patched:
        patched.setattr(MemoryFileSystem, "put_file", broken)
        assert run(URL) == ["done"]  # a job does not fail for it
        jobs = list(Store(local(URL)).jobs())
        with pytest.raises(HarnessError, match=r"results of 1 jobs are here alone .*; the same command sends them"):
            exchange.send_rest(local(URL), jobs)
    assert "jobs go on, and their results are sent later" in caplog.text
    assert content(local(URL)) == content(tmp_path / "plain")

    on_machine(monkeypatch, tmp_path / "here")
    asked = sweep([*WORDS, f"results={URL}"], multirun=False)
    assert plan(asked).to_do == 0
    exchange.send_rest(local(URL), jobs)
    on_machine(monkeypatch, tmp_path / "there")
    exchange.opened(URL, tables=True)
    assert content(local(URL)) == content(tmp_path / "plain")


def test_what_could_not_be_sent_goes_with_a_later_job(monkeypatch, bucket):
    with monkeypatch.context() as patched:
        patched.setattr(MemoryFileSystem, "put_file", lambda *_, **__: (_ for _ in ()).throw(ConnectionError("gone")))
        run(URL)
        assert not bucket.find("/bucket/folder/runs")
    run(URL, "seed=1")  # the bucket is left alone for a while
    assert not bucket.find("/bucket/folder/runs")
    monkeypatch.setattr(exchange, "_again", {})
    run(URL, "seed=2")
    assert len([name for name in bucket.find("/bucket/folder/runs") if name.endswith("job.json")]) == 3


def test_two_machines_share_what_each_of_them_found(monkeypatch, tmp_path):
    run(URL, "seed=0")
    on_machine(monkeypatch, tmp_path / "there")
    run(URL, "seed=1")
    for machine in ("here", "there"):
        on_machine(monkeypatch, tmp_path / machine)
        assert {cell.seed for cell in Store(exchange.opened(URL)).cells()} == {0, 1}


def test_a_failure_is_told_everywhere_and_forgotten_everywhere_once_the_job_went_through(monkeypatch, tmp_path, bucket):
    from harness.models.base import MODELS

    with monkeypatch.context() as patched:
        patched.setattr(MODELS["majority"], "train", lambda *_, **__: 1 / 0)
        assert run(URL) == ["failed"]
    on_machine(monkeypatch, tmp_path / "there")
    store = Store(exchange.opened(URL))
    ((task, key),) = store.jobs()
    assert store.read_error(task, key).exception == "ZeroDivisionError"

    on_machine(monkeypatch, tmp_path / "here")
    assert run(URL) == ["done"]
    assert not bucket.exists(f"/bucket/folder/runs/{task}/{key}/error.json")
    on_machine(monkeypatch, tmp_path / "there")
    store = Store(exchange.opened(URL))
    assert store.read_error(task, key) is None
    assert len(list(store.cells())) == 2


def test_a_failure_that_is_tried_again_does_not_come_back_before_the_job_runs(tmp_path):
    run(URL)
    store = Store(local(URL))
    ((task, key),) = store.jobs()
    mirror = mirror_of(store.root)
    with fsspec.open(f"{URL}/runs/{task}/{key}/error.json", "wb") as file:
        file.write(b"{}")
    exchange.look(store.root, task, key)
    assert not (store.folder(task, key) / "error.json").exists()
    assert mirror is not None


def test_what_was_written_here_since_outlives_an_update_and_what_was_damaged_comes_again(monkeypatch):
    run(URL)
    store = Store(local(URL))
    ((task, key),) = store.jobs()
    (store.folder(task, key) / "eng.json").write_bytes(b"{")
    assert store.read_cell(task, key, "eng") is None  # moved aside
    write_whole(
        store.folder(task, key) / "deu.json", own := (store.folder(task, key) / "deu.json").read_bytes() + b"\n"
    )
    exchange.fetch(store.root, [task])
    assert store.read_cell(task, key, "eng") is not None
    assert (store.folder(task, key) / "deu.json").read_bytes() == own
    exchange.send_rest(store.root, [(task, key)])
    assert fsspec.filesystem("memory").cat_file(f"/bucket/folder/runs/{task}/{key}/deu.json") == own
    assert not [name for name in fsspec.filesystem("memory").find("/bucket/folder") if "damaged" in name]


@pytest.mark.parametrize("known", [False, True], ids=["new here", "fetched before"])
def test_what_another_process_writes_while_a_mirror_is_updated_stays_and_is_sent(known, monkeypatch, tmp_path, bucket):
    """It is newer than what is on its way from the bucket, at whatever moment of the update it is written."""
    name, own = "runs/panx/p0/deu.json", b'{"mine": true}'
    bucket.pipe_file(f"/bucket/folder/{name}", b"{}")
    root = local(URL)
    mirror = mirror_of(root)
    if known:
        mirror.update("runs")
        bucket.pipe_file(f"/bucket/folder/{name}", b'{"theirs": true}')
    for step in ("_written", "get_file"):
        kind = type(mirror) if step == "_written" else MemoryFileSystem
        whole = getattr(kind, step)

        def beside(*arguments, whole=whole, step=step, **more):
            found = whole(*arguments, **more)
            found = list(found) if step == "_written" else found
            write_whole(root / name, own)
            return found

        with monkeypatch.context() as patched:
            patched.setattr(kind, step, beside)
            mirror.update("runs")
        assert (root / name).read_bytes() == own
        assert mirror.unsent("runs", lambda _: True) == [name]
        assert not list(root.rglob("*.tmp"))
    mirror.send("runs/panx/p0", [name])
    assert bucket.cat_file(f"/bucket/folder/{name}") == own
    mirror.update("runs")
    assert (root / name).read_bytes() == own


def test_of_many_processes_that_update_one_mirror_each_finds_it_whole(bucket, travelled):
    names = [f"runs/panx/p{i}/deu.json" for i in range(20)]
    for name in names:
        bucket.pipe_file(f"/bucket/folder/{name}", name.encode())
    mirrors = [mirror_of(local(URL)) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:  # locks tell threads apart as they do processes
        list(pool.map(lambda mirror: mirror.update("runs"), mirrors))
    assert all((local(URL) / name).read_text() == name for name in names)
    assert len(travelled["get"]) == len(names)


def test_what_was_removed_from_the_bucket_is_computed_again(monkeypatch, bucket):
    run(URL)
    ((task, key),) = Store(local(URL)).jobs()
    bucket.rm_file(f"/bucket/folder/runs/{task}/{key}/eng.json")
    assert plan(sweep([*WORDS, f"results={URL}"], multirun=False)).open == {key: ("eng",)}


def test_a_file_that_vanishes_between_listing_and_fetching_takes_no_other_with_it(bucket, monkeypatch, tmp_path):
    run(URL)
    on_machine(monkeypatch, tmp_path / "there")
    mirror = mirror_of(local(URL))
    versions = mirror.listing("runs")
    bucket.rm_file(f"/bucket/folder/{min(versions)}")
    mirror.fetch(versions)
    assert sorted(content(local(URL))) == sorted(name for name in sorted(versions)[1:] if not name.endswith("job.json"))


def test_a_bucket_that_cannot_be_written_is_told_before_the_first_job(monkeypatch):
    monkeypatch.setattr(
        MemoryFileSystem, "pipe_file", lambda *_, **__: (_ for _ in ()).throw(PermissionError("denied"))
    )
    with pytest.raises(HarnessError, match=r"cannot be written .PermissionError: denied.. Check the credentials"):
        exchange.check_writable(local(URL))


def test_nothing_is_asked_of_anybody_for_a_plain_folder(tmp_path):
    steps = (
        exchange.check_writable,
        lambda root: exchange.fetch(root, ["x"]),
        lambda root: exchange.look(root, "x", "y"),
        lambda root: exchange.send(root, "x", "y"),
        lambda root: exchange.send_rest(root, [("x", "y")]),
        lambda root: bring(root, root / "x"),
    )
    for step in steps:
        step(tmp_path)
    assert not list(tmp_path.iterdir())
    assert exchange.opened(tmp_path / "no") == tmp_path / "no"


def test_a_bucket_is_a_baseline(monkeypatch, tmp_path):
    run(URL)
    on_machine(monkeypatch, tmp_path / "there")
    with opened(URL, tmp_path, None) as held:
        assert {cell.target for cell in held.cells} == {"eng", "deu"}
        assert all(held.outcomes(cell, next(iter(cell.scores))) is not None for cell in held.cells)


def test_status_says_whose_sweeps_it_cannot_see(capsys):
    run(URL)
    status.show(exchange.opened(URL), as_json=False)
    assert capsys.readouterr().out.startswith(f"{URL}: sweeps of this machine alone")


def test_an_empty_bucket_has_no_store():
    with pytest.raises(HarnessError, match=f"{URL}: no store there yet"):
        exchange.opened(URL)
