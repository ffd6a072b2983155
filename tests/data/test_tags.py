import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data.tags import to_iob2
from harness.errors import DataError

# a sentence as pieces: a type and a length, or None for one word outside
PIECES = st.lists(st.one_of(st.none(), st.tuples(st.sampled_from(["PER", "LOC", "a-b"]), st.integers(1, 4))))


def encode(pieces, scheme):
    tags, before = [], None
    for piece in pieces:
        if piece is None:
            tags.append("O")
            before = None
            continue
        kind, length = piece
        if scheme == "IOB1":
            tags += [f"{'B' if before == kind else 'I'}-{kind}"] + [f"I-{kind}"] * (length - 1)
        elif scheme == "IOB2":
            tags += [f"B-{kind}"] + [f"I-{kind}"] * (length - 1)
        elif length == 1:
            tags.append(f"S-{kind}")
        else:
            tags += [f"B-{kind}"] + [f"I-{kind}"] * (length - 2) + [f"E-{kind}"]
        before = kind
    return tags


@pytest.mark.parametrize("scheme", ["IOB1", "IOB2", "BIOES"])
@given(pieces=PIECES)
def test_every_scheme_gives_the_same_spans_in_iob2(scheme, pieces):
    assert to_iob2(encode(pieces, scheme), scheme) == encode(pieces, "IOB2")


@given(st.lists(st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])))
def test_iob2_stays_as_it_is_even_where_it_is_broken(tags):
    assert to_iob2(tags, "IOB2") == tags


@given(st.lists(st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])))
def test_iob1_gives_valid_iob2_from_any_sequence(tags):
    before = "O"
    for tag in to_iob2(tags, "IOB1"):
        assert not tag.startswith("I-") or before[2:] == tag[2:]
        before = tag


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (["O", "I-PER"], "tag 1, 'I-PER'.*no span is open"),
        (["B-PER", "O"], "tag 1, 'O'.*'PER' is open"),
        (["B-PER", "E-LOC"], "tag 1, 'E-LOC'.*'PER' is open"),
        (["B-PER", "I-PER"], "tag 1, 'I-PER'.*end of the sentence"),
        (["S-PER", "PER"], "tag 1, 'PER', is no BIOES tag"),
        (["X-PER"], "tag 0, 'X-PER', is no BIOES tag"),
        (["B-PER", "S-PER"], "tag 1, 'S-PER'.*'PER' is open"),
    ],
)
def test_broken_bioes_names_the_position(tags, message):
    with pytest.raises(DataError, match=message):
        to_iob2(tags, "BIOES")


def test_an_unknown_scheme_names_the_nearest():
    with pytest.raises(DataError, match="did you mean 'BIOES'"):
        to_iob2(["O"], "BIOE")
