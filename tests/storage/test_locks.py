"""Locks hold between processes and end with their holder, however it dies."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading

import pytest

from harness.errors import HarnessError
from harness.storage import locks
from harness.storage.locks import FOR, held, last_holder

HOLD = """
import sys, time
from pathlib import Path
from harness.storage.locks import FOR, held, last_holder
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""

HOLD_AND_FORK = """
import os, sys, time
from pathlib import Path
from harness.storage.locks import FOR, held, last_holder
with held(Path(sys.argv[1])):
    child = os.fork()
    if child == 0:
        print(os.getpid(), flush=True)  # by now it has let go of what it inherited
        time.sleep(60)
        os._exit(0)
    time.sleep(60)
"""

COUNT = """
import sys
from pathlib import Path
from harness.storage.locks import FOR, held, last_holder
lock, counter = Path(sys.argv[1]), Path(sys.argv[2])
for _ in range(100):
    with held(lock):
        counter.write_text(str(int(counter.read_text()) + 1))
"""


def start(program, *arguments):
    return subprocess.Popen([sys.executable, "-c", program, *map(str, arguments)], stdout=subprocess.PIPE, text=True)


@pytest.fixture
def holder(tmp_path):
    process = start(HOLD, tmp_path / "lock")
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_lock_held_elsewhere_is_refused_at_once_when_not_waiting(tmp_path, holder):
    with held(tmp_path / "lock", wait=False) as mine:
        assert mine is False


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_any_death_of_the_holder_releases_the_lock(tmp_path, holder, death):
    holder.send_signal(death)
    holder.wait()
    assert (tmp_path / "lock").exists()
    with held(tmp_path / "lock", wait=False) as mine:
        assert mine is True


def test_a_waiting_process_gets_the_lock_when_the_holder_dies(tmp_path, holder):
    threading.Timer(0.2, holder.kill).start()
    with held(tmp_path / "lock") as mine:
        assert mine is True
        assert holder.wait() == -signal.SIGKILL


def test_a_forked_child_that_outlives_the_holder_does_not_keep_the_lock(tmp_path):
    process = start(HOLD_AND_FORK, tmp_path / "lock")
    child = int(process.stdout.readline())
    try:
        with held(tmp_path / "lock", wait=False) as mine:
            assert mine is False
        process.kill()
        process.wait()
        os.kill(child, 0)  # still alive
        with held(tmp_path / "lock", wait=False) as mine:
            assert mine is True
    finally:
        os.kill(child, signal.SIGKILL)
        process.stdout.close()


def test_the_existence_of_the_file_means_nothing(tmp_path):
    (tmp_path / "lock").touch()
    with held(tmp_path / "lock", wait=False) as mine:
        assert mine is True


def test_an_exception_inside_releases_the_lock(tmp_path):
    with pytest.raises(KeyError), held(tmp_path / "lock"):
        raise KeyError
    with held(tmp_path / "lock", wait=False) as mine:
        assert mine is True


def test_increments_of_several_processes_are_all_counted(tmp_path):
    counter = tmp_path / "counter"
    counter.write_text("0")
    processes = [start(COUNT, tmp_path / "lock", counter) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    for process in processes:
        process.stdout.close()
    assert counter.read_text() == "300"


def test_a_signal_does_not_end_the_waiting(tmp_path, holder):
    seen = []
    before = signal.signal(signal.SIGALRM, lambda *_: seen.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        threading.Timer(0.4, holder.kill).start()
        with held(tmp_path / "lock") as mine:
            assert mine is True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert seen


def test_a_file_system_without_locks_is_named(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(HarnessError, match=r"lock.*refuses locks.*local disk"), held(tmp_path / "lock"):
        pass


def test_a_file_in_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "results").touch()
    with pytest.raises(HarnessError, match=r"cannot write .*results"), held(tmp_path / "results" / "lock"):
        pass


def test_who_holds_a_lock_is_told_while_it_is_held_and_no_longer(tmp_path):
    path = tmp_path / "a.lock"
    assert locks.holder(path) is None
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    assert f"process {process.pid}" in locks.holder(path)
    with held(path, wait=False) as mine:
        assert not mine
    assert f"process {process.pid}" in locks.holder(path)  # one who asked in vain has not signed
    process.kill()
    process.wait()
    assert locks.holder(path) is None


def test_a_lock_tells_what_it_was_last_held_for_and_its_holder_is_named_without(tmp_path):
    path = tmp_path / "one.lock"
    with held(path, what="a job"):
        assert f"process {os.getpid()}" in locks.holder(path)
        assert "a job" not in locks.holder(path)
    assert locks.holder(path) is None
    assert last_holder(path).endswith(f"{FOR}a job")
    with held(path):
        pass
    assert last_holder(path).endswith(FOR)
