"""Seen, unseen and unknown are three things, in every long table."""

from __future__ import annotations

from harness.seen import NO, UNKNOWN, YES, seen_languages, status
from harness.storage.atomic import write_whole
from harness.storage.records import to_json
from harness.storage.store import Store
from harness.sweep.options import Options
from harness.tables import narrowed, stored
from tests.conftest import cell_record


def test_nobody_saying_so_is_not_unseen():
    assert status("deu", {"deu"}) == YES
    assert status("swh", {"deu"}) == NO
    assert status("swh", ()) == UNKNOWN


def test_todays_configuration_counts_for_what_was_run_before(tmp_path):
    store = Store(tmp_path / "results")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mine.yaml").write_text("seen: [de, zh_Hans]")
    options = Options((f"file://{tmp_path}", "pkg://conf"))
    assert seen_languages("mine", ("panx", "p0"), store, options) == {"deu", "zho-Hans"}
    assert seen_languages("nobody", ("panx", "p0"), store, options) == frozenset()


def test_the_long_table_says_whether_the_target_was_seen(tmp_path):
    store = Store(tmp_path / "results")
    for model, target in (("tiny", "deu"), ("tiny", "yor"), ("lexical", "deu")):
        record = cell_record(task="panx", model=model, target=target, predict_key=model)
        write_whole(store.folder("panx", model) / f"{target}.json", to_json(record))
    frame = stored(store.root, Options())
    told = {(row.model, row.target): row.seen for row in frame.itertuples()}
    assert told == {("tiny", "deu"): YES, ("tiny", "yor"): NO, ("lexical", "deu"): UNKNOWN}
    assert narrowed(frame, ["seen=no"])["target"].tolist() == ["yor"]
