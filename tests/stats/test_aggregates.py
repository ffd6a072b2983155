"""Aggregates over languages: their covariances count, and the verdict follows from the bounds alone."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t

from harness.metrics.base import metric
from harness.stats.aggregates import Of, Verdict, aggregate, verdict
from harness.stats.bootstrap import weights
from harness.stats.influence import group_sums
from harness.stats.paired import Cell
from tests.stats.test_paired import ACCURACY, F1, cell, right, spans


def languages(rng, number=12, n=240, parallel=True, drop=0.0):
    """Cells of which items are hard in every language, or in none."""
    found = {}
    hard = rng.normal(0, 1.2, n)
    for i in range(number):
        harder = hard if parallel else rng.normal(0, 1.2, n)
        sides = [right(harder + rng.normal(0, 1, n) < 1 - 0.1 * i - worse) for worse in (0, drop)]
        found[f"l{i}"] = cell(ACCURACY, *sides, [f"{'' if parallel else i}-{j}" for j in range(n)])
    return found


def scores(cells):
    return np.array([one.scores for one in cells.values()]).T


def test_values_are_recomputed_from_the_scores():
    cells = languages(np.random.default_rng(0), drop=0.3)
    before, after = scores(cells)
    macro, worst, decile = (aggregate(of, cells, 0.01) for of in Of)
    assert (macro.baseline, macro.candidate) == pytest.approx((before.mean(), after.mean()))
    lowest = before.argmin()
    assert (worst.baseline, worst.candidate) == pytest.approx((before[lowest], after[lowest]))
    assert worst.languages == (f"l{lowest}",)
    # the lowest two of twelve, each side's own
    assert (decile.baseline, decile.candidate) == pytest.approx((np.sort(before)[:2].mean(), np.sort(after)[:2].mean()))
    assert decile.languages == tuple(f"l{i}" for i in sorted(np.argsort(before)[:2]))
    assert macro.drop == pytest.approx(before.mean() - after.mean())


@pytest.mark.parametrize("parallel", [True, False])
def test_the_error_of_the_mean_is_that_of_shared_group_draws(parallel):
    cells = languages(np.random.default_rng(1), parallel=parallel)
    drops = []
    for i, one in enumerate(cells.values()):
        ids, member = one.grouping
        drawn = weights(one.groups, 3000, 0 if parallel else i).astype(float)
        before, after = (
            one.measure.score(drawn @ group_sums(side[0], member, len(ids))) for side in (one.baseline, one.candidate)
        )
        drops.append(before - after)
    assert aggregate(Of.MACRO, cells, 0.01).se == pytest.approx(np.mean(drops, axis=0).std(ddof=1), rel=0.06)


def test_parallel_languages_that_change_together_are_less_certain_than_their_number_says():
    rng = np.random.default_rng(2)
    before, after = right(rng.random(300) < 0.8), right(rng.random(300) < 0.8)
    together = {str(i): cell(ACCURACY, before, after, [f"{j}" for j in range(300)]) for i in range(9)}
    apart = {str(i): cell(ACCURACY, before, after, [f"{i}-{j}" for j in range(300)]) for i in range(9)}
    alone = aggregate(Of.MACRO, {"0": together["0"]}, 0.01).se
    assert aggregate(Of.MACRO, together, 0.01).se == pytest.approx(alone)
    assert aggregate(Of.MACRO, apart, 0.01).se == pytest.approx(alone / 3)


def test_bounds_are_one_sided_and_failures_as_sure_as_there_are_aggregates():
    cells = languages(np.random.default_rng(3))
    one, many = aggregate(Of.MACRO, cells, 0.01), aggregate(Of.MACRO, cells, 0.01, aggregates=15)
    assert one.high == many.high == pytest.approx(one.drop + t.ppf(0.95, 239) * one.se)
    assert one.low == pytest.approx(one.drop - t.ppf(0.95, 239) * one.se)
    assert many.low == pytest.approx(one.drop - t.ppf(1 - 0.05 / 15, 239) * one.se)


def test_bounds_end_where_no_drop_can_be():
    sides = right(np.array([1, 1, 1])), right(np.array([0, 1, 0]))
    one = aggregate(Of.MACRO, {"a": cell(ACCURACY, *sides), "b": cell(ACCURACY, *sides)}, 0.01)
    free = replace(ACCURACY, range=(0.0, 9.0))
    other = aggregate(Of.MACRO, {"a": cell(free, *sides), "b": cell(free, *sides)}, 0.01)
    assert (one.high, other.high > 1) == (1.0, True)
    assert (one.low, one.se, one.verdict) == (other.low, other.se, other.verdict)


def test_the_three_verdicts():
    assert verdict(-0.01, 0.009, 0.01) is Verdict.PASS
    assert verdict(0.011, 0.02, 0.01) is Verdict.FAIL
    assert verdict(0.005, 0.02, 0.01) is Verdict.INCONCLUSIVE
    assert verdict(-0.05, 0.02, 0.01) is Verdict.INCONCLUSIVE  # no drop at all is seen, and little is known


def test_many_examples_pass_few_are_inconclusive_and_what_is_broken_fails():
    rng = np.random.default_rng(4)
    many, few = languages(rng, n=6000, parallel=False), languages(rng, n=60)
    assert aggregate(Of.MACRO, many, 0.01).verdict is Verdict.PASS
    assert aggregate(Of.MACRO, few, 0.01).verdict is Verdict.INCONCLUSIVE
    broken = languages(rng, n=600, drop=0.8)
    assert {aggregate(of, broken, 0.05).verdict for of in Of} == {Verdict.FAIL}


def test_unchanged_languages_pass_without_an_interval_to_speak_of():
    same = right(np.arange(30) % 3 > 0)
    cells = {str(i): cell(ACCURACY, same, same.copy(), ["one"] * 30) for i in range(3)}
    for of in Of:
        found = aggregate(of, cells, 0.0)
        assert (found.drop, found.se, found.low, found.high, found.verdict) == (0, 0, 0, 0, Verdict.PASS)


def test_a_language_of_one_group_leaves_its_aggregates_open():
    cells = languages(np.random.default_rng(5), number=3)
    cells["l1"] = cell(ACCURACY, right(np.ones(9)), right(np.arange(9) > 1), ["one"] * 9)
    macro, worst = (aggregate(of, cells, 0.01) for of in (Of.MACRO, Of.WORST))
    assert (macro.se, macro.low, macro.high, macro.verdict) == (None, None, None, Verdict.INCONCLUSIVE)
    assert worst.se is not None


def test_a_language_that_fell_among_the_lowest_is_in_the_candidates_decile():
    rng = np.random.default_rng(6)
    counts = [spans(rng, 400, 0.5 + 0.02 * i) for i in range(10)]
    cells = {str(i): cell(F1, one, one) for i, one in enumerate(counts)}
    good = counts[9]
    cells["9"] = cell(F1, good, good * [0.1, 1, 1])
    decile, worst = aggregate(Of.DECILE, cells, 0.01), aggregate(Of.WORST, cells, 0.01)
    assert (worst.drop, worst.verdict) == (0, Verdict.PASS)
    assert decile.verdict is Verdict.FAIL
    # another language on either side: their errors add, since their groups are the same and their counts are not
    lowest = cells["0"].influences[0] - cells["9"].influences[1]
    assert decile.se == pytest.approx(np.sqrt((lowest**2).sum()))


def test_seeds_of_a_retrained_model_move_all_languages_together():
    rng = np.random.default_rng(7)
    shift = 0.03 * rng.standard_normal(4)
    n, groups = 2000, [f"{j}" for j in range(2000)]
    cells = {}
    for i in range(20):
        seeds = [right(rng.random(n) < 0.7 + one) for one in shift]
        cells[str(i)] = Cell(ACCURACY, groups, seeds[:3], seeds[3:], retrained=True)
    found = aggregate(Of.MACRO, cells, 0.01)
    before = np.mean([one.seeds[0] for one in cells.values()], axis=0)
    moved = np.mean([one.influences[0] - one.influences[1] for one in cells.values()], axis=0)
    assert found.se == pytest.approx(np.sqrt((moved**2).sum() + before.var(ddof=1) * (1 / 3 + 1)))
    assert found.se > 4 * np.sqrt((moved**2).sum())


def test_one_baseline_seed_takes_the_stated_spread():
    rng = np.random.default_rng(8)
    sides = [right(rng.random(500) < 0.7) for _ in range(2)]
    one = Cell(ACCURACY, np.arange(500), sides[:1], sides[1:], retrained=True, seed_sd=0.02)
    found = aggregate(Of.MACRO, {"x": one}, 0.01)
    moved = one.influences[0] - one.influences[1]
    assert found.se == pytest.approx(np.sqrt((moved**2).sum() + 2 * 0.02**2))


def test_every_metric_has_them():
    rng = np.random.default_rng(9)
    measure = metric("spearman")
    gold = rng.normal(0, 1, 80)
    cells = {}
    for i in range(3):
        sides = [measure.count(gold.tolist(), (gold + rng.normal(0, 1, 80)).tolist()) for _ in range(2)]
        cells[str(i)] = cell(measure, *sides)
    assert aggregate(Of.MACRO, cells, 0.5).verdict is Verdict.PASS
