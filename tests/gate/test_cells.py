"""Cell by cell, the gate fails what got worse beyond its tolerance and beyond chance, and nothing else."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest
from statsmodels.stats.multitest import multipletests

from harness import scoring
from harness.gate.as_json import as_json
from harness.gate.matched import Outcome
from harness.gate.sides import Stored
from harness.gate.verdict import check
from harness.stats.regressions import Method
from harness.storage.store import Store
from harness.sweep import build
from harness.sweep.options import Options
from tests.conftest import cell_record
from tests.gate.stores import ACCURACY, TODAY, against, answers, job, lock_at, locked, put, rules


def outcomes(verdict):
    return {row.cell.target: row.outcome for row in verdict.rows}


def row(verdict, target="deu"):
    return next(row for row in verdict.rows if row.cell.target == target)


def test_the_store_passes_the_lock_made_from_it_and_no_table_is_read(store, lock, monkeypatch):
    monkeypatch.setattr(Store, "examples", lambda *_: pytest.fail("a table was read"))
    verdict = against(lock, store)
    assert verdict.exit_code == 0
    assert outcomes(verdict) == {"deu": Outcome.PASSED, "swh": Outcome.PASSED}
    assert verdict.line == "PASSED against mini (mini): 2 passed (2 of them unchanged); averages: 3 passed"


def test_a_drop_is_tested_by_mcnemar_and_told_in_one_sentence(store, lock):
    put(store, answers(290))
    verdict = against(lock, store)
    found = row(verdict)
    assert found.outcome is Outcome.REGRESSED
    assert verdict.exit_code == 1
    assert found.evidence.method is Method.MCNEMAR
    # thirty examples changed, all of them for the worse
    assert found.evidence.p == pytest.approx(binomtest(30, 30, alternative="greater").pvalue)
    assert math.isclose(found.change, -30 / 400)
    assert verdict.rows[0] is found, "the worst comes first"


def test_holm_is_over_all_cells_the_unchanged_ones_among_them(tmp_path):
    store = Store(tmp_path / "results")
    languages = ("deu", "fra", "por", "swh", "fin")
    for target in languages:
        put(store, answers(300), target)
    lock = locked(store, tmp_path / "mini.json")
    put(store, answers(292), "deu")
    put(store, answers(295), "fra")
    verdict = against(lock, store)
    p = [row.evidence.p for row in verdict.rows]
    assert sorted(p)[2:] == [1.0] * 3
    expected = multipletests(p, method="holm")[1]
    assert [row.evidence.adjusted for row in verdict.rows] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("right", "tolerance", "outcome"),
    [
        (290, 0.02, Outcome.REGRESSED),
        (290, 0.08, Outcome.PASSED),  # significant, and no worse than is tolerated
        (290, 30 / 400, Outcome.PASSED),  # exactly the tolerance
        (318, 0.002, Outcome.WORSE),  # beyond the tolerance, and by two examples
        (350, 0.02, Outcome.IMPROVED),
        (322, 0.002, Outcome.PASSED),  # better by two examples: nothing to tell
        (321, 0.02, Outcome.PASSED),
    ],
)
def test_only_a_drop_beyond_both_fails(store, lock, right, tolerance, outcome):
    put(store, answers(right))
    verdict = against(lock, store, tolerance=tolerance, margin=0.5)
    assert row(verdict).outcome is outcome
    assert verdict.exit_code == int(outcome is Outcome.REGRESSED)


def test_other_predictions_with_equal_outcomes_are_unchanged(tmp_path):
    store = Store(tmp_path / "results")
    put(store, answers(320), ids=[f"{i}" for i in range(400)], groups=["g"] * 400)
    lock = locked(store, tmp_path / "mini.json")
    record = put(store, answers(320), ids=[f"{i}" for i in range(400)], groups=["g"] * 400)
    table = store.examples(record.task, record.predict_key, "deu").assign(prediction='"another"')
    store.write_cell(record, table)
    (found,) = against(lock, store).rows
    assert found.pair.candidate[0].table != found.pair.baseline[0].table
    assert found.outcome is Outcome.PASSED
    assert found.unchanged


def test_scores_alone_are_held_to_the_tolerance_and_the_report_says_so(store, lock, tmp_path):
    content = (tmp_path / "results" / "runs" / "mini_nli" / "p0").glob("*.parquet")
    for table in content:
        table.unlink()
    other = Store(tmp_path / "other")
    put(other, answers(290))
    put(other, answers(239), "swh")
    verdict = against(Stored.of(store, "before"), other)
    assert outcomes(verdict) == {"deu": Outcome.REGRESSED, "swh": Outcome.PASSED}
    assert row(verdict).evidence is None
    assert "scores alone are known" in row(verdict).reason
    assert any("2 cells scores alone are known" in note for note in verdict.notes)


# -- what was trained anew


def test_a_retrained_model_is_given_the_spread_between_seeds(store, lock):
    record = put(store, answers(290))
    job(store, record)
    verdict = against(lock, store, retrained="auto", seed_sd=0.05)
    found = row(verdict)
    assert found.evidence.method is Method.RETRAINED
    assert found.outcome is Outcome.WORSE
    assert found.evidence.se == pytest.approx(np.sqrt(2 * 0.05**2 + paired_variance(answers(320), answers(290))))
    assert against(lock, store, retrained="auto", seed_sd=0.001).exit_code == 1
    assert against(lock, store, retrained="no", seed_sd=0.05).exit_code == 1


def paired_variance(before, after):
    difference = after.astype(float) - before
    return difference.var(ddof=1) / len(difference)


@pytest.mark.parametrize("told", [{"trained": False}, {"family": "predictions"}])
def test_what_was_not_trained_is_not_retrained(store, lock, told):
    record = put(store, answers(290))
    job(store, record, **told)
    assert row(against(lock, store, retrained="auto", seed_sd=0.05)).evidence.method is Method.MCNEMAR


def test_three_seeds_of_the_baseline_say_themselves_how_far_seeds_lie_apart(tmp_path):
    store, other = Store(tmp_path / "results"), Store(tmp_path / "other")
    for seed, right in enumerate((310, 320, 330)):
        put(store, answers(right), seed=seed, predict_key=f"p{seed}")
    put(other, answers(300), seed=1)
    lock = locked(store, tmp_path / "mini.json")
    (found,) = against(lock, other, retrained="auto", seed_sd=0.9).rows
    assert found.pair.seeds == (0, 1, 2)
    assert found.baseline == pytest.approx(0.8)
    assert found.score == 0.75
    assert found.reason == "1 of 3 seeds"
    between = np.var([0.775, 0.8, 0.825], ddof=1) * (1 / 3 + 1)
    mean = np.mean([answers(right) for right in (310, 320, 330)], axis=0)
    assert found.evidence.se == pytest.approx(np.sqrt(between + paired_variance(mean, answers(300))))


def test_without_retraining_each_seed_is_held_to_itself(tmp_path):
    store = Store(tmp_path / "results")
    for seed, right in enumerate((310, 330)):
        put(store, answers(right), seed=seed, predict_key=f"p{seed}")
    lock = locked(store, tmp_path / "mini.json")
    put(store, answers(280), seed=1, predict_key="p1")
    verdict = against(lock, store)
    assert {row.pair.seeds: row.outcome for row in verdict.rows} == {(1,): Outcome.REGRESSED, (0,): Outcome.PASSED}


# -- what is not there, or is something else


def test_a_missing_language_fails(store, lock):
    (store.folder("mini_nli", "p0") / "deu.json").unlink()
    verdict = against(lock, store)
    assert outcomes(verdict) == {"deu": Outcome.MISSING, "swh": Outcome.PASSED}
    assert verdict.exit_code == 1


@pytest.mark.parametrize(
    ("until", "outcome", "words"),
    [("2026-06-01", Outcome.ALLOWED, "until 2026-06-01: withdrawn"), ("2026-05-31", Outcome.MISSING, "expired")],
)
def test_a_missing_language_may_be_allowed_until_a_day(store, lock, until, outcome, words):
    (store.folder("mini_nli", "p0") / "deu.json").unlink()
    allow = [{"task": "mini_nli", "language": "German", "until": until, "why": "withdrawn"}]
    verdict = against(lock, store, allow=allow)
    assert row(verdict).outcome is outcome
    assert words in row(verdict).reason
    assert verdict.exit_code == int(outcome is Outcome.MISSING)


def test_an_allowance_excuses_no_regression(store, lock):
    put(store, answers(200))
    allow = [{"language": "deu", "until": "2027-01-01", "why": "withdrawn"}]
    assert row(against(lock, store, allow=allow)).outcome is Outcome.REGRESSED


def test_a_damaged_record_is_missing_and_says_where_it_lies(store, lock):
    path = store.folder("mini_nli", "p0") / "deu.json"
    path.write_bytes(path.read_bytes()[:-40])
    verdict = against(lock, store)
    assert row(verdict).outcome is Outcome.MISSING
    assert "damaged" in row(verdict).reason
    assert path.with_name("deu.json.damaged-1").exists(), "what was there is kept"


def test_a_score_that_is_no_number_does_not_pass(store, lock):
    side = Stored.of(store, "results")
    cells = [replace(cell, scores={ACCURACY: math.nan}) if cell.target == "deu" else cell for cell in side.cells]
    verdict = check(lock, replace(side, cells=tuple(cells)), rules(), TODAY)
    assert row(verdict).outcome is Outcome.NOT_A_NUMBER
    assert verdict.exit_code == 1
    assert json.loads(json.dumps(as_json(verdict), allow_nan=False))["cells"][0]["now"] is None
    path = store.folder("mini_nli", "p0") / "deu.json"
    path.write_bytes(path.read_bytes().replace(b'"score": 0.8', b'"score": NaN'))
    assert row(against(lock, store)).outcome is Outcome.MISSING  # the store takes no such record for one


def test_a_damaged_table_is_missing(store, lock):
    put(store, answers(310))
    table = store.folder("mini_nli", "p0") / "deu.examples.parquet"
    table.write_bytes(table.read_bytes()[:-10])
    verdict = against(lock, store)
    assert row(verdict).outcome is Outcome.MISSING
    assert "not those that the record was made with" in row(verdict).reason


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": "cd" * 32}, "cdcdcdcdcdcd, abababababab in the baseline"),
        ({"ids": [f"y{i}" for i in range(400)]}, "the examples are others"),
        ({"groups": [f"g{i // 2}" for i in range(400)]}, "the examples are others"),
    ],
)
def test_other_data_or_other_examples_are_incomparable(store, lock, change, words):
    put(store, answers(300), **change)
    verdict = against(lock, store)
    assert row(verdict).outcome is Outcome.INCOMPARABLE
    assert words in row(verdict).reason
    assert verdict.exit_code == 3


def test_another_number_of_examples_and_another_metric_are_incomparable(store, lock):
    put(store, answers(300, 401))
    assert "401 examples, 400 in the baseline" in row(against(lock, store)).reason
    record = put(store, answers(300))
    path = store.folder("mini_nli", "p0") / "deu.json"
    path.write_bytes(path.read_bytes().replace(b'"accuracy"', b'"matthews"'))
    found = row(against(lock, store))
    assert found.outcome is Outcome.INCOMPARABLE
    assert "matthews" in found.reason
    assert record.target == "deu"


def test_a_metric_that_counts_differently_now_is_incomparable(store, lock):
    path = store.folder("mini_nli", "p0") / "deu.json"
    path.write_bytes(path.read_bytes().replace(b'"score": 0.8', b'"score": 0.7'))
    assert "the metric counts differently" in row(against(lock, store)).reason
    put(store, answers(300))
    path.write_bytes(path.read_bytes().replace(b'"score": 0.75', b'"score": 0.76'))
    assert "counts give 0.750000 today, its record says 0.760000" in row(against(lock, store)).reason


def test_two_runs_that_disagree_are_incomparable_and_named(store, lock):
    put(store, answers(300), predict_key="p1")
    verdict = against(lock, store)
    assert row(verdict).outcome is Outcome.INCOMPARABLE
    assert "p0, p1" in row(verdict).reason
    put(store, answers(320), predict_key="p1")
    assert against(lock, store).exit_code == 0


def test_a_baseline_whose_runs_disagree_is_incomparable(store, tmp_path):
    put(store, answers(300), predict_key="p1")
    other = Store(tmp_path / "other")
    put(other, answers(300))
    found = row(against(Stored.of(store, "before"), other))
    assert found.outcome is Outcome.INCOMPARABLE
    assert "the baseline's runs disagree (p0, p1)" in found.reason


@pytest.mark.parametrize("change", [{"size": 100}, {"shots": 5}, {"limit": 10}, {"sources": ("deu",)}, {"seed": 2}])
def test_a_cell_of_another_configuration_is_no_answer(store, lock, change):
    (store.folder("mini_nli", "p0") / "deu.json").unlink()
    put(store, answers(320), predict_key="p1", **change)
    found = row(against(lock, store))
    assert found.outcome is Outcome.MISSING
    if "limit" in change:
        assert "with a limit" in found.reason
    if "seed" in change:
        assert "only other seeds are stored: 2" in found.reason


def test_nothing_compared_is_no_pass(lock, tmp_path):
    verdict = against(lock, Store(tmp_path / "empty"))
    assert verdict.exit_code == 3
    assert any("holds no cell at all" in note for note in verdict.notes)


def test_a_regression_outweighs_what_is_incomparable(store, lock):
    put(store, answers(300), data="cd" * 32)
    put(store, answers(100), "swh")
    assert against(lock, store).exit_code == 1


def test_labels_of_a_metric_come_from_the_table(tmp_path):
    """Macro F1 has columns for the labels of its task, which the gate does not know."""
    task = build.task("mini_nli", {**Options().read("task", "mini_nli"), "metrics": ["macro_f1"]}, Options())
    gold = ["entailment", "neutral", "contradiction"] * 20
    store, other = Store(tmp_path / "results"), Store(tmp_path / "other")
    for where, predicted in ((store, gold), (other, ["neutral"] * 60)):
        scores, table = scoring.recount(task, "deu", [*map(str, range(60))], [*map(str, range(60))], gold, predicted)
        record = cell_record(task="mini_nli", scores=scores, main_metric="macro_f1", n=60, groups=60, data="ab" * 32)
        where.write_cell(record, table)
    for baseline in (locked(store, tmp_path / "mini.json"), Stored.of(store, "before")):
        (found,) = against(baseline, other).rows
        assert found.outcome is Outcome.REGRESSED
        assert found.evidence.baseline == 1.0
    assert lock_at(tmp_path / "mini.json").cells == locked(store, tmp_path / "again.json").cells


def test_a_run_that_was_made_otherwise_is_named(store, lock, tmp_path):
    assert not any("made otherwise" in note for note in against(lock, store).notes)
    other = Store(tmp_path / "other")
    put(other, answers(320), predict_key="p9")  # as after another number of epochs
    (said,) = (note for note in against(lock, other).notes if "made otherwise" in note)
    assert said.endswith("1 run (mini_nli tiny zero_shot from eng)")


def test_training_numbers_that_differ_are_named_where_both_sides_know_theirs(tmp_path):
    """Only the learning rate and the epochs are others, and the scores are within the noise."""
    stores = [Store(tmp_path / name) for name in ("before", "after")]
    for store, key, rate, epochs in ((stores[0], "p0", 1e-3, 3), (stores[1], "p9", 5e-4, 3)):
        training = {"learning_rate": rate, "epochs": epochs}
        record = put(store, answers(320), predict_key=key)
        job(store, record, spec={"train": {"seed": 1, "training": training, "data": {"eng/train": "ab"}}})
    (said,) = (note for note in against(Stored.of(stores[0], "b"), stores[1]).notes if "made otherwise" in note)
    assert said.endswith(": 1 run (mini_nli tiny zero_shot from eng: training.learning_rate 0.001 -> 0.0005)")


def test_a_spread_between_seeds_that_was_not_measured_is_said_to_be_assumed(store, lock):
    put(store, answers(300))
    job(store, put(store, answers(300)), trained=True)
    (said,) = (note for note in against(lock, store, retrained="auto").notes if "spread between seeds" in note)
    assert "fewer than 3: 1.0 points of accuracy (the harness's assumption; `seed_sd` in the policy" in said
    (said,) = (note for note in against(lock, store, retrained="auto", seed_sd=0.05).notes if "spread between" in note)
    assert "5.0 points of accuracy (as the policy says)" in said
    assert not any("spread between seeds" in note for note in against(lock, store).notes)
