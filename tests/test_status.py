"""How far a sweep is, told from the store alone."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from harness.compose import sweep
from harness.manifest import manifest, running
from harness.plan import plan
from harness.records import ErrorRecord
from harness.runner import lock_of, run
from harness.status import status

WORDS = ("task=mini_ner", "model=majority", "source=eng,deu,spa,fin", "target=eng,jpn", "tracking=none")


@pytest.fixture
def planned(tmp_path):
    return plan(sweep([*WORDS, f"results={tmp_path}/results"], multirun=True))


def test_every_job_is_done_running_queued_or_failed(planned):
    store = planned.setting.store
    done, failed, held, _ = planned.jobs
    with manifest(planned, "task=mini_ner", "joblib"):
        assert run(done.job, planned.setting).status == "done"
        store.write_error("mini_ner", failed.predict_key, ErrorRecord.of(ValueError("no such file"), {}))
        with store.lock(lock_of(held)):
            (found,) = running(store)
            began = datetime.fromisoformat(found.started)
            told = status(store, found, began + timedelta(hours=2))
            assert status(store, found, began).per_hour is None
    assert found.alive
    assert (len(found.jobs), told.done, told.queued) == (4, 1, 1)
    assert told.failed == {str(failed.job): "ValueError: no such file"}
    assert list(told.running) == [str(held.job)]
    assert "process" in told.running[str(held.job)]
    assert told.per_hour == 0.5  # one job in two hours; the two that are left take four more
    assert datetime.fromisoformat(told.end) == (began + timedelta(hours=6)).replace(second=0)
    assert list(running(store)) == []  # a sweep that ended leaves nothing


def test_what_was_done_before_the_sweep_says_nothing_of_its_pace(planned):
    store = planned.setting.store
    run(planned.jobs[0].job, planned.setting)
    with manifest(planned, "", "basic"):
        (found,) = running(store)
        late = type(found)(**{**{name: getattr(found, name) for name in found.__slots__}, "started": _tomorrow()})
        assert status(store, late, datetime.now(UTC) + timedelta(days=2)).per_hour is None


def test_a_sweep_whose_launcher_was_killed_is_said_to_be_so(planned, tmp_path, harness):
    store = planned.setting.store
    code = (
        "import os, sys\nfrom harness.compose import sweep\nfrom harness.manifest import manifest\n"
        "from harness.plan import plan\nwith manifest(plan(sweep(sys.argv[1:], multirun=True)), 'a b', 'basic'):\n"
        "    os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", code, *WORDS, f"results={tmp_path}/results"], check=False)
    (found,) = running(store)
    assert not found.alive
    said = harness("status", code=0).stdout
    assert "launching process is gone" in said
    assert "0 done, 0 running, 4 queued, 0 failed" in said
    (as_json,) = json.loads(harness("status", "--json", code=0).stdout)
    assert as_json["end"] is None


def test_no_sweep_and_no_store(harness, tmp_path):
    assert "no store there yet" in harness("status", code=2).stderr
    (tmp_path / "results").mkdir()
    assert "no sweep is under way" in harness("status", code=0).stdout


def _tomorrow() -> str:
    return (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="seconds")
