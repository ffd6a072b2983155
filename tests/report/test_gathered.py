"""A report never mixes what was run differently, leaves out what must not count, and says what it left out."""

from __future__ import annotations

import statistics
from dataclasses import replace

import pytest

from harness.errors import HarnessError
from harness.report.gathered import gather
from harness.report.values import Kind
from harness.storage.records import ErrorRecord
from harness.storage.store import Store
from harness.sweep.options import Options
from tests.report.stores import put

OPTIONS = Options()
NLI = "mini_nli"


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results")


def report(*stores, **options):
    return gather([one.root for one in stores], OPTIONS, **options)


def only(found):
    (board,) = found.boards
    return board


def standing(board, entry):
    (one,) = (one for one in board.standings if one.entry == entry)
    return one


def test_an_entry_is_the_mean_over_its_seeds(store):
    for seed, right in ((1, 5), (2, 6), (3, 9)):
        put(store, {"eng": right, "deu": 4}, seed=seed)
    found = report(store)
    (entry,) = found.entries.values()
    assert (entry.id, entry.seeds, entry.kind) == ("mine.eng", (1, 2, 3), Kind.RUN)
    score = only(found).tasks[NLI].scores["mine.eng"]["eng"]
    assert score.value == pytest.approx(statistics.mean([0.5, 0.6, 0.9]))
    assert score.spread == pytest.approx(statistics.stdev([0.5, 0.6, 0.9]))
    assert (score.low, score.high, score.n) == (None, None, 10)
    assert [Store(store.root).read_cell(NLI, path.split("/")[-2], "eng").seed for path in score.records] == [1, 2, 3]
    assert entry.cost.seconds == {"train": 6.0, "score": 3.0}
    assert entry.cost.tokens == {"real": 30}


def test_one_seed_keeps_its_interval_and_has_no_spread(store):
    put(store, {"eng": 5})
    score = only(report(store)).tasks[NLI].scores["mine.eng"]["eng"]
    assert (score.low, score.high, score.spread) == (pytest.approx(0.4), pytest.approx(0.6), None)


def test_a_seed_without_all_languages_does_not_count_and_is_told(store):
    put(store, {"eng": 5, "deu": 5}, seed=1)
    put(store, {"eng": 7, "deu": 7}, seed=2)
    put(store, {"eng": 1}, seed=3)
    found = report(store)
    assert found.entries["mine.eng"].seeds == (1, 2)
    assert only(found).tasks[NLI].scores["mine.eng"]["eng"].value == pytest.approx(0.6)
    assert "mini_nli: seed 3 without deu, and not counted" in standing(only(found), "mine.eng").notes


def test_tasks_with_other_seeds_are_told(store):
    put(store, {"eng": 5}, seed=1)
    put(store, {"eng": 5}, "mini_pos", seed=2)
    assert "seeds differ between tasks: mini_nli 1; mini_pos 2" in standing(only(report(store)), "mine.eng").notes


def test_seeds_that_were_trained_otherwise_are_no_number_but_a_note(store):
    put(store, {"deu": 5}, seed=1)
    put(store, {"deu": 9}, seed=2, learning_rate=1e-5)
    put(store, {"deu": 1}, model="other")
    with pytest.raises(HarnessError, match=r"nothing to report; mine\.eng: mini_nli: several runs"):
        report(store, where=["model=mine"])
    board = only(report(store))
    assert [(one.entry, one.rank, one.have) for one in board.standings] == [("other.eng", 1, 1), ("mine.eng", None, 0)]
    (note,) = standing(board, "mine.eng").notes
    assert "training.learning_rate (2e-05 or 1e-05)" in note
    assert "remove all but one of" in note


def test_an_entry_that_is_on_no_board_is_told_all_the_same(store):
    put(store, {"deu": 5})
    put(store, {"deu": 5, "fin": 5}, "mini_pos", model="other")
    put(store, {"deu": 9, "fin": 9}, "mini_pos", model="other", learning_rate=1e-5, predict_key="low")
    put(store, {"deu": 5}, "north_ner")
    board = only(report(store))
    assert list(board.tasks) == [NLI]
    told = dict(board.left_out)
    assert told.pop("of north_ner, which no configuration names: pass --config-dir") == 1
    ((why, count),) = told.items()
    assert why.startswith("of other.eng: mini_pos: several runs, which differ in training.learning_rate")
    assert count == 4


