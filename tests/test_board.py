"""A suite's board never mixes what was run differently, leaves out what must not count, and says what is missing."""

from __future__ import annotations

import csv
import io
import json

import pytest

from harness.board import board
from harness.board_table import as_json, show
from harness.spec import Provenance, Suite, SuiteTask
from harness.storage.atomic import write_whole
from harness.storage.records import JobRecord, to_json
from harness.storage.store import Store
from harness.suites import read_suite
from harness.sweep.options import Options
from harness.tables import stored
from tests.conftest import cell_record

ACCURACY = "accuracy"
OPTIONS = Options()


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results")


def put(store, task="xnli", scores=None, trained=True, learning_rate=2e-5, options=None, data="d0", **changes):
    """Cells of one job: a score a target, and the record of the job; it looks at data of Swahili that are its own."""
    key = changes.setdefault("predict_key", f"{task}-{changes.get('seed', 1)}")
    for target, score in (scores or {"eng": 0.8, "deu": 0.7, "swh": 0.5}).items():
        given = score if isinstance(score, dict) else {ACCURACY: score}
        record = cell_record(
            task=task, target=target, main_metric=next(iter(given)), cell_key=f"{key}-{target}",
            scores={name: {"score": value, "low": None, "high": None} for name, value in given.items()}, **changes,
        )  # fmt: skip
        write_whole(store.folder(task, key) / f"{target}.json", to_json(record))
    train = {
        "model": {"family": "encoder", "pooling": "mean", "layer": 8, "max_length": 128, "options": options or {}},
        "version": 1,
        "identity": {},
        "pretraining": {},
    }
    if trained:
        train |= {
            "seed": record.seed,
            "size": record.size,
            "balance": None,
            "training": {"learning_rate": learning_rate},
        }
        train["data"] = {"eng/train": data, "swh/train": key}
    store.write_job(
        JobRecord(
            train_key="t", predict_key=key, task=task, model={"name": record.model, "seen": ["eng", "deu"]},
            strategy=record.strategy, sources=record.sources, targets=(), seed=record.seed, training={}, versions={},
            timings={}, tokens={}, backend="torch", checkpoint=None, status="done", host="", curves=[],
            spec={"train": train, "predict": {}},
        )
    )  # fmt: skip


def task(name, languages=("eng", "deu", "swh"), metrics=(ACCURACY,), groups=()):
    return SuiteTask(name, {code: code for code in languages}, metrics, groups)


def of(*tasks):
    return Suite("s", {one.name: one for one in tasks})


def rows(store, suite):
    return board(store, suite, stored(store.root, OPTIONS), OPTIONS)


PAIR = of(task("xnli", groups=("pairs",)), task("masakhaner2", ("hau", "swh"), groups=("tags",)))


def test_a_row_is_a_run_over_all_tasks(store):
    put(store)
    put(store, "masakhaner2", {"hau": 0.4, "swh": 0.6}, sources=("eng",))
    (row,) = rows(store, PAIR).rows
    assert row.scores.overall == pytest.approx(((0.8 + 0.7 + 0.5) / 3 + 0.5) / 2)
    assert row.scores.groups == pytest.approx({"pairs": 2 / 3, "tags": 0.5})
    assert row.summaries["xnli"].without_sources == pytest.approx(0.6)
    assert (row.summaries["xnli"].worst_language, row.summaries["xnli"].worst) == ("swh", 0.5)
    assert row.summaries["xnli"].family_macro == pytest.approx((0.75 + 0.5) / 2)
    assert row.headline.mean == row.scores.overall


@pytest.mark.parametrize(
    "change",
    [{"seed": 2}, {"size": 100}, {"model": "other"}, {"sources": ("deu",)}, {"options": {"width": 64}},
     {"strategy": "few_shot", "shots": 5, "touches": "k"}],
)  # fmt: skip
def test_what_was_run_differently_is_another_row(store, change):
    put(store)
    put(store, "masakhaner2", {"hau": 0.4, "swh": 0.6}, **change)
    found = rows(store, PAIR).rows
    assert len(found) == 2
    assert all(row.scores.overall is None for row in found)


