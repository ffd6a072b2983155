"""Over all cells: Holm, as many swaps as it takes, intervals that cover, and the size of drop that would be caught."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, t
from statsmodels.stats.multitest import multipletests

from harness.metrics.base import metric
from harness.stats import regressions
from harness.stats.detectable import smallest_detectable
from harness.stats.holm import holm
from harness.stats.paired import Cell
from harness.stats.regressions import Method, compare
from harness.stats.seeds import assumed_sd, freedom, seed_variance
from tests.stats.test_paired import ACCURACY, F1, SPEARMAN, cell, rank_counts, right, spans


def against(cells, tolerance=0.0, **settings):
    return compare(cells, tolerances=[tolerance] * len(cells), **settings)


def flipped(n, lost, won, known=0.5):
    """A cell of right or wrong answers of which so many were lost and won."""
    before = np.arange(n) < known * n
    after = before.copy()
    after[:lost] = False
    after[n - won :] = True
    return cell(ACCURACY, right(before), right(after))


@pytest.mark.parametrize("seed", range(3))
def test_holm_is_that_of_statsmodels(seed):
    p = np.round(np.random.default_rng(seed).beta(0.3, 2, 40), 2)  # with ties
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])


@given(st.lists(st.tuples(st.floats(0, 0.1), st.floats(0, 1)), min_size=1, max_size=12))
def test_bounds_of_p_bound_the_adjusted_values(pairs):
    low = np.array([one for one, _ in pairs])
    high = np.minimum(1, low + [more for _, more in pairs])
    assert (holm(low) <= holm(high) + 1e-12).all()


def test_the_adjusted_values_are_over_all_cells():
    cells = [flipped(200, 12, 0), flipped(200, 9, 0), flipped(200, 5, 5), flipped(200, 0, 0)]
    found = against(cells)
    assert [one.method for one in found] == [Method.MCNEMAR] * 3 + [Method.UNCHANGED]
    assert [one.p for one in found[:2]] == pytest.approx([2**-12, 2**-9])
    assert [one.adjusted for one in found] == pytest.approx([4 * 2**-12, 3 * 2**-9, 1, 1])


def test_an_unchanged_cell_is_answered_without_a_test():
    same = spans(np.random.default_rng(0), 50, 0.7)
    one = against([cell(F1, same, same.copy())])[0]
    assert (one.method, one.p, one.adjusted, one.swaps, one.changed, one.groups) == (Method.UNCHANGED, 1, 1, 0, 0, 50)
    assert (one.difference, one.se, one.low, one.high, one.detectable) == (0, 0, 0, 0, None)
    assert one.resolved


def test_swaps_are_added_until_the_verdict_stands_and_no_longer():
    rng = np.random.default_rng(1)
    alike = [cell(F1, spans(rng, 300, 0.7), spans(rng, 300, 0.7)) for _ in range(30)]
    broken = cell(F1, spans(rng, 300, 0.8), spans(rng, 300, 0.5))
    found = against([*alike, broken])
    assert all(one.resolved for one in found)
    assert {one.method for one in found} == {Method.RANDOM_SWAPS}
    assert found[-1].adjusted <= 0.05
    assert found[-1].p == 1 / (1 + found[-1].swaps)
    # 0.05 / 31 must be above the upper end of the interval of p: 7.6 / swaps
    assert found[-1].swaps == 8000
    assert np.median([one.swaps for one in found[:-1]]) == 1000


def test_a_p_value_on_the_threshold_gets_the_most_swaps_and_says_that_it_stays_open(monkeypatch):
    rng = np.random.default_rng(2)
    one = cell(F1, spans(rng, 200, 0.8), spans(rng, 200, 0.76))
    p = against([one])[0].p
    monkeypatch.setattr(regressions, "MOST", 4000)
    found = against([one], alpha=compare([one], tolerances=[0], alpha=p)[0].p)[0]
    assert found.swaps == 4000
    assert not found.resolved


def test_thousands_of_cells_get_swaps_enough_to_be_significant(monkeypatch):
    monkeypatch.setattr(regressions, "MOST", 1000)
    rng = np.random.default_rng(3)
    broken = cell(F1, spans(rng, 200, 0.9), spans(rng, 200, 0.4))
    same = cell(ACCURACY, right(np.ones(2)), right(np.ones(2)))
    found = against([broken, *[same] * 150])
    assert found[0].swaps == 7000  # twice 151 / 0.05, in thousands
    assert found[0].adjusted <= 0.05


def test_the_same_cells_give_the_same_result_in_any_company():
    rng = np.random.default_rng(4)
    cells = [cell(F1, spans(rng, 100, 0.7), spans(rng, 100, 0.66)) for _ in range(3)]
    assert against(cells) == against(cells)
    assert [one.p for one in against(cells[::-1])] == [one.p for one in against(cells)][::-1]


def test_nothing_to_compare_is_no_error():
    assert compare([], tolerances=[]) == []


def test_whole_metrics_are_swapped_by_rows():
    rng = np.random.default_rng(5)
    found = against([cell(SPEARMAN, rank_counts(rng, 60, 5), rank_counts(rng, 60, 60))])[0]
    assert found.method is Method.RANDOM_SWAPS
    assert found.p < 0.01
    assert found.low < found.difference < found.high < 0


def test_one_group_has_a_p_value_and_no_interval():
    one = against([cell(ACCURACY, right(np.ones(5)), right(np.zeros(5)), ["a"] * 5)])[0]
    assert (one.p, one.method, one.groups) == (0.5, Method.ALL_SWAPS, 1)
    assert one.se is one.low is one.high is one.detectable is None


@pytest.mark.parametrize("kind", ["accuracy", "span_f1"])
def test_intervals_cover_the_true_difference(kind):
    rng = np.random.default_rng(6)
    inside = []
    for _ in range(400):
        if kind == "accuracy":
            both = [right(rng.random(150) < chance) for chance in (0.8, 0.75)]
            truth = -0.05
        else:
            gold = rng.poisson(1.5, 150)
            both = []
            for chance in (0.8, 0.7):
                tp = rng.binomial(gold, chance)
                both.append(np.stack([tp, tp + rng.poisson(0.3, 150), gold], axis=1).astype(float))
            truth = 2 * 0.7 * 1.5 / (1.7 * 1.5 + 0.3) - 2 * 0.8 * 1.5 / (1.8 * 1.5 + 0.3)
        one = cell(ACCURACY if kind == "accuracy" else F1, *both)
        before, after = one.influences
        reach = t.ppf(0.975, 149) * np.sqrt(((after - before) ** 2).sum())
        inside.append(abs(-one.drop - truth) <= reach)
    assert 0.92 <= np.mean(inside) <= 0.98


def test_an_interval_ends_where_no_difference_can_be():
    """Three groups know little: Student's interval reaches beyond what two accuracies can lie apart."""
    before, after = right(np.array([1, 1, 1])), right(np.array([0, 1, 0]))
    cut = against([cell(ACCURACY, before, after)])[0]
    free = against([cell(replace(ACCURACY, range=(0.0, 9.0)), before, after)])[0]
    assert (cut.low, free.low < -1) == (-1.0, True)
    assert cut.high == pytest.approx(free.high)
    assert (cut.p, cut.adjusted, cut.se) == (free.p, free.adjusted, free.se)
    # a metric in percents that did not say so is not cut at all
    wide = replace(ACCURACY, score=lambda sums: 100 * ACCURACY.score(sums))
    assert against([cell(wide, before, after)])[0].low == pytest.approx(100 * free.low)


