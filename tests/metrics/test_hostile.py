"""No input makes a metric crash or give a number that is none: an error that says why, or a finite score in range."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.metrics.base import METRICS, metric
from harness.stats.bootstrap import interval

text = st.one_of(
    st.sampled_from(
        ["", " ", "O", "B", "I-", "B-PER", "I-PER", "E-PER", "-", "a", "b", "(other)", "\ud800", "\0", "ال"]
    ),
    st.text(st.characters(codec=None), max_size=6),
)
texts = st.lists(text, max_size=5)
number = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(-(10**400), 10**400),
    st.sampled_from([0.0, 1.0, 1e308, -1e308, 5e-324]),
)
numbers = st.lists(number, max_size=5)
plain = st.floats(-1e6, 1e6)
ranks = st.lists(st.integers(0, 10**18), max_size=4)
table = st.dictionaries(
    st.sampled_from(["cosine", "margin", "csls", "pooled", "lone"]),
    st.one_of(ranks, st.integers(0, 5), st.dictionaries(st.sampled_from(["deu", "eng"]), st.integers(0, 9))),
)

KINDS = {
    "accuracy": (text, text),
    "macro_f1": (text, text),
    "micro_f1": (texts, texts),
    "matthews": (st.sampled_from("ab"), text),
    "pearson": (number, number),
    "spearman": (number, number),
    "choice_accuracy": (numbers, numbers),
    "ndcg": (numbers, numbers),
    "language_bias": (text, table),
    "rank_variance": (text, ranks),
    **dict.fromkeys(("span_f1", "span_precision", "map_at", "mrr_at"), (texts, texts)),
    **dict.fromkeys(("mining_f1", "mining_precision", "mining_recall"), (texts, texts)),
    **dict.fromkeys(
        ("squad_f1", "squad_em", "mlqa_f1", "mlqa_em", "multilingual_f1", "multilingual_em"), (texts, text)
    ),
    **dict.fromkeys(("retrieval_accuracy", "retrieval_mrr", "recall_at"), (text, table)),
}
SETTINGS = {
    "span_f1": [
        f"|mode:{m}|scheme:{s}{t}"
        for m in ("strict", "lenient", "legacy")
        for s in ("IOB1", "IOB2", "BIOES", "raw")
        for t in ("", "|type:PER")
    ],
    "ndcg": ["", "|k:1"],
    "map_at": ["|k:1", "|k:999999999999999999999"],
    "mrr_at": ["|k:2"],
}
SIGNATURES = [name + settings for name in KINDS for settings in SETTINGS.get(name, [""])]


def test_every_registered_metric_is_tried():
    assert set(KINDS) == set(METRICS)


@pytest.mark.parametrize("signature", SIGNATURES)
@given(data=st.data())
def test_the_score_is_a_number_in_range_or_the_error_says_why(signature, data):
    name = signature.split("|")[0]
    gold, predicted = (data.draw(st.lists(kind, max_size=4)) for kind in KINDS[name])
    if data.draw(st.integers(0, 5)):  # else also of unequal number
        n = min(len(gold), len(predicted))
        gold, predicted = gold[:n], predicted[:n]
    measure = metric(signature, labels=("a", "b"), language="arb")
    try:
        counts = measure.count(gold, predicted)
    except HarnessError:
        return
    assert counts.shape == (len(gold), len(measure.columns))
    assert np.isfinite(counts).all()
    bounds = interval(counts, [str(i % 3) for i in range(len(gold))], measure, replicates=20) or ()
    low, high = measure.range
    for score in (measure.total(counts), *bounds):
        assert math.isfinite(score)
        assert low <= score <= high + 1e-12


def test_only_what_can_be_below_0_or_above_1_says_another_range():
    ranges = {name: metric(signature, labels=("a", "b"), language="arb").range
              for signature in SIGNATURES for name in [signature.split("|")[0]]}  # fmt: skip
    others = {name: limits for name, limits in ranges.items() if limits != (0, 1)}
    signed = dict.fromkeys(("matthews", "pearson", "spearman", "language_bias"), (-1, 1))
    assert others == signed | {"rank_variance": (0, math.inf)}


@pytest.mark.parametrize("name", ["pearson", "spearman", "choice_accuracy", "ndcg"])
@given(data=st.data())
def test_numbers_within_reason_always_have_a_score(name, data):
    one = plain if name in ("pearson", "spearman") else st.lists(plain.map(abs), min_size=2, max_size=2)
    pairs = data.draw(st.lists(st.tuples(one, one), max_size=6))
    gold, predicted = ([pair[side] for pair in pairs] for side in (0, 1))
    measure = metric(name)
    assert -1 <= measure.total(measure.count(gold, predicted)) <= 1 + 1e-12
