from __future__ import annotations

import math

import pytest

from harness.distances.base import Context
from harness.errors import NotApplicableError
from tests.distances.conftest import one


def test_a_larger_source_is_nearer_whatever_the_target_has():
    context = Context(sizes={"eng": 1000, "swh": 10})
    assert one("train_size", "eng", "fin", context)["value"] == pytest.approx(-3)
    assert one("train_size", "swh", "fin", context)["value"] == pytest.approx(-1)
    assert math.isnan(one("train_size", "fin", "eng", context)["value"])


def test_size_ratio_has_a_direction():
    context = Context(sizes={"eng": 1000, "swh": 10, "fin": 0})
    assert one("size_ratio", "eng", "swh", context)["value"] == pytest.approx(-2)
    assert one("size_ratio", "swh", "eng", context)["value"] == pytest.approx(2)
    assert math.isnan(one("size_ratio", "eng", "fin", context)["value"])


def test_a_language_that_pretraining_never_saw_has_amount_zero():
    context = Context(pretraining={"eng": 999})
    assert one("pretraining_source", "eng", "swh", context)["value"] == pytest.approx(-3)
    assert one("pretraining_target", "eng", "swh", context)["value"] == 0
    assert one("pretraining_target", "swh", "eng", context)["value"] == pytest.approx(-3)


def test_needs_are_named():
    with pytest.raises(NotApplicableError, match="training data"):
        one("train_size", "eng", "deu")
    with pytest.raises(NotApplicableError, match="pretrained on"):
        one("pretraining_source", "eng", "deu")
