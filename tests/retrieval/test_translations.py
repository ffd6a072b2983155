import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.data.examples import Corpus, Sentence
from harness.engine import cosines
from harness.errors import DataError
from harness.retrieval.translations import match, pooled
from harness.runner import run
from harness.sweep.compose import sweep
from harness.sweep.plan import plan


def corpus(language, ids):
    return Corpus("t", language, "test", tuple(Sentence(id, id, id) for id in ids), language)


def unit(matrix):
    return (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).astype(np.float32)


def test_ranks_follow_ids_and_not_positions():
    english, german = corpus("eng", ["a", "b", "c"]), corpus("deu", ["c", "a", "b"])
    eye = np.eye(3, dtype=np.float32)
    vectors = {english.key: eye, german.key: eye[[2, 0, 1]]}
    found = match(english, german, ["cosine"], vectors)
    assert found == [{"cosine": [1, 1], "found": id} for id in "cab"]


def test_what_the_query_found_is_named_where_it_is_not_the_translation():
    english, german = corpus("eng", ["a", "b"]), corpus("deu", ["a", "b"])
    eye = np.eye(2, dtype=np.float32)
    found = match(english, german, ["cosine"], {"eng": eye, "deu": eye[::-1]})
    assert found == [{"cosine": [2, 2], "found": "b"}, {"cosine": [2, 2], "found": "a"}]


def test_only_what_is_asked_for_is_computed():
    english, german = corpus("eng", ["a", "b"]), corpus("deu", ["a", "b"])
    eye = np.eye(2, dtype=np.float32)
    found = match(english, german, ["csls", "margin"], {"eng": eye, "deu": eye})
    assert found[0].keys() == {"csls", "margin", "found"}


def test_sides_that_are_not_parallel_are_an_error():
    english, german = corpus("eng", ["a", "b"]), corpus("deu", ["a", "x"])
    with pytest.raises(DataError, match="not parallel: ids that stand on one side alone: b, x"):
        match(english, german, ["cosine"], {english.key: np.eye(2), german.key: np.eye(2)})


def test_a_model_that_prefers_a_language_wins_within_it_and_loses_in_the_pool():
    ids = ["a", "b", "c", "d"]
    query, same, other = corpus("eng", ids), corpus("nld", ids), corpus("ell", ids)
    meaning, near, far = np.eye(4), np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    vectors = {
        "eng": unit(np.hstack([0.2 * meaning, np.repeat(near, 4, 0)])),
        "nld": unit(np.hstack([0.2 * meaning, np.repeat(near, 4, 0)])),
        "ell": unit(np.hstack([0.2 * meaning, np.repeat(far, 4, 0)])),
    }
    assert [one["cosine"] for one in match(query, other, ["cosine"], vectors)] == [[1, 1]] * 4
    ranks = pooled(query, [same, other], vectors)
    assert ranks == {"nld": [1] * 4, "ell": [4] * 4}  # three Dutch sentences of other meanings are nearer


def test_a_model_that_knows_one_vector_ties_with_everything():
    ids = [str(i) for i in range(61)]
    query, pool = corpus("q", ids), [corpus(f"l{i}", ids) for i in range(3)]
    draw = np.random.default_rng(5)
    same = unit(np.repeat(draw.normal(size=(1, 97)), 61, axis=0))
    vectors = {"q": unit(draw.normal(size=(61, 97))), **{one.key: same for one in pool}}
    # equal rows are equally near, to the last bit, wherever they stand
    assert pooled(query, pool, vectors) == {one.language: [1 + 3 * 60] * 61 for one in pool}


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 6), st.integers(1, 4), st.integers(0, 10**6))
def test_the_pool_agrees_with_counting_one_by_one(items, languages, seed):
    rng = np.random.default_rng(seed)
    ids = [str(i) for i in range(items)]
    query = corpus("q", ids)
    pool = [corpus(f"l{i}", ids) for i in range(languages)]
    vectors = {one.key: unit(rng.normal(size=(items, 3))) for one in [query, *pool]}
    found = pooled(query, pool, vectors)
    for one in pool:
        for i in range(items):
            mine = vectors[one.key][i] @ vectors["q"][i]
            worse = sum(
                vectors[other.key][j] @ vectors["q"][i] >= mine for other in pool for j in range(items) if j != i
            )
            assert found[one.language][i] == 1 + worse


@pytest.mark.parametrize(("onednn", "searched"), [(True, ", searched by onednn"), (False, "")])
def test_the_record_says_what_searched(tmp_path, monkeypatch, onednn, searched):
    monkeypatch.setattr(cosines, "usable", lambda: onednn)
    words = ["model=lexical", "source=eng", "tracking=none", f"results={tmp_path}/results"]
    for task, target, told in (("mini_retrieval", "deu", searched), ("mini_ner", "eng", "")):
        (one,) = (planned := plan(sweep([*words, f"task={task}", f"target={target}"], multirun=False))).jobs
        assert run(one.job, planned.setting).status == "done"
        assert planned.setting.store.read_job(task, one.predict_key).backend == f"sklearn{told}"