def test_ways_of_transfer_have_boards_of_their_own(store):
    put(store, {"eng": 5})
    put(store, {"eng": 5}, strategy="few_shot", shots=5, touches="k")
    put(store, {"eng": 5}, strategy="few_shot", shots=10, touches="k")
    put(store, {"eng": 5}, strategy="multi_source", sources=("deu", "eng"))
    put(store, {"eng": 5}, size=100)
    found = report(store)
    assert [board.id for board in found.boards] == [
        "mini.zero_shot", "mini.few_shot.k5", "mini.few_shot.k10", "mini.multi_source", "mini.zero_shot.n100",
    ]  # fmt: skip
    assert found.boards[1].title == "mini, few-shot, k = 5, synthetic data"
    assert [len(board.standings) for board in found.boards] == [1] * 5


def test_floors_are_rows_and_stand_on_every_board(store):
    put(store, {"eng": 5, "deu": 5}, strategy="few_shot", shots=5, touches="k")
    put(store, {"eng": 6, "deu": 4}, model="majority", family="majority")
    put(store, {"eng": 3, "deu": 5}, model="chance", family="chance")
    found = report(store)
    few = next(board for board in found.boards if "few_shot" in board.id)
    assert {one.entry for one in few.standings} == {"mine.few_shot.eng.k5", "majority.eng", "chance.eng"}
    assert few.tasks[NLI].floor == {"eng": pytest.approx(0.6), "deu": pytest.approx(0.5)}
    floor = standing(few, "majority.eng")
    assert (found.entries["majority.eng"].kind, floor.rank, floor.borda_rank, floor.win_rate) == (
        Kind.FLOOR,
        None,
        None,
        None,
    )


def test_a_floor_that_is_the_same_from_every_source_stands_once(store):
    for source in ("eng", "deu"):
        put(store, {"eng": 5, "deu": 5, "fin": 5}, sources=(source,))
        put(store, {"eng": 6, "deu": 4, "fin": 3}, model="majority", family="majority", sources=(source,))
    put(store, {"eng": 3, "deu": 5}, model="chance", family="chance", sources=("eng",))
    put(store, {"eng": 3, "deu": 4}, model="chance", family="chance", sources=("deu",))
    found = report(store)
    assert set(found.entries) == {"mine.eng", "mine.deu", "majority", "chance.eng", "chance.deu"}
    assert (found.entries["majority"].sources, found.entries["majority"].cost.seconds["train"]) == ((), 4.0)
    board = only(found)
    assert {code: round(one.value, 6) for code, one in board.tasks[NLI].scores["majority"].items()} == {
        "eng": 0.6, "deu": 0.4, "fin": 0.3,
    }  # fmt: skip
    assert standing(board, "majority").score == pytest.approx(0.3)  # of Finnish, which nobody was trained on
    assert board.tasks[NLI].over["majority"].gap is None


def test_a_floor_that_was_run_on_other_tasks_stays_apart(store):
    put(store, {"eng": 6}, model="majority", family="majority", sources=("eng",))
    put(store, {"eng": 6}, model="majority", family="majority", sources=("deu",))
    put(store, {"eng": 6}, "mini_pos", model="majority", family="majority", sources=("deu",))
    assert set(report(store).entries) == {"majority.eng", "majority.deu"}


def test_a_floor_in_retrieval_has_the_languages_of_all_sources(store):
    search = {"task": "mini_retrieval", "metrics": ("retrieval_accuracy|direction:both",), "trained": False}
    for source, target in (("eng", "deu"), ("deu", "eng")):
        put(store, {target: 1, "fin": 1}, model="majority", family="majority", sources=(source,), **search)
        put(store, {target: 5, "fin": 5}, sources=(source,), **search)
    over = only(report(store)).tasks["mini_retrieval"].over["majority"]
    assert (over.have, over.want) == (3, 16)


def test_parameters_are_of_the_largest_model_of_a_run(store):
    for task, size in ((NLI, 1000), ("mini_pos", 1010)):
        key = put(store, {"eng": 5}, task)
        store.write_job(replace(job := store.read_job(task, key), model={**job.model, "parameters": size}))
    put(store, {"eng": 5}, model="other")
    entries = report(store).entries
    assert entries["mine.eng"].cost.parameters == 1010
    assert entries["other.eng"].cost.parameters is None