def test_the_interval_is_students_over_paired_differences():
    rng = np.random.default_rng(7)
    before, after = rng.random(80) < 0.8, rng.random(80) < 0.7
    found = against([cell(ACCURACY, right(before), right(after))])[0]
    each = after.astype(float) - before
    low, high = t.interval(0.95, 79, each.mean(), each.std(ddof=1) / np.sqrt(80))
    assert (found.low, found.high) == pytest.approx((low, high))


class TestDetectable:
    def test_of_right_and_wrong_answers_it_is_the_normal_approximation_of_mcnemar(self):
        # 40 of 1,000 changed in both directions; a drop d changes d more (Connor 1987)
        size = against([flipped(1000, 40, 40)] + [flipped(1000, 0, 0)] * 199)[0].detectable
        error = np.sqrt((80 / 1000 + size) / 1000)
        assert size == pytest.approx((norm.isf(0.05 / 200) + norm.ppf(0.8)) * error, rel=1e-3)

    def test_answers_that_a_present_drop_has_changed_are_not_counted_twice(self):
        found = against([flipped(1000, 80, 40)] + [flipped(1000, 0, 0)] * 199)[0]
        size = found.detectable
        error = np.sqrt((120 / 1000 + size - 0.04) / 1000)
        assert size == pytest.approx((norm.isf(0.05 / 200) + norm.ppf(0.8)) * error, rel=1e-3)

    def test_a_tolerance_beyond_what_is_significant_takes_its_place(self):
        size = against([flipped(1000, 40, 40)], tolerance=0.2)[0].detectable
        assert size == pytest.approx(0.2 + norm.ppf(0.8) * np.sqrt((0.08 + size) / 1000), rel=1e-3)

    def test_too_few_groups_for_any_p_value_below_the_threshold(self):
        groups = np.arange(100) // 10
        one = cell(ACCURACY, right(np.arange(100) % 3 > 0), right(np.arange(100) % 4 > 0), groups)
        assert against([one])[0].detectable is not None
        assert against([one] + [flipped(10, 0, 0)] * 199)[0].detectable is None

    def test_the_equation_is_solved(self):
        size = smallest_detectable(
            1e-6, 1e-3, 0.01, threshold=0.001, power=0.8, tolerance=0.02, quantile=lambda q: float(norm.ppf(q))
        )
        error = np.sqrt(1e-6 + 1e-3 * (size - 0.01))
        assert size == pytest.approx(max(norm.isf(0.001) * error, 0.02) + norm.ppf(0.8) * error, rel=1e-9)


