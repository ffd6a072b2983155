from __future__ import annotations

import json
import logging
import math
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from harness.distances import vectors as module
from harness.distances.base import Context, distances
from harness.distances.uriel import MIN_SHARED, PARTS, angular, records
from harness.distances.vectors import vectors
from harness.distances.word_order import orders
from harness.errors import HarnessError, NotApplicableError
from tests.distances.conftest import one

found = find_spec("urielplus")  # never imported: that would write into it
if found is None:
    pytest.skip("the extra `distances` is not installed", allow_module_level=True)
PACKAGE = Path(found.submodule_search_locations[0])


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    return Context(cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture
def cold():
    """Vectors are read anew, before and after."""
    module._vectors.cache_clear()
    yield
    module._vectors.cache_clear()


# urielplus 1.3.2, new_distance with its own data
GOLDEN = [
    ("eng", "fra", "syntactic", 0.4204),
    ("eng", "fra", "genetic", 0.9386),
    ("eng", "fra", "script", 0.1864),
    ("eng", "deu", "syntactic", 0.3582),
    ("eng", "deu", "genetic", 0.6336),
    ("eng", "deu", "geographic", 0.0437),
    ("eng", "deu", "phonological", 0.3695),
    ("eng", "deu", "inventory", 0.4364),
    ("eng", "deu", "script", 0.1864),
    ("eng", "deu", "featural", 0.4033),
    ("eng", "ara", "syntactic", 0.5309),
]


@pytest.mark.parametrize(("a", "b", "name", "expected"), GOLDEN)
def test_published_values_to_the_digit(a, b, name, expected, context):
    assert one(name, a, b, context)["value"] == expected
    assert one(name, b, a, context)["value"] == expected


def test_a_distance_says_how_many_features_it_rests_on(context):
    row = one("syntactic", "eng", "fra", context)
    assert row["shared"] == 97
    assert row["coverage"] == pytest.approx(97 / 103)


def test_frisian_and_danish_have_no_phonological_distance_where_uriel_has_0_0002(context):
    row = one("phonological", "frr", "dan", context)
    assert math.isnan(row["value"])
    assert row["shared"] == 0


def test_few_shared_features_are_not_believed(context):
    # urielplus: 0.0, from two features, one of the vectors being zero
    row = one("phonological", "rus", "mlt", context)
    assert 0 < row["shared"] < MIN_SHARED
    assert math.isnan(row["value"])


def test_a_macro_language_lends_its_features_where_it_has_more(context):
    found = records(["arb", "swh", "nob", "zho-Hans", "eng", "hyw"], context).set_index("language")
    assert found.loc["arb", "typological"] == "ara"
    assert found.loc["nob", "genetic"] == "nor"
    assert found.loc["swh", "script"] == "swa"
    assert found.loc["eng"].tolist() == ["eng"] * 5
    assert found.loc["zho-Hans"].tolist() == ["zho"] * 5
    assert found.loc["hyw"].tolist() == [""] * 5


def test_an_isolate_has_no_genetic_distance_rather_than_an_invented_one(context):
    assert math.isnan(one("genetic", "eng", "eus", context)["value"])  # urielplus: 0.9687, from the zero vector


def test_of_a_script_that_is_not_the_usual_one_nothing_is_known(context):
    assert math.isnan(one("script", "eng", "srp-Latn", context)["value"])
    assert one("script", "eng", "srp", context)["value"] > 0
    assert one("script", "eng", "zho-Hant", context)["value"] > 0  # Chinese has no code without a script
    assert one("syntactic", "srp", "srp-Latn", context)["value"] == 0


def test_values_do_not_depend_on_order_and_company(context):
    languages = ["eng", "tur", "jpn", "swh", "fin", "rus", "frr"]
    few = distances(list(PARTS), languages, context).set_index(["distance", "a", "b"])
    many = distances([*PARTS], [*reversed(languages), "hin", "yor"], context).set_index(["distance", "a", "b"])
    assert few.equals(many.loc[few.index])
    back = few.swaplevel("a", "b").rename_axis(few.index.names)
    assert few["value"].equals(back["value"].loc[few.index])
    assert few["value"].dropna().between(0, 1).all()


class TestAngular:
    def test_only_columns_that_both_have_count(self):
        rows = np.array([[1, 0, 1, np.nan], [1, 1, np.nan, 1], [np.nan, np.nan, np.nan, 1]])
        values, shared = angular(rows)
        assert shared.tolist() == [[3, 2, 0], [2, 3, 1], [0, 1, 1]]
        assert values[0, 1] == 0.5  # (1, 0) and (1, 1): 45 degrees
        assert math.isnan(values[0, 2])
        assert values[1, 2] == 0

    def test_an_angle_with_the_zero_vector_is_undefined(self):
        values, shared = angular(np.array([[0.0, 0, 0], [0, 1, 1], [0, 0, 0]]))
        assert np.isnan(values[0]).all()
        assert shared[0, 1] == 3

    def test_agrees_with_a_loop_over_pairs(self):
        rng = np.random.default_rng(0)
        rows = np.where(rng.random((12, 30)) < 0.4, np.nan, rng.integers(0, 2, (12, 30)).astype(float))
        values, _ = angular(rows)
        for i, u in enumerate(rows):
            for j, v in enumerate(rows):
                both = ~np.isnan(u) & ~np.isnan(v)
                cosine = u[both] @ v[both] / np.linalg.norm(u[both]) / np.linalg.norm(v[both])
                assert values[i, j] == pytest.approx(2 * math.acos(min(1.0, cosine)) / math.pi, abs=5.1e-5)


def test_agrees_with_urielplus_itself(tmp_path, context):
    shutil.copytree(PACKAGE, tmp_path / "urielplus")  # it writes into its folder
    languages = ["eng", "deu", "rus", "tur", "jpn", "kat", "cym"]
    names = [name for name in PARTS if name != "genetic"]  # over a minute
    program = (
        "import json, logging; logging.disable(logging.CRITICAL)\n"
        "from urielplus.urielplus import URIELPlus\n"
        "uriel = URIELPlus()\n"
        f"print(json.dumps([uriel.new_distance(name, {languages}).tolist() for name in {names}]))"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    ours = distances(names, languages, context)
    for name, matrix in zip(names, json.loads(run.stdout), strict=True):
        wide = ours[ours["distance"] == name].pivot(index="a", columns="b", values="value")
        expected = np.where(np.eye(len(languages)) + (np.array(matrix) == -1), np.nan, matrix)
        # its geographic vectors are multiplied in single precision
        np.testing.assert_allclose(wide.loc[languages, languages], expected, atol=1e-4 if name == "geographic" else 0)


class TestThePackageIsLeftAlone:
    def test_nothing_is_written_into_it_and_nobody_logs(self, tmp_path, cold):
        before = {path: path.stat().st_mtime_ns for path in PACKAGE.rglob("*") if "__pycache__" not in path.parts}
        handlers = list(logging.getLogger().handlers)
        vectors(tmp_path)
        vectors(None)
        after = {path: path.stat().st_mtime_ns for path in PACKAGE.rglob("*") if "__pycache__" not in path.parts}
        assert after == before
        assert logging.getLogger().handlers == handlers
        assert "urielplus" not in sys.modules

    def test_several_processes_that_come_first_at_once_agree(self, tmp_path):
        program = (
            "from pathlib import Path; from harness.distances.base import Context, distances\n"
            f"context = Context(cache=Path({str(tmp_path)!r}))\n"
            "table = distances(['syntactic', 'genetic'], ['eng', 'deu', 'fra'], context)\n"
            "print(table.to_csv())"
        )
        started = [
            subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(4)
        ]
        ended = [process.communicate(timeout=120) for process in started]
        assert [process.returncode for process in started] == [0] * 4, ended
        assert len({out for out, _ in ended}) == 1
        assert "0.4204" in ended[0][0]
        assert len(list((tmp_path / "distances").glob("*.npz"))) == 1
        assert not list((tmp_path / "distances").glob("*.tmp"))

    def test_a_cache_that_cannot_be_written_costs_time_only(self, tmp_path, cold):
        (tmp_path / "cache").write_text("a file where a folder is needed")
        assert one("syntactic", "eng", "fra", Context(cache=tmp_path / "cache"))["value"] == 0.4204

    def test_a_damaged_cache_is_made_anew(self, tmp_path, cold):
        expected = vectors(tmp_path)["typological"].matrix
        (path,) = (tmp_path / "distances").glob("*.npz")
        path.write_bytes(path.read_bytes()[:1000])
        module._vectors.cache_clear()
        np.testing.assert_array_equal(vectors(tmp_path)["typological"].matrix, expected)
        module._vectors.cache_clear()
        np.testing.assert_array_equal(vectors(tmp_path)["typological"].matrix, expected)

    def test_what_is_cached_is_what_was_read(self, tmp_path, cold):
        read = vectors(None)
        vectors(tmp_path)
        module._vectors.cache_clear()
        stored = vectors(tmp_path)
        assert (stored.keys()) == read.keys()
        for kind, table in read.items():
            assert stored[kind].records == table.records
            assert stored[kind].features == table.features
            np.testing.assert_array_equal(stored[kind].matrix, table.matrix)

    def test_without_the_package_the_error_says_how_to_get_it(self, monkeypatch):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
        with pytest.raises(NotApplicableError, match=r"pip install 'multilingual-harness\[distances\]'"):
            one("syntactic", "eng", "fra")


class TestWordOrder:
    def test_basic_orders(self, context):
        found = orders(["eng", "jpn", "tur", "deu", "est", "lat", "frr"], context)
        assert found["eng"] == {"SVO"}
        assert found["jpn"] == {"SOV"}
        assert found["tur"] == {"SOV"}  # every order occurs, by SSWL
        assert found["deu"] == {"SVO", "SOV"}
        assert found["est"] == {"SVO"}
        assert len(found["lat"]) == 6
        assert "frr" not in found

    def test_distance(self, context):
        assert one("word_order", "eng", "jpn", context)["value"] == 1
        assert one("word_order", "eng", "fra", context)["value"] == 0
        assert one("word_order", "eng", "deu", context)["value"] == 0.5
        assert math.isnan(one("word_order", "eng", "frr", context)["value"])


def test_one_language_twice_is_an_error(context):
    with pytest.raises(HarnessError, match=r"'arb' and 'ara' are one language, arb"):
        distances(["syntactic"], ["arb", "ara", "eng"], context)
