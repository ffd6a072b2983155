from __future__ import annotations

import csv
import math

import numpy as np
import pytest

from harness.distances.base import Context, distances
from harness.distances.file import doubt, read_distance
from harness.errors import DataError
from tests.distances.conftest import one

SQUARE = ",English,de,fra\nEnglish,0,1.5,2\nde,1.5,0,\nfra,2,,0\n"


@pytest.fixture
def write(tmp_path):
    def make(content, name="ldnd.csv"):
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return path

    return make


def test_a_square_matrix_in_any_spelling(write):
    found = read_distance(write(SQUARE))
    assert (found.name, found.symmetric) == ("ldnd", True)
    assert one(found, "eng", "deu")["value"] == 1.5
    assert math.isnan(one(found, "deu", "fra")["value"])
    assert math.isnan(one(found, "deu", "tur")["value"])  # not in the file


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_long_table_in_one_direction_counts_for_both(write, delimiter):
    found = read_distance(write("a,b,Value,note\neng,deu,3,x\nfra,eng,,y\n".replace(",", delimiter)), "mine")
    assert (found.name, found.symmetric) == ("mine", True)
    assert one(found, "deu", "eng")["value"] == 3
    assert math.isnan(one(found, "eng", "fra")["value"])


def test_two_directions_are_kept_apart(write):
    found = read_distance(write("a,b,value\neng,deu,3\ndeu,eng,4\neng,fra,5\nfra,eng,7\n"))
    assert not found.symmetric
    assert one(found, "eng", "deu")["value"] == 3
    assert one(found, "deu", "eng")["value"] == 4


def test_half_a_matrix_is_mirrored(write):
    found = read_distance(write(",eng,deu,fra\neng,,1,2\ndeu,,,3\nfra,,,\n"))
    assert one(found, "fra", "eng")["value"] == 2


def test_a_name_that_a_distance_has_already_is_told_apart(write):
    assert read_distance(write(SQUARE, "genetic.csv")).name == "genetic.csv"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        (",eng,deu\neng,0,1\n", "not a square matrix: 'deu'"),
        (",eng,eng\neng,0,1\neng,1,0\n", "not a square matrix: 'eng'|one language"),
        (",eng,deu\neng,0,1\ndeu,1\n", "line 3: 2 cells"),
        (",eng,xyzzy\neng,0,1\nxyzzy,1,0\n", "unknown language 'xyzzy'"),
        (",eng,ara,arb\neng,0,1,1\nara,1,0,0\narb,1,0,0\n", "'ara' and 'arb' are one language, arb"),
        (",eng,deu\neng,0,far\ndeu,1,0\n", "line 2, column deu: 'far' is no number"),
        (",eng,deu\neng,0,-1\ndeu,1,0\n", "line 2, column deu: -1 is no distance"),
        (",eng,deu\neng,0,inf\ndeu,1,0\n", "inf is no distance"),
        (",eng,deu\neng,1,0.3\ndeu,0.3,1\n", "look like similarities"),
        (",eng,deu\neng,0.1,0.3\ndeu,0.3,0\n", "eng is 0.1 from itself"),
        ("a,b,value\neng,deu,1\neng,de,2\n", "'deu' and 'de' are one language"),
        ("a,b,value\neng,deu,1\neng,deu,1\n", "line 3: eng to deu stands in the file before"),
    ],
)
def test_bad_files_are_answered_with_the_place(write, content, message):
    with pytest.raises(DataError, match=message) as caught:
        read_distance(write(content))
    assert "ldnd.csv" in str(caught.value)


def test_a_slip_in_a_symmetric_matrix_is_no_direction(write):
    codes = ["eng", "deu", "fra", "spa", "ita", "nld", "swe"]
    lines = [[abs(i - j) for j in range(7)] for i in range(7)]
    lines[2][5] = 9
    content = "\n".join(
        [",".join(["", *codes]), *(",".join([c, *map(str, row)]) for c, row in zip(codes, lines, strict=True))]
    )
    with pytest.raises(DataError, match=r"1 of 21 pairs differ by direction, fra to nld \(9.0, and back 3.0\)"):
        read_distance(write(content))


def test_missing_files_are_answered(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv: no such file"):
        read_distance(tmp_path / "none.csv")


class TestDoubt:
    def test_a_mass_of_near_zeros_is_languages_without_data(self):
        values = np.append(np.linspace(0.1, 0.9, 90), np.full(10, 0.0002))
        assert "10.0% of the values are at most 0.001" in doubt(values)
        assert doubt(values[:92]) == ""

    def test_flags_and_steps_are_not_suspicious(self):
        assert doubt(np.array([0.0, 0, 1, 1, 1 / 3, 2 / 3, 0])) == ""

    def test_nothing_known_is_no_ground_for_doubt(self):
        assert doubt(np.array([np.nan])) == ""

    @pytest.mark.parametrize("task", ["dep", "el", "mt"])
    def test_langranks_phonological_distances_and_their_repair(self, real_data, task):
        def column(path, name):
            with path.open(encoding="utf-8") as file:
                return np.array([float(row[name]) for row in csv.DictReader(file) if row[name]])

        old = real_data / "matrices" / "langrank_uriel" / f"{task}.csv"
        new = real_data / "matrices" / "langrank_urielplus" / f"{task}_updated.csv"
        if not old.exists():
            pytest.skip("no LangRank data")
        assert "look identical" in doubt(column(old, "PHONOLOGICAL"))
        assert doubt(column(new, "PHONOLOGICAL")) == ""
        assert doubt(column(old, "SYNTACTIC")) == ""
        if task != "mt":  # rounded to one digit there
            assert "exactly 1" in doubt(column(old, "GEOGRAPHIC"))


def test_published_ldnd(real_data):
    found = read_distance(real_data / "matrices" / "xpos" / "ldnd.csv")
    assert found.symmetric
    table = distances([found], ["en", "nl", "de", "fi"], Context())
    assert table["value"].notna().all()
    dutch = table[(table["a"] == "eng")].set_index("b")["value"]
    assert dutch["nld"] < dutch["fin"]