def test_failed_jobs_are_counted_by_the_languages_that_they_owe(store):
    error = ErrorRecord.of(MemoryError(), {"targets": ("deu", "eng", "fin")})
    store.write_error(NLI, "gone", error)
    with pytest.raises(HarnessError, match=r"nothing to report; left out: 3 cells of jobs that failed \(MemoryError"):
        report(store)
    key = put(store, {"eng": 5})
    store.write_error(NLI, key, error)
    (left_out,) = only(report(store)).left_out.items()
    assert left_out == ("of jobs that failed (MemoryError; the error.json of each says why); run them again", 5)
    put(store, {"eng": 5, "deu": 5, "fin": 5}, predict_key=key)
    put(store, {"eng": 5, "deu": 5, "fin": 5}, predict_key="gone", seed=2)
    assert only(report(store)).left_out == {}


@pytest.mark.parametrize(
    ("change", "why"),
    [({"limit": 3}, "run with a limit"), ({"touches": "dev"}, "of runs that looked at the targets' dev")],
)
def test_what_must_not_count_is_left_out_and_counted(store, change, why):
    put(store, {"eng": 5})
    put(store, {"eng": 9, "deu": 9}, model="other", **change)
    board = only(report(store))
    assert [one.entry for one in board.standings] == ["mine.eng"]
    assert board.left_out == {why: 2}


def test_a_damaged_record_is_reported_and_the_rest_counts(store):
    key = put(store, {"eng": 5, "deu": 6})
    (store.folder(NLI, key) / "deu.json").write_text('{"schema": 1')
    board = only(report(store))
    assert set(board.tasks[NLI].scores["mine.eng"]) == {"eng"}
    assert board.left_out == {"that were damaged; they were moved aside, run them again": 1}
    assert (store.folder(NLI, key) / "deu.json.damaged-1").is_file()


def test_a_cell_without_its_job_is_left_out(store):
    put(store, {"eng": 5})
    key = put(store, {"eng": 9}, model="other")
    (store.folder(NLI, key) / "job.json").unlink()
    assert only(report(store)).left_out == {"of jobs that did not end; run them again": 1}


def test_a_cell_without_the_suite_s_metric_says_what_computes_it(store):
    put(store, {"eng": 5})
    put(store, {"eng": 9}, model="other", metrics=("macro_f1",))
    assert only(report(store)).left_out == {"without accuracy; `harness rescore` computes it": 1}


def test_cells_on_other_evaluation_data_are_not_on_the_board(store):
    put(store, {"eng": 5, "deu": 5})
    put(store, {"eng": 6, "deu": 6}, model="second")
    put(store, {"eng": 9, "deu": 9}, model="old", data="other")
    put(store, {"eng": 9}, "mini_pos", model="old")
    board = only(report(store))
    assert board.tasks[NLI].data == {"deu": "d-deu", "eng": "d-eng"}
    assert board.tasks[NLI].scores["old.eng"] == {}
    assert "2 cells on other evaluation data than the board's: run them again" in standing(board, "old.eng").notes


def test_of_as_many_cells_the_newer_evaluation_data_counts(store):
    put(store, {"deu": 5}, created="2026-01-02T00:00:00+00:00")
    put(store, {"deu": 9}, model="newer", data="new", created="2026-01-03T00:00:00+00:00")
    board = only(report(store))
    assert [(one.entry, one.score) for one in board.standings] == [("newer.eng", 0.9), ("mine.eng", None)]
    assert board.tasks[NLI].scores["mine.eng"] == {}


def test_searches_from_several_sources_share_a_board(store):
    metrics = ("retrieval_accuracy|direction:both",)
    put(store, {"fin": 5, "deu": 5}, "mini_retrieval", trained=False, data="from eng", metrics=metrics)
    put(
        store, {"fin": 6, "eng": 5}, "mini_retrieval", trained=False, data="from deu", metrics=metrics, sources=("deu",)
    )
    board = only(report(store))
    assert len(board.standings) == 2
    assert board.tasks["mini_retrieval"].data["fin"] == "from deu-fin from eng-fin"
    over = board.tasks["mini_retrieval"].over["mine.eng"]
    assert (over.want, over.gap) == (15, None)  # English does not look for itself


def test_what_is_not_trained_counts_for_every_seed(store):
    put(store, {"fin": 5}, "mini_retrieval", trained=False, metrics=("retrieval_accuracy|direction:both",), seed=0)
    put(store, {"eng": 5}, seed=1)
    put(store, {"eng": 6}, seed=2)
    found = report(store)
    assert set(only(found).tasks) == {NLI, "mini_retrieval"}
    (entry,) = found.entries.values()
    assert entry.seeds == (1, 2)
    assert only(found).tasks["mini_retrieval"].scores[entry.id]["fin"].spread is None
    assert entry.cost.seconds["train"] == 6.0


