"""Where a rewrite of XTREME's scores goes wrong: each point of its exact behaviour that concerns a metric."""

import pytest

from harness.errors import HarnessError
from harness.metrics.base import evaluate, metric

CHUNKS = metric("span_f1|mode:legacy|scheme:raw")
LENIENT = metric("span_f1|mode:lenient|scheme:raw")
ACCURACY = metric("accuracy")
QA = ("squad_em", "squad_f1", "multilingual_em", "multilingual_f1")


def test_parts_of_speech_are_scored_by_chunks_and_not_by_words():
    gold, guess = [["DET", "NOUN", "NOUN", "VERB", "PUNCT"]], [["DET", "NOUN", "ADJ", "VERB", "PUNCT"]]
    assert evaluate(ACCURACY, gold, guess) == pytest.approx(0.8)
    assert evaluate(CHUNKS, gold, guess) == pytest.approx(2 / 3)


def test_a_run_of_equal_tags_is_one_chunk_but_tags_in_s_stand_alone():
    assert CHUNKS.count([["NOUN"] * 3], [["NOUN"] * 3]).tolist() == [[1, 1, 1]]
    assert CHUNKS.count([["SCONJ"] * 3], [["SCONJ"] * 3]).tolist() == [[3, 3, 3]]
    assert CHUNKS.count([["SYM"] * 3], [["SYM"] * 3]).tolist() == [[3, 3, 3]]


def test_the_score_depends_on_the_version_of_seqeval():
    gold, guess = [["CCONJ", "NOUN"]], [["SCONJ", "NOUN"]]
    assert evaluate(CHUNKS, gold, guess) == 0.5
    assert evaluate(LENIENT, gold, guess) == 1.0  # both are CONJ to it
    # and entities with prefixes do not
    gold, guess = [["B-PER", "I-PER", "O"]], [["I-PER", "I-PER", "B-LOC"]]
    for mode in ("legacy", "lenient"):
        assert evaluate(metric(f"span_f1|mode:{mode}|scheme:IOB2"), gold, guess) == pytest.approx(2 / 3)


def test_a_chunk_does_not_reach_into_the_next_sentence():
    assert CHUNKS.count([["NOUN"], ["NOUN"]], [["NOUN"], ["NOUN"]]).tolist() == [[1, 1, 1], [1, 1, 1]]


def test_squad_normalises_every_language_as_english():
    assert evaluate(metric("squad_em"), [("a b",)], ["b"]) == 1.0  # in whatever language `a` is a word
    assert evaluate(metric("squad_em"), [("«b»",)], ["b"]) == 0.0
    assert evaluate(metric("squad_em"), [("der Fluss",)], ["Fluss"]) == 0.0


def test_squad_f1_is_exact_match_where_there_are_no_spaces():
    for gold, guess in ((("北京大学",), "北京大"), (("กรุงเทพมหานคร",), "กรุงเทพ")):
        assert evaluate(metric("squad_f1"), [gold], [guess]) == 0.0
        assert evaluate(metric("multilingual_f1"), [gold], [guess]) > 0.5


def test_the_arabic_article_goes_wherever_it_stands():
    assert evaluate(metric("mlqa_em", language="arb"), [("سالم",)], ["س م"]) == 1.0


def test_chinese_is_split_by_characters_in_mlqa_alone():
    assert evaluate(metric("mlqa_f1", language="zho-Hans"), [("北京大学",)], ["北京"]) == pytest.approx(2 / 3)


@pytest.mark.parametrize("name", QA)
def test_the_best_gold_answer_counts(name):
    assert evaluate(metric(name), [("wrong", "right")], ["right"]) == 1.0


@pytest.mark.parametrize("name", QA)
def test_an_unanswered_question_scores_0_and_counts(name):
    assert evaluate(metric(name), [("x",), ("y",)], ["", "y"]) == 0.5


@pytest.mark.parametrize("name", ["accuracy", "span_f1|mode:legacy|scheme:raw", "mrr_at|k:20", *QA])
@pytest.mark.parametrize("predicted", [[("A",)], [("A",)] * 3])
def test_gold_and_predictions_are_equally_many(name, predicted):
    with pytest.raises(HarnessError, match=f"{len(predicted)} predictions for 2 examples"):
        metric(name).count([("A",)] * 2, predicted)


def test_accuracy_divides_by_the_number_of_predictions():
    counts = ACCURACY.count(["a", "b", "c"], ["a", "", "c"])
    assert counts.sum(axis=0).tolist() == [2, 3]  # an empty prediction is one


def test_lareqa_divides_by_what_k_results_can_hold():
    gold = tuple(f"a{i}" for i in range(25))
    assert evaluate(metric("map_at|k:20"), [gold], [gold]) == 1.0


def test_mewsli_scores_a_missing_id_0_and_looks_at_20():
    late = tuple(f"Q{i}" for i in range(20, 40))
    gold = [("Q39",), ("Q40",), ("Q20",)]
    assert evaluate(metric("mrr_at|k:20"), gold, [late] * 3) == pytest.approx((1 / 20 + 0 + 1) / 3)
