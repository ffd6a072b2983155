"""Bitext mining: the threshold, the matching, the duplicates, and that no gold pair of the test set is looked at."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data.examples import Corpus, Sentence
from harness.errors import HarnessError
from harness.metrics.base import evaluate, metric
from harness.retrieval.mining import Pair, best_threshold, mine
from harness.runner import run
from harness.sweep.compose import sweep
from harness.sweep.plan import plan


def corpus(language, texts):
    examples = (Sentence(f"{language}-{i}", f"g{i}", text) for i, text in enumerate(texts))
    return Corpus("t", language, "test", tuple(examples), language)


def unit(matrix):
    return (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).astype(np.float32)


def pairs(*scores):
    return [Pair(f"a{i}", f"b{i}", score) for i, score in enumerate(scores)]


def right(*places):
    return {(f"a{i}", f"b{i}") for i in places}


def test_the_threshold_is_halfway_to_the_first_pair_that_is_left_out():
    # F1 with 1, 2, 3, 4 pairs: 1/2, 4/5, 2/3, 6/7 of three gold ones ... the best keeps the first two
    assert best_threshold(pairs(1.5, 1.3, 1.2, 1.0), right(0, 1)) == pytest.approx(1.25)


def test_a_threshold_that_keeps_every_pair_is_the_last_ones_score():
    # the official program reads beyond its list here
    assert best_threshold(pairs(1.5, 1.3), right(0, 1)) == 1.3
    assert best_threshold(pairs(1.5), right(0)) == 1.5


def test_where_nothing_is_right_nothing_is_left_out():
    assert best_threshold(pairs(1.5, 1.3), right(7)) == 0.0
    assert best_threshold([], right(7)) == 0.0


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.integers(0, 3))
def test_no_other_threshold_has_a_higher_f1(gold, unseen):
    found = pairs(*(2.0 - i / 10 for i in range(len(gold))))
    truth = right(*(i for i, yes in enumerate(gold) if yes)) | {(f"x{i}", "y") for i in range(unseen)}

    def f1(threshold):
        kept = [(pair.one, pair.other) for pair in found if pair.score >= threshold]
        return evaluate(metric("mining_f1"), [truth], [kept])

    best = f1(best_threshold(found, truth))
    assert best == pytest.approx(max(f1(threshold) for threshold in [0.0, *(pair.score for pair in found), 3.0]))


def test_translations_are_mined_one_to_one_the_surest_first():
    draw = np.random.default_rng(0)
    meaning = unit(draw.normal(size=(6, 32)) + 0.3)
    german, english = corpus("deu", "abcdef"), corpus("eng", "ABCDEF")
    order = [3, 1, 0, 5, 2, 4]
    found = mine(german, english, {"deu": meaning, "eng": unit(meaning[order] + 0.05 * draw.normal(size=(6, 32)))})
    assert {(pair.one, pair.other) for pair in found} == {(f"deu-{j}", f"eng-{i}") for i, j in enumerate(order)}
    assert [pair.score for pair in found] == sorted((pair.score for pair in found), reverse=True)


def test_the_score_is_the_ratio_margin_of_both_neighbourhoods():
    draw = np.random.default_rng(1)
    x, y = unit(draw.normal(size=(9, 8)) + 0.6), unit(draw.normal(size=(7, 8)) + 0.6)
    (first, *_) = mine(corpus("deu", "abcdefghi"), corpus("eng", "ABCDEFG"), {"deu": x, "eng": y})
    cosines = x @ y.T
    near = [np.sort(m, axis=1)[:, -4:].mean(axis=1) for m in (cosines, cosines.T)]
    margins = cosines / ((near[0][:, None] + near[1][None]) / 2)
    # a candidate is one of the four nearest by cosine, from either side
    allowed = [(i, j) for i in range(9) for j in np.argsort(-cosines[i])[:4]]
    allowed += [(i, j) for j in range(7) for i in np.argsort(-cosines[:, j])[:4]]
    i, j = max(allowed, key=lambda pair: margins[pair])
    assert (first.one, first.other) == (f"deu-{i}", f"eng-{j}")
    assert math.isclose(first.score, margins[i, j], rel_tol=1e-5)


def test_a_sentence_that_stands_twice_is_in_no_pair_and_not_its_own_neighbour():
    meaning = unit(np.eye(3) + 0.1)
    german, english = corpus("deu", ["a", "b", "a", "c"]), corpus("eng", "ABC")
    found = mine(german, english, {"deu": meaning[[0, 1, 0, 2]], "eng": meaning})
    assert {(pair.one, pair.other) for pair in found} == {("deu-1", "eng-1"), ("deu-3", "eng-2")}
    # the same scores as without the copy: equal sentences are one to the neighbourhoods
    once = mine(corpus("deu", "abc"), english, {"deu": meaning, "eng": meaning})
    assert {pair.score for pair in found} <= {pair.score for pair in once}


@pytest.mark.parametrize(
    ("signature", "score"),
    [("mining_f1", 2 * 2 / (3 + 4)), ("mining_precision", 2 / 3), ("mining_recall", 2 / 4)],
)
def test_pairs_are_counted_as_sets_whole_or_by_sentence(signature, score):
    measure = metric(signature)
    assert evaluate(measure, [["a", "b", "c", "d"]], [["a", "b", "x"]]) == pytest.approx(score)
    gold, mined = [("a",), ("b",), ("c", "d"), ()], [("a",), ("b",), (), ("x",)]
    assert evaluate(measure, gold, mined) == pytest.approx(score)


@pytest.mark.parametrize("signature", ["mining_f1", "mining_precision", "mining_recall"])
def test_nothing_mined_of_nothing_scores_zero(signature):
    assert evaluate(metric(signature), [()], [()]) == 0.0


SURE = [0.95, 0.93, 0.91, 0.89, 0.87, 0.85, 0.83, 0.81]  # cosines of translations, before all is shifted
NOISE = [0.5, 0.45]  # and of sentences that resemble each other


@pytest.fixture
def files(tmp_path):
    """BUCC's files with vectors for them: four translations in dev, eight in test, and two likenesses in both."""
    root, vectors = tmp_path / "data", tmp_path / "vectors" / "bucc2018"
    root.mkdir()
    vectors.mkdir(parents=True)
    for split, name, sure in (("dev", "sample", SURE[::2]), ("test", "training", SURE)):
        cosines = np.array([*sure, *NOISE])
        n = len(cosines)
        german = np.hstack([np.eye(n), np.zeros((n, n)), np.full((n, 1), 0.6)])
        english = np.hstack([np.diag(cosines), np.diag(np.sqrt(1 - cosines**2)), np.full((n, 1), 0.6)])
        for code, language, matrix in (("de", "deu", german), ("en", "eng", english)):
            np.save(vectors / f"{split}-{language}.npy", unit(matrix))
            (root / f"de-en.{name}.{code}").write_text("".join(f"{code}-{i}\t{language} {i}\n" for i in range(n)))
        (root / f"de-en.{name}.gold").write_text("".join(f"de-{i}\ten-{i}\n" for i in range(len(sure))))
    return root


