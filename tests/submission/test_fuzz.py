"""No file makes the scorer raise or gives a number that is none: random bytes, and right files with random wounds."""

import json
import math
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.submission import official
from tests.submission.conftest import FORMS, Folders

# what a wound may put in: pieces that mean something in one form or another, and any byte at all
PIECES = st.one_of(
    st.sampled_from(
        [b"\n", b"\r\n", b"\r", b"\t", b" ", b"O", b"B-PER", b"I-", b"-", b"0", b"-1", b"1e999", b"NaN", b"{", b"}",
         b"[", b"]", b'"', b":", b",", b"null", b"true", b'"q1"', b'{"q1": "x"}', b"\xef\xbb\xbf", b"\x00", b"\\ud800",
         "\u2028\u0664\u202e".encode(), b"\xff"]
    ),
    st.binary(max_size=4),
)  # fmt: skip
WOUNDS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 8), PIECES), max_size=6)


def wounded(content, wounds):
    """The content with bytes at some places replaced by pieces."""
    for place, length, piece in wounds:
        at = int(place * len(content))
        content = content[:at] + piece + content[at + length :]
    return content


def check(form, content, gold):
    with tempfile.TemporaryDirectory() as root:
        folders = Folders(Path(root), (form,))
        folders.file(form, gold=gold).write_bytes(content)
        found = folders.score()
    for languages in found.scores.values():
        for metrics in languages.values():
            assert all(math.isfinite(value) and 0 <= value <= 1 for value in metrics.values())
    json.dumps(official.as_json(found), allow_nan=False)
    task = FORMS[form][0]
    assert [line for line in (*found.errors, *found.notes) if "\n" in line] == []
    # the other language is as it was
    assert "eng" in found.tallies[task]
    if "deu" not in found.tallies[task]:
        assert any(str(folders.file(form, gold=gold)) in line or "/test-de." in line for line in found.errors)


@pytest.mark.parametrize("gold", [False, True], ids=["prediction", "gold"])
@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=30, deadline=None)
@given(st.one_of(st.binary(max_size=60), st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass"))))
def test_random_bytes(form, gold, content):
    check(form, content, gold)


@pytest.mark.parametrize("gold", [False, True], ids=["prediction", "gold"])
@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=80, deadline=None)
@given(wounds=WOUNDS)
def test_a_right_file_with_wounds(form, gold, wounds):
    content = FORMS[form][3 if gold else 4].encode()
    check(form, wounded(content, wounds), gold)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["data", "q1", "m1", "qas", "label"]), inner)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("gold", [False, True], ids=["prediction", "gold"])
@pytest.mark.parametrize("form", ["answers", "rankings", "choices"])
@settings(max_examples=40, deadline=None)
@given(value=JSON)
def test_json_of_any_shape(form, gold, value):
    check(form, json.dumps(value).encode(), gold)
