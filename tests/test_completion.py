import pytest

from harness.completion import overrides


def offered(incomplete):
    return [item.value for item in overrides(None, None, incomplete)]


def test_keys_and_groups_are_offered_with_their_equals_sign():
    assert "source=" in offered("so")
    assert {"task=", "target=", "tracking=", "train="} == set(offered("t"))
    assert "+experiment=demo" in offered("+exp")


@pytest.mark.parametrize(
    ("incomplete", "word"),
    [
        ("task=mini_n", "task=mini_ner"),
        ("task=mini_ner,mini_p", "task=mini_ner,mini_pos"),
        ("source=germ", "source=germanic"),
        ("source=[eng,de", "source=[eng,deu"),
        ("+experiment=real", "+experiment=real_small"),
    ],
)
def test_values_are_offered_one_by_one(incomplete, word):
    assert word in offered(incomplete)


def test_a_key_of_free_values_offers_nothing():
    assert offered("seed=") == []
