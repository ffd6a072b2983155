from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.distances import table as module
from harness.languages import language, languages
from tests.distances.conftest import one

LANGUAGES = st.sampled_from(sorted(languages())).map(language)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("eng", "deu", 1 / 3),  # Germanic
        ("eng", "fra", 2 / 3),  # Indo-European
        ("eng", "fin", 1.0),
        ("tur", "kaz", 1 / 3),
        ("srp", "srp-Latn", 0.0),
        ("hat", "tpi", 1.0),  # creoles of different lexifiers
        ("bis", "tpi", 1 / 3),
        ("hat", "fra", 1.0),
    ],
)
def test_family_tree(a, b, expected):
    assert one("family_tree", a, b)["value"] == pytest.approx(expected)


def test_constructed_languages_descend_from_none():
    assert math.isnan(one("family_tree", "epo", "ido")["value"])
    assert math.isnan(one("family_tree", "eng", "epo")["value"])


@pytest.mark.parametrize(
    ("a", "b", "same", "overlap"),
    [("eng", "deu", 0, 0), ("eng", "rus", 1, 1), ("zho-Hans", "zho-Hant", 1, 0), ("jpn", "zho-Hans", 1, 2 / 3)],
)
def test_scripts(a, b, same, overlap):
    assert one("same_script", a, b)["value"] == same
    assert one("script_overlap", a, b)["value"] == pytest.approx(overlap)


def test_great_circle_against_the_law_of_cosines():
    for a, b in [("eng", "jpn"), ("fin", "yor"), ("mri", "spa")]:
        one_, other = language(a), language(b)
        p, q = math.radians(one_.latitude), math.radians(other.latitude)
        turn = math.radians(one_.longitude - other.longitude)
        arc = math.acos(math.sin(p) * math.sin(q) + math.cos(p) * math.cos(q) * math.cos(turn))
        assert one("great_circle", a, b)["value"] == pytest.approx(arc / math.pi)


def test_without_coordinates_there_is_no_great_circle():
    assert math.isnan(one("great_circle", "eng", "epo")["value"])


@given(LANGUAGES, LANGUAGES)
def test_symmetric_and_in_the_unit_interval(a, b):
    for measure in (module.family_tree, module.same_script, module.script_overlap, module.great_circle):
        there, back = measure(a, b), measure(b, a)
        assert there == back or (math.isnan(there) and math.isnan(back))
        assert math.isnan(there) or 0 <= there <= 1
