"""Known effects come back out of simulated scores, and true null hypotheses are left alone."""

from __future__ import annotations

import pytest

from tests.analysis.recovery import recover


@pytest.mark.slow
def test_intervals_cover_and_tests_hold_their_level():
    # 400 draws, as the module's own command makes them, give 0.985, 0.965, 0.96, 0.01, 0.0475; 0.20 for the naive ones
    shares = recover(draws=120)
    assert shares.two_way_covers_slope >= 0.93
    assert shares.two_way_covers_r >= 0.93
    assert 0.91 <= shares.mixed_covers <= 0.99
    assert shares.two_way_rejects_null <= 0.07  # conservative: it may well be less
    assert 0.01 <= shares.qap_rejects_null <= 0.10
    assert shares.naive_rejects_null > 0.12
    assert shares.pearson_rejects_null > 0.12
    assert shares.naive_covers_slope < 0.88