def mined(tmp_path, files, *overrides):
    given = [f"results={tmp_path / 'results'}", "tracking=none", f"data.root={files}", "task=bucc2018"]
    model = ["model=predictions", f"model.checkpoint={tmp_path / 'vectors'}"]
    found = plan(sweep([*given, *model, "source=eng", "target=deu", "on_error=raise", *overrides], multirun=False))
    run(found.jobs[0].job, found.setting)
    store, key = found.setting.store, found.jobs[0].predict_key
    return store.read_cell("bucc2018", key, "deu"), store.examples("bucc2018", key, "deu")


def test_a_planted_bitext_is_mined_with_the_threshold_of_dev(tmp_path, files):
    cell, table = mined(tmp_path, files)
    assert {name: score["score"] for name, score in cell.scores.items()} == {
        "mining_f1": 1.0, "mining_precision": 1.0, "mining_recall": 1.0,
    }  # fmt: skip
    assert table["prediction"].tolist() == [*(f'["en-{i}"]' for i in range(8)), "[]", "[]"]


def test_gold_pairs_of_the_test_set_change_the_score_and_no_prediction(tmp_path, files):
    _, before = mined(tmp_path, files)
    (files / "de-en.training.gold").write_text("de-8\ten-8\n")
    cell, after = mined(tmp_path, files, f"results={tmp_path / 'other'}")
    assert after["prediction"].tolist() == before["prediction"].tolist()
    assert cell.scores["mining_f1"]["score"] == 0.0


@pytest.mark.parametrize(
    ("gold", "kept"),
    [("de-0\ten-0\n", 2), ("de-4\ten-4\nde-5\ten-5\n", 10)],  # the surest pair alone; the least sure ones
)
def test_gold_pairs_of_dev_decide_what_is_kept(tmp_path, files, gold, kept):
    (files / "de-en.sample.gold").write_text(gold)
    _, table = mined(tmp_path, files)
    assert sum(text != "[]" for text in table["prediction"]) == kept


@pytest.mark.parametrize("override", ["~task.splits.dev", "task.splits.dev=nowhere"])
def test_without_dev_there_is_no_threshold_and_no_result(tmp_path, files, override):
    with pytest.raises(HarnessError, match="no dev"):
        mined(tmp_path, files, override)


def test_a_family_of_another_kind_can_mine(tmp_path, files):
    given = ("task=bucc2018", "model=lexical", "source=eng", "target=deu", "on_error=raise", "tracking=none")
    asked = plan(sweep([*given, f"results={tmp_path / 'results'}", f"data.root={files}"], multirun=False))
    assert run(asked.jobs[0].job, asked.setting).status == "done"
