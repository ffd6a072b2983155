import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data.examples import Corpus, Sentence
from harness.data.splits import check_disjoint, first_groups, sample, split_of
from harness.errors import DataError
from harness.spec import ParallelSplit

SPEC = ParallelSplit(train=0.6, dev=0.1)


def corpus(groups, language="eng", split="train"):
    examples = tuple(Sentence(str(i), group, f"{language} {i}") for i, group in enumerate(groups))
    return Corpus("t", language, split, examples, "f")


def ids(chosen):
    return [example.id for example in chosen]


@given(st.text())
def test_a_group_falls_where_its_sha256_says(group):
    point = int(hashlib.sha256(group.encode()).hexdigest(), 16) / 2**256
    expected = "train" if point < 0.6 else "dev" if point < 0.7 else "test"
    assert split_of(group, SPEC) == expected


@pytest.mark.parametrize(
    ("group", "split"),
    # sha256sum begins with 09b7 (0.04 of the whole), 8db5 (0.55), 9d3e (0.61), a61f (0.65), daf4 (0.86)
    [
        ("xnli-dev:0", "train"),
        ("xnli-dev:3", "train"),
        ("xnli-dev:2", "dev"),
        ("xnli-dev:6", "dev"),
        ("xnli-dev:4", "test"),
    ],
)
def test_known_groups_keep_their_splits(group, split):
    assert split_of(group, SPEC) == split


def test_shares_are_near_what_is_asked_for():
    splits = [split_of(f"g:{i}", SPEC) for i in range(5000)]
    assert 0.57 < splits.count("train") / 5000 < 0.63
    assert 0.08 < splits.count("dev") / 5000 < 0.12


def test_nothing_is_trained_where_the_share_is_zero():
    assert {split_of(str(i), ParallelSplit(train=0.0)) for i in range(100)} == {"test"}
    assert {split_of(str(i), ParallelSplit(train=1.0)) for i in range(100)} == {"train"}


def test_a_group_in_both_splits_is_refused_by_name():
    train, test = corpus(["a", "b"]), corpus(["c", "b"], "deu", "test")
    with pytest.raises(DataError, match=r"1 groups of t \(deu, test\).*\(eng, train\) too: b\."):
        check_disjoint(train, test)
    check_disjoint(train, test.choose([0]))
    check_disjoint(train.choose([0]), test)


@given(st.lists(st.sampled_from("abcde"), max_size=30), st.integers(0, 6))
def test_first_groups_keeps_whole_groups_in_file_order(groups, n):
    chosen = first_groups(corpus(groups), n)
    order = sorted(set(groups), key=groups.index)
    assert [example.group for example in chosen] == [group for group in groups if group in order[:n]]


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 5))
def test_a_smaller_sample_is_part_of_a_larger_one(small, large, seed):
    small, large = sorted((small, large))
    full = corpus(map(str, range(40)))
    assert set(ids(sample(full, small, seed))) <= set(ids(sample(full, large, seed)))
    assert len(sample(full, large, seed)) == large


def test_parallel_languages_get_the_same_items_whatever_their_order():
    one = corpus(map(str, range(50)))
    other = Corpus("t", "deu", "train", tuple(reversed(one.examples)), "g")
    assert set(ids(sample(one, 7, 3))) == set(ids(sample(other, 7, 3)))
    assert ids(sample(one, 7, 3)) != ids(sample(one, 7, 4))


def test_a_sample_stays_inside_the_examples_in_use():
    limited = first_groups(corpus(["a", "a", "b", "c"]), 1)
    assert ids(sample(limited, 2, 0)) == ["0", "1"]
    with pytest.raises(DataError, match="3 examples asked for, but eng train has 2"):
        sample(limited, 3, 0)
