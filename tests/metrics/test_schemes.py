"""Strict spans in every scheme beside seqeval in strict mode, the looser modes on their prefixes, and spans by type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import classification_report, f1_score, precision_score
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB1, IOB2, IOBES, Entities

from harness.errors import HarnessError
from harness.metrics.base import evaluate, metric

PREFIXES = {"IOB1": "BI", "IOB2": "BI", "BIOES": "BIES"}
ORACLES = {"IOB1": IOB1, "IOB2": IOB2, "BIOES": IOBES}
pytestmark = pytest.mark.filterwarnings("ignore")


def taggings(scheme):
    """Gold and predicted tags of a few sentences, of equal lengths, well and badly formed."""
    tags = ["O", *(f"{letter}-{kind}" for letter in PREFIXES[scheme] for kind in ("PER", "LOC", "A-B"))]
    tags += list(PREFIXES[scheme])
    sentence = st.lists(st.tuples(st.sampled_from(tags), st.sampled_from(tags)), min_size=1, max_size=9)
    return st.lists(sentence, min_size=1, max_size=4).map(
        lambda corpus: tuple([[pair[side] for pair in sentence] for sentence in corpus] for side in (0, 1))
    )


cases = st.sampled_from(sorted(PREFIXES)).flatmap(lambda scheme: st.tuples(st.just(scheme), taggings(scheme)))


def sums(measure, tags):
    return measure.count(*tags).sum(axis=0).tolist()


def as_sums(truth, guess):
    return [len(truth & guess), len(guess), len(truth)]


@given(cases)
def test_strict_finds_the_spans_of_seqeval_in_strict_mode(case):
    scheme, tags = case
    truth, guess = ({e.to_tuple() for s in Entities(side, ORACLES[scheme]).entities for e in s} for side in tags)
    measure = metric(f"span_f1|mode:strict|scheme:{scheme}")
    assert sums(measure, tags) == as_sums(truth, guess)
    if truth or guess:
        expected = f1_score(*tags, mode="strict", scheme=ORACLES[scheme])
        assert evaluate(measure, *tags) == pytest.approx(expected)


@given(cases)
def test_lenient_reads_the_prefixes_of_every_scheme_as_seqeval_does(case):
    scheme, tags = case
    measure = metric(f"span_f1|mode:lenient|scheme:{scheme}")
    assert sums(measure, tags) == as_sums(*(set(get_entities(side)) for side in tags))


@given(cases)
def test_precision_is_that_of_seqeval(case):
    scheme, tags = case
    assert evaluate(metric(f"span_precision|mode:lenient|scheme:{scheme}"), *tags) == pytest.approx(
        precision_score(*tags)
    )


@given(cases)
def test_scores_by_type_are_those_of_seqevals_report(case):
    scheme, tags = case
    strict = classification_report(*tags, mode="strict", scheme=ORACLES[scheme], output_dict=True)
    lenient = classification_report(*tags, output_dict=True)
    for kind in ("PER", "LOC", "A-B"):
        for mode, report in (("strict", strict), ("lenient", lenient)):
            expected = report[kind]["f1-score"] if kind in report else 0.0
            found = evaluate(metric(f"span_f1|mode:{mode}|scheme:{scheme}|type:{kind}"), *tags)
            assert found == pytest.approx(expected)


@given(cases, st.sampled_from(["strict", "lenient"]))
def test_the_spans_of_all_types_are_all_spans(case, mode):
    scheme, tags = case
    every = sums(metric(f"span_f1|mode:{mode}|scheme:{scheme}"), tags)
    kinds = [
        sums(metric(f"span_f1|mode:{mode}|scheme:{scheme}|type:{kind}"), tags) for kind in ("PER", "LOC", "A-B", "_")
    ]
    assert [sum(column) for column in zip(*kinds, strict=True)] == every


@given(cases, st.sampled_from(["strict", "lenient", "legacy"]))
def test_a_perfect_prediction_scores_1_wherever_there_is_a_span(case, mode):
    scheme, (gold, _) = case
    found = metric(f"span_f1|mode:{mode}|scheme:{scheme}").count(gold, gold).sum(axis=0)
    assert found[0] == found[1] == found[2]


def test_the_same_span_in_each_scheme():
    written = {
        "IOB1": ["I-PER", "I-PER", "B-PER", "O", "I-LOC"],
        "IOB2": ["B-PER", "I-PER", "B-PER", "O", "B-LOC"],
        "BIOES": ["B-PER", "E-PER", "S-PER", "O", "S-LOC"],
        "raw": ["PER", "PER", "PER2", "O", "LOC"],
    }
    for scheme, tags in written.items():
        assert sums(metric(f"span_f1|scheme:{scheme}"), ([tags], [tags])) == [3, 3, 3]
        if scheme != "raw":
            assert sums(metric(f"span_f1|scheme:{scheme}|type:PER"), ([tags], [tags])) == [2, 2, 2]


def test_a_legacy_type_is_what_follows_the_last_hyphen_of_its_label():
    tags = [["B-A-X", "O", "B-B-X"]]
    assert sums(metric("span_f1|mode:legacy|type:A-X"), (tags, tags)) == [2, 2, 2]
    assert sums(metric("span_f1|mode:lenient|type:A-X"), (tags, tags)) == [1, 1, 1]


@pytest.mark.parametrize("kind", ["NOUN", "SYM"])
def test_raw_tags_have_types_too(kind):
    gold, guess = [["NOUN", "NOUN", "SYM"]], [["NOUN", "SYM", "SYM"]]
    assert evaluate(metric(f"span_f1|mode:strict|scheme:raw|type:{kind}"), gold, guess) == 0.0
    assert evaluate(metric(f"span_f1|mode:strict|scheme:raw|type:{kind}"), gold, gold) == 1.0


@pytest.mark.parametrize("mode", ["strict", "lenient", "legacy"])
@pytest.mark.parametrize(("scheme", "tag"), [("IOB1", "E-PER"), ("BIOES", "L-PER"), ("BIOES", "PER"), ("raw", "")])
def test_a_tag_outside_the_scheme_is_an_error(mode, scheme, tag):
    with pytest.raises(HarnessError, match="tag"):
        metric(f"span_f1|mode:{mode}|scheme:{scheme}").count([("O",)], [(tag,)])


def test_a_type_has_a_name():
    with pytest.raises(HarnessError, match="type:"):
        metric("span_f1|type:")
