from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from harness.distances.base import DISTANCES, Context, Distance, Kind, distances, frame
from harness.errors import HarnessError, NotApplicableError


def test_rows_are_ordered_pairs_without_the_diagonal():
    values = np.array([[0.0, 1, 2], [3, 0, 4], [5, 6, 0]])
    table = frame(["x", "y", "z"], values)
    assert list(zip(table["a"], table["b"], table["value"], strict=True)) == [
        ("x", "y", 1), ("x", "z", 2), ("y", "x", 3), ("y", "z", 4), ("z", "x", 5), ("z", "y", 6),
    ]  # fmt: skip
    assert table[["shared", "coverage"]].isna().all(axis=None)


def test_every_registered_distance_has_its_own_name_and_a_version():
    for name in DISTANCES:
        assert DISTANCES[name].name == name
        assert DISTANCES[name].version
        assert DISTANCES[name].kind in Kind


def test_what_rests_on_too_little_is_nan_but_says_on_how_much():
    half = Distance(
        "half", Kind.FILE, "1", True,
        lambda codes, context: frame(codes, np.full((2, 2), 0.5), np.array([[9.0, 5], [6, 9]])), 6,
    )  # fmt: skip
    table = distances([half], ["eng", "deu"], Context())
    assert table["value"].isna().tolist() == [True, False]
    assert table["shared"].tolist() == [5, 6]


def test_with_nothing_but_languages_the_rest_says_what_it_lacks():
    reasons = {}
    for name in DISTANCES:
        try:
            assert set(distances([name], ["eng", "deu", "swh"], Context())["distance"]) == {name}
        except NotApplicableError as error:
            reasons[name] = str(error)
    assert not {"family_tree", "great_circle"} & reasons.keys()
    assert "tokenizer" in reasons["tokenizer_fertility"]
    assert "texts" in reasons["word_overlap"]
    assert "embeddings" in reasons["linear_cka"]


def test_any_spelling_of_a_language_will_do():
    table = distances(["same_script"], ["German", "ara"], Context())
    assert table["a"].tolist() == ["deu", "arb"]


@pytest.mark.parametrize(
    ("languages", "message"),
    [
        (["eng"], "two languages or more"),
        (["eng", "xyzzy"], "unknown language 'xyzzy'"),
        (["en", "eng"], "one language"),
    ],
)
def test_bad_languages_are_answered(languages, message):
    with pytest.raises(HarnessError, match=message):
        distances(["same_script"], languages, Context())


def test_an_unknown_distance_is_answered_with_the_nearest():
    with pytest.raises(HarnessError, match="did you mean 'syntactic'"):
        distances(["sintactic"], ["eng", "deu"], Context())


def test_no_distance_imports_torch():
    program = (
        "import sys; from harness.distances import sources; from harness.distances.base import DISTANCES\n"
        "[DISTANCES[name] for name in DISTANCES]\n"
        "print([name for name in ('torch', 'transformers', 'sklearn', 'urielplus') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