def test_the_same_run_in_two_stores_counts_once(store, tmp_path):
    other = Store(tmp_path / "other")
    for one in (store, other):
        put(one, {"eng": 5})
    put(other, {"eng": 7}, model="second")
    found = report(store, other)
    assert set(found.entries) == {"mine.eng", "second.eng"}
    assert len(only(found).tasks[NLI].scores["mine.eng"]["eng"].records) == 1
    assert found.entries["mine.eng"].cost.seconds["train"] == 2.0


def test_one_run_with_two_scores_is_no_number_but_a_note_with_both(store, tmp_path):
    other = Store(tmp_path / "other")
    put(store, {"eng": 5, "deu": 5})
    put(other, {"eng": 6, "deu": 5})
    for one in (store, other):
        put(one, {"eng": 5}, "mini_pos")
    board = only(report(store, other))
    assert board.tasks.keys() == {"mini_pos"}
    (note,) = standing(board, "mine.eng").notes
    assert "mini_nli, eng: run mine-mini_nli-eng-1" in note
    assert f"has different scores, 50.0000 ({store.root}/runs/" in note
    assert f"and 60.0000 ({other.root}/runs/" in note
    assert "remove one of them" in note


def test_entries_that_are_called_the_same_say_what_differs(store):
    put(store, {"eng": 5})
    put(store, {"eng": 6}, predict_key="other", family="lexical")
    found = report(store)
    assert {entry.options for entry in found.entries.values()} == {"model.family=encoder", "model.family=lexical"}
    assert len({entry.id for entry in found.entries.values()}) == 2


def test_synthetic_and_real_data_never_share_a_board(store, tmp_path):
    folder = tmp_path / "conf" / "suite"
    folder.mkdir(parents=True)
    (folder / "both.yaml").write_text("name: both\ntasks: {mini_nli: null, kornli: null}\n")
    put(store, {"eng": 5})
    put(store, {"kor": 5}, "kornli")
    found = gather([store.root], Options.beside(folder.parent), suites=["both"])
    assert [(board.id, board.synthetic, list(board.tasks)) for board in found.boards] == [
        ("both.zero_shot", False, ["kornli"]), ("both.zero_shot.synthetic", True, ["mini_nli"]),
    ]  # fmt: skip
    assert all(one.overall is None for board in found.boards for one in board.standings)


def test_tasks_of_no_suite_have_a_board(store):
    put(store, {"kor": 5}, "kornli")
    board = only(report(store))
    assert (board.id, board.title, board.suite) == ("other.zero_shot", "tasks of no suite, zero-shot", "")
    assert board.standings[0].overall is None


def test_conditions_narrow_what_is_read(store):
    put(store, {"eng": 5, "deu": 5})
    put(store, {"eng": 6}, model="second")
    board = only(report(store, where=["model=second"]))
    assert [one.entry for one in board.standings] == ["second.eng"]
    assert set(only(report(store, where=["target=deu", "suite=mini"])).tasks[NLI].scores["mine.eng"]) == {"deu"}
    with pytest.raises(HarnessError, match="did you mean 'target'"):
        report(store, where=["tagret=deu"])
    with pytest.raises(HarnessError, match="no cell fits --where model=nobody"):
        report(store, where=["model=nobody"])


def test_nothing_to_report_says_why_and_what_to_do(store, tmp_path):
    with pytest.raises(HarnessError, match="no store there yet; `harness run` makes one"):
        report(store)
    (store.root / "runs").mkdir(parents=True)
    with pytest.raises(HarnessError, match="nothing to report; `harness run` makes results"):
        report(store)
    put(store, {"eng": 5}, limit=3)
    with pytest.raises(HarnessError, match="left out: 1 cell run with a limit"):
        report(store)
    put(store, {"eng": 5}, "north_ner")
    with pytest.raises(HarnessError, match="no configuration of north_ner: pass --config-dir"):
        report(store)
    with pytest.raises(HarnessError, match="unknown suite 'xtrem': did you mean 'xtreme'"):
        report(store, suites=["xtrem"])


def test_the_report_says_what_it_was_made_with(store):
    put(store, {"eng": 5})
    found = report(store)
    assert found.versions == {"python": "3.11"}
    assert found.languages["deu"]["family"] == "Indo-European"
    assert found.methods["metrics"]["accuracy"].startswith("Accuracy of labels")
    assert "synthetic" in found.methods["data"][NLI]