def test_rows_that_are_called_the_same_say_what_differs(store):
    put(store, options={"width": 64})
    put(store, options={"width": 96}, predict_key="wide")
    assert {row.options for row in rows(store, PAIR).rows} == {"model.options.width=64", "model.options.width=96"}


def test_a_task_that_was_run_twice_otherwise_is_no_number_but_a_note(store):
    put(store)
    put(store, learning_rate=1e-5, scores={"eng": 0.9}, predict_key="low")
    (row,) = rows(store, PAIR).rows
    assert row.scores.tasks["xnli"].score is None
    (note,) = row.notes
    assert "training.learning_rate (" in note
    assert "1e-05" in note
    assert "2e-05" in note
    assert "remove all but one of low, xnli-1" in note


def test_runs_on_other_data_of_the_same_name_are_no_number_either(store):
    put(store)
    put(store, predict_key="newer", data="d1")
    (row,) = rows(store, PAIR).rows
    assert row.scores.tasks["xnli"].score is None
    assert "data.eng/train" in row.notes[0]


def test_few_shot_jobs_of_several_targets_are_one_run(store):
    for target, score in {"eng": 0.8, "deu": 0.7, "swh": 0.5}.items():
        put(store, scores={target: score}, predict_key=target, strategy="few_shot", shots=5, touches="k")
    (row,) = rows(store, of(task("xnli"))).rows
    assert row.scores.overall == pytest.approx(2 / 3)
    assert row.run.shots == 5


LIMITED, DEV = "run with a limit", "of runs that looked at the targets' dev"


@pytest.mark.parametrize(("change", "why"), [({"limit": 10}, LIMITED), ({"touches": "dev"}, DEV)])
def test_what_must_not_count_is_left_out_and_counted(store, change, why):
    put(store)
    put(store, scores={"eng": 1.0, "deu": 1.0}, predict_key="other", **change)
    found = rows(store, of(task("xnli")))
    assert len(found.rows) == 1
    assert found.rows[0].scores.overall == pytest.approx(2 / 3)
    assert found.left_out == {why: 2}


def test_a_cell_without_the_record_of_its_job_is_left_out(store):
    put(store)
    (store.folder("xnli", "xnli-1") / "job.json").unlink()
    found = rows(store, of(task("xnli")))
    assert (found.rows, found.left_out) == ((), {"of jobs that did not end; run them again": 3})


def test_what_is_not_trained_counts_for_every_seed_of_its_model(store):
    suite = of(task("xnli"), task("tatoeba", ("deu", "swh")))
    put(store, "tatoeba", {"deu": 0.9, "swh": 0.1}, trained=False, seed=0)
    (alone,) = rows(store, suite).rows
    assert (alone.run.seed, alone.scores.tasks["tatoeba"].score) == (None, 0.5)
    put(store, seed=1)
    put(store, seed=2)
    put(store, seed=3, strategy="few_shot", shots=5, touches="k")
    found = {row.run.seed: row for row in rows(store, suite).rows}
    assert {seed: row.scores.overall is not None for seed, row in found.items()} == {1: True, 2: True, 3: False}


def test_silver_labels_are_beside_the_headline_not_in_it(store):
    suite = of(task("xnli"), task("panx", ("deu",)))
    put(store)
    put(store, "panx", {"deu": 1.0})
    (row,) = rows(store, suite).rows
    assert row.scores.overall == pytest.approx((2 / 3 + 1) / 2)  # the suite's own rule counts it
    assert row.headline.mean == pytest.approx(2 / 3)
    assert row.headline.left_out == {"panx": Provenance.SILVER}


