"""Averages over languages: recomputed here, and their three answers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from harness.gate.matched import Outcome
from harness.gate.sides import Stored
from harness.stats.aggregates import Of
from harness.stats.aggregates import Verdict as Answer
from harness.storage.store import Store
from tests.gate.stores import N, against, answers, locked, put

LANGUAGES = ("deu", "est", "fin", "fra", "hin", "ita", "nld", "por", "rus", "spa", "swh", "tur")


def grid(store, right, shuffle=None):
    """A cell a language; where given, which of the examples are right differs between the languages."""
    rng = np.random.default_rng(shuffle)
    for target, number in zip(LANGUAGES, right, strict=True):
        outcome = answers(number)
        put(store, rng.permutation(outcome) if shuffle is not None else outcome, target)


@pytest.fixture
def stores(tmp_path):
    return Store(tmp_path / "results"), Store(tmp_path / "other")


def averages(verdict):
    return {row.of: row for row in verdict.averages}


def test_the_averages_are_those_of_a_few_independent_lines(stores, tmp_path):
    store, other = stores
    before, after = np.arange(200, 320, 10), np.arange(200, 320, 10) - 6 + np.arange(12) % 4
    after[5] = 190  # another language is the lowest now
    grid(store, before, shuffle=1)
    grid(other, after, shuffle=2)
    found = averages(against(locked(store, tmp_path / "mini.json"), other, margin=0.05))
    old, new = before / N, after / N
    assert found[Of.MACRO].aggregate.baseline == pytest.approx(old.mean())
    assert found[Of.MACRO].aggregate.candidate == pytest.approx(new.mean())
    worst = old.argmin()
    assert found[Of.WORST].aggregate.languages == (LANGUAGES[worst],)
    assert found[Of.WORST].aggregate.candidate == pytest.approx(new[worst])
    lowest = -(-len(old) // 10)
    assert found[Of.DECILE].aggregate.baseline == pytest.approx(np.sort(old)[:lowest].mean())
    assert found[Of.DECILE].aggregate.candidate == pytest.approx(np.sort(new)[:lowest].mean())
    # the languages share their examples, so that the mean difference of an example is what varies
    tables = [[np.random.default_rng(seed), numbers] for seed, numbers in ((1, before), (2, after))]
    first, second = (np.array([rng.permutation(answers(number)) for number in numbers]) for rng, numbers in tables)
    drop = (first.astype(float) - second).mean(axis=0)
    error = drop.std(ddof=1) / np.sqrt(N)
    low, high = drop.mean() - t.ppf(1 - 0.05 / 3, N - 1) * error, drop.mean() + t.ppf(0.95, N - 1) * error
    assert found[Of.MACRO].aggregate.low == pytest.approx(low, rel=1e-4)  # three averages might fail by chance
    assert found[Of.MACRO].aggregate.high == pytest.approx(high, rel=1e-4)


def test_an_unchanged_run_passes_without_reading_and_with_the_right_numbers(stores, tmp_path, monkeypatch):
    store, _ = stores
    grid(store, np.arange(200, 320, 10))
    lock = locked(store, tmp_path / "mini.json")
    monkeypatch.setattr(Store, "examples", lambda *_: pytest.fail("a table was read"))
    found = averages(against(lock, store))
    assert found[Of.MACRO].aggregate.baseline == pytest.approx(255 / N)
    assert found[Of.WORST].aggregate.languages == ("deu",)
    assert found[Of.DECILE].aggregate.baseline == pytest.approx(205 / N)
    assert {row.verdict for row in found.values()} == {Answer.PASS}


@pytest.mark.parametrize(
    ("drop", "margin", "answer", "code"),
    [(40, 0.02, Answer.FAIL, 1), (10, 0.02, Answer.INCONCLUSIVE, 0), (10, 0.08, Answer.PASS, 0)],
)
def test_three_answers(stores, tmp_path, drop, margin, answer, code):
    store, other = stores
    grid(store, np.full(12, 300), shuffle=1)
    grid(other, np.full(12, 300 - drop), shuffle=2)
    verdict = against(locked(store, tmp_path / "mini.json"), other, margin=margin, tolerance=0.9)
    assert averages(verdict)[Of.MACRO].verdict is answer
    assert verdict.exit_code == code
    assert verdict.count(Outcome.PASSED) == 12


def test_inconclusive_fails_where_the_policy_says_so(stores, tmp_path):
    store, other = stores
    grid(store, np.full(12, 300), shuffle=1)
    grid(other, np.full(12, 290), shuffle=2)
    lock = locked(store, tmp_path / "mini.json")
    assert against(lock, other, tolerance=0.9).exit_code == 0
    assert against(lock, other, tolerance=0.9, inconclusive="fail").exit_code == 1


def test_without_a_language_there_is_no_average_and_without_an_excused_one_there_is(stores, tmp_path):
    store, other = stores
    grid(store, np.arange(200, 320, 10))
    grid(other, np.arange(200, 320, 10) + 1)
    lock = locked(store, tmp_path / "mini.json")
    (other.folder("mini_nli", "p0") / "deu.json").unlink()
    verdict = against(lock, other)
    assert [row.verdict for row in verdict.averages] == [None] * 3
    assert verdict.averages[0].reason == "not compared: deu"
    allow = [{"language": "deu", "until": "2027-01-01", "why": "withdrawn"}]
    found = averages(against(lock, other, allow=allow))
    assert found[Of.MACRO].aggregate.baseline == pytest.approx(np.arange(210, 320, 10).mean() / N)
    assert found[Of.WORST].aggregate.languages == ("est",)
    assert found[Of.MACRO].reason == "without deu"


def test_one_of_many_averages_does_not_fail_by_chance(stores, tmp_path):
    """What is significant by itself, but not among all averages, is inconclusive."""
    store, other = stores
    for model in ("a", "b", "c", "d", "e", "f"):
        for target in ("deu", "swh"):
            put(store, answers(300), target, model=model, predict_key=model)
            put(other, answers(289 if model == "a" else 299), target, model=model, predict_key=model)
    alone = [cell for cell in Stored.of(other, "now").cells if cell.run.model == "a"]
    lock = locked(store, tmp_path / "mini.json")
    given = {"margin": 0.008, "tolerance": 0.9}
    verdict = against(lock, other, **given)
    of_a = [row for row in verdict.averages if row.run.model == "a"]
    assert {row.verdict for row in of_a} == {Answer.INCONCLUSIVE}
    assert verdict.exit_code == 0
    single = Store(tmp_path / "single")
    for cell in alone:
        put(single, answers(300), cell.target, model="a", predict_key="a")
    assert {row.verdict for row in against(locked(single, tmp_path / "s.json"), other, **given).averages} == {
        Answer.FAIL
    }


def test_of_scores_alone_an_average_is_no_more_than_a_hint(stores):
    store, other = stores
    grid(store, np.full(12, 300))
    grid(other, np.full(12, 250))
    for table in store.folder("mini_nli", "p0").glob("*.parquet"):
        table.unlink()
    found = averages(against(Stored.of(store, "before"), other, tolerance=0.9))
    assert found[Of.MACRO].verdict is Answer.INCONCLUSIVE
    assert found[Of.MACRO].aggregate.drop == pytest.approx(0.125)


def test_one_language_alone_has_no_average(stores, tmp_path):
    store, _ = stores
    put(store, answers(300))
    assert against(locked(store, tmp_path / "mini.json"), store).averages == ()