class TestRetrained:
    @staticmethod
    def seeds(rng, chances, n=400):
        return tuple(right(rng.random(n) < chance) for chance in chances)

    def test_three_baseline_seeds_bring_their_own_spread(self):
        rng = np.random.default_rng(8)
        one = Cell(
            ACCURACY, np.arange(400), self.seeds(rng, (0.8, 0.75, 0.85)), self.seeds(rng, (0.7, 0.72)), retrained=True
        )
        found = against([one])[0]
        before, after = (np.array([side[:, 0].mean() for side in sides]) for sides in (one.baseline, one.candidate))
        each = np.mean([c[:, 0] for c in one.candidate], axis=0) - np.mean([b[:, 0] for b in one.baseline], axis=0)
        examples, spread = each.var(ddof=1) / 400, before.var(ddof=1) * (1 / 3 + 1 / 2)
        degrees = (examples + spread) ** 2 / (examples**2 / 399 + spread**2 / 2)
        assert found.se == pytest.approx(np.sqrt(examples + spread))
        assert found.difference == pytest.approx(after.mean() - before.mean())
        assert found.p == pytest.approx(t.sf(-found.difference / found.se, degrees))
        assert found.high - found.low == pytest.approx(2 * t.ppf(0.975, degrees) * found.se)
        assert found.detectable == pytest.approx((t.ppf(0.95, degrees) + t.ppf(0.8, degrees)) * found.se)
        assert found.method is Method.RETRAINED

    @pytest.mark.parametrize(("given", "used"), [(None, assumed_sd("accuracy")), (0.04, 0.04), (0.0, 0.0)])
    def test_fewer_take_the_stated_one(self, given, used):
        rng = np.random.default_rng(9)
        sides = self.seeds(rng, (0.8, 0.8)), self.seeds(rng, (0.8,))
        one = Cell(ACCURACY, np.arange(400), *sides, retrained=True, seed_sd=given)
        before, after = one.influences
        assert against([one])[0].se == pytest.approx(np.sqrt(((after - before) ** 2).sum() + used**2 * 1.5))

    def test_another_seed_is_no_regression_where_it_would_be_one_of_the_same_weights(self):
        rng = np.random.default_rng(10)
        alarms = {False: 0, True: 0}
        for _ in range(60):
            *chances, last = 0.8 + 0.03 * rng.standard_normal(5)
            baseline, candidate = self.seeds(rng, chances, 3000), self.seeds(rng, (last,), 3000)
            groups = np.arange(3000)
            alarms[True] += against([Cell(ACCURACY, groups, baseline, candidate, retrained=True)])[0].p <= 0.05
            alarms[False] += against([Cell(ACCURACY, groups, baseline[:1], candidate)])[0].p <= 0.05
        assert alarms[True] <= 6
        assert alarms[False] >= 15

    def test_one_group_tells_nothing(self):
        one = Cell(ACCURACY, ["a"] * 3, (right(np.ones(3)),), (right(np.zeros(3)),), retrained=True)
        assert against([one])[0].p == 1

    def test_degrees_of_freedom_are_satterthwaites(self):
        assert freedom((2.0, 10)) == pytest.approx(10)
        assert freedom((1.0, 10), (1.0, 10)) == pytest.approx(20)
        assert freedom((1.0, np.inf), (1.0, 2)) == pytest.approx(8)
        assert freedom((0.0, 10)) == np.inf
        assert seed_variance((0.5, 0.6), 1, 0.01) == (pytest.approx(1.5e-4), np.inf)


def test_signatures_with_settings_have_the_spread_of_their_name():
    assert Cell(metric("span_f1|mode:legacy"), [], (np.ones((0, 3)),), (np.ones((0, 3)),)).assumed_sd == 0.015