def test_seen_languages_are_apart_and_unknown_ones_are_in_neither_mean(store):
    put(store, model="mine")  # no configuration of that name: what its run was given
    (row,) = rows(store, of(task("xnli"))).rows
    assert (row.summaries["xnli"].seen, row.summaries["xnli"].unseen) == (pytest.approx(0.75), 0.5)
    assert row.summaries["xnli"].unknown == 0
    put(store, "kornli", {"kor": 0.5}, model="lexical")  # its configuration names none
    (other,) = (row for row in rows(store, of(task("kornli", ("kor",)))).rows if row.run.model == "lexical")
    assert (other.summaries["kornli"].seen, other.summaries["kornli"].unseen) == (None, None)
    assert other.summaries["kornli"].unknown == 1


def test_a_metric_that_a_cell_lacks_is_missing(store):
    put(store)
    (row,) = rows(store, of(task("xnli", metrics=(ACCURACY, "macro_f1")))).rows
    assert row.scores.tasks["xnli"].have == 0
    assert row.scores.tasks["xnli"].means[ACCURACY] == pytest.approx(2 / 3)


def whole_mini(store):
    suite = read_suite("mini", OPTIONS)
    for name, one in suite.tasks.items():
        put(store, name, {code: dict.fromkeys(one.metrics, 0.5) for code in one.languages}, model="tiny")


def shown(store, capsys, form="table", where=()):
    show(store.root, "mini", where, None, form)
    return capsys.readouterr().out


def test_the_table_says_what_is_missing_and_where_labels_come_from(store, capsys):
    whole_mini(store)
    text = shown(store, capsys)
    assert "50.0" in text
    assert "79/79" in text
    assert "synthetic" in text
    assert "has" not in text
    (store.folder("mini_qa", "mini_qa-1") / "swh.json").unlink()
    text = shown(store, capsys)
    assert "mini_qa has 15 of 16 languages: no squad_em + squad_f1 of swh" in text
    assert "78/79" in text


def test_machines_read_the_same_numbers(store, capsys):
    whole_mini(store)
    found = json.loads(shown(store, capsys, "json"))
    assert found["provenance"]["mini_ner"] == "synthetic"
    (row,) = found["rows"]
    assert (row["overall"], row["have"], row["want"]) == (50.0, 79, 79)
    assert row["tasks"]["mini_qa"]["metrics"] == {"squad_em": 50.0, "squad_f1": 50.0}
    assert row["tasks"]["mini_qa"]["languages"]["swh"] == 50.0
    (line,) = csv.DictReader(io.StringIO(shown(store, capsys, "csv")))
    assert (line["model"], line["overall"], line["tasks.mini_qa.score"]) == ("tiny", "50.0", "50.0")


def test_what_is_narrowed_away_is_missing(store, capsys):
    whole_mini(store)
    (row,) = json.loads(shown(store, capsys, "json", ["target=eng,deu"]))["rows"]
    assert (row["overall"], row["have"]) == (None, 9)  # English does not look itself up


def test_an_empty_board_is_no_crash(store, capsys):
    put(store)
    assert shown(store, capsys) == "no cell of mini fits\n"
    assert json.loads(shown(store, capsys, "json"))["rows"] == []
    assert as_json(rows(store, of(task("kornli", ("kor",)))))["rows"] == []
    put(store, task="mini_ner")
    show(store.root, "mini", ["task=mini_nli"], None, "csv")
    assert "no cell has task=mini_nli: did you mean 'mini_ner'?" in capsys.readouterr().err


def test_the_table_says_in_words_from_where_an_untrained_task_ran(store, capsys):
    whole_mini(store)
    put(store, "mini_pos", {"deu": 0.5}, model="tiny", sources=("deu",))
    text = shown(store, capsys)
    assert "no overall score without mini_retrieval, which ran from eng only" in text
    (store.folder("mini_ner", "mini_ner-1") / "swh.json").unlink()
    assert "mini_ner has 15 of 16 languages" in shown(store, capsys)
