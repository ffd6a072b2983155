"""Rank variance: the metric, and over the stored tables of a job."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.metrics.base import evaluate, metric
from harness.retrieval.consistency import across, of_job
from harness.runner import run
from harness.storage.store import Store
from harness.sweep import build
from harness.sweep.compose import sweep
from harness.sweep.options import Options
from harness.sweep.plan import plan


@given(st.lists(st.lists(st.integers(1, 9), min_size=3, max_size=3), min_size=1, max_size=9))
def test_it_is_the_mean_of_each_querys_variance(ranks):
    assert evaluate(metric("rank_variance"), ranks, ranks) == pytest.approx(np.mean([np.var(one) for one in ranks]))


def test_it_sees_what_recall_does_not():
    steady, unsteady = [[2, 2], [5, 5]], [[2, 5], [5, 2]]  # the same ranks in each language, shared out otherwise
    assert [evaluate(metric("rank_variance"), ranks, ranks) for ranks in (steady, unsteady)] == [0.0, 2.25]


@pytest.mark.parametrize("ranks", [[1], [0, 1]])
def test_ranks_are_needed_in_two_languages_from_one(ranks):
    with pytest.raises(HarnessError, match="query 0: needs ranks in two languages"):
        metric("rank_variance").count([ranks], [ranks])


def table(predictions, ids="ab"):
    texts = [json.dumps(prediction) for prediction in predictions]
    return pd.DataFrame({"example_id": [*ids], "group_id": [f"g{id}" for id in ids], "prediction": texts})


def test_tables_are_joined_by_query_and_read_in_one_direction():
    tables = {
        "deu": table([{"cosine": [1, 4]}, {"cosine": [1, 1]}]),
        "fin": table([{"cosine": [1, 3]}, {"cosine": [3, 2]}, {"cosine": [9, 9]}], ids="bac"),
    }
    found = across(tables)  # backward: a has 4 and 2, b has 1 and 3
    assert (found.variance, found.queries, found.languages) == (1.0, 2, ("deu", "fin"))
    assert found.low <= found.variance <= found.high
    assert across(tables, "forward").variance == 0.5  # a has 1 and 3, b 1 and 1


def test_languages_without_a_common_query_have_no_consistency():
    tables = {"deu": table([{"cosine": [1, 4]}], ids="a"), "fin": table([{"cosine": [1, 3]}], ids="b")}
    with pytest.raises(HarnessError, match="no query is in all of deu, fin"):
        across(tables)


def test_questions_are_ranked_by_their_first_right_answer():
    tables = {
        "deu": table([{"all": [], "lone": {"deu": 1, "eng": 5}}], ids="a"),
        "eng": table([{"all": [], "lone": {"deu": 3, "eng": 9}}], ids="a"),
    }
    assert across(tables).variance == 1.0
    assert across(tables).low is None


def test_one_language_or_ranks_that_are_not_there_are_an_error():
    one = table([{"cosine": [1, 1]}], ids="a")
    with pytest.raises(HarnessError, match="there are results in 1"):
        across({"deu": one})
    with pytest.raises(HarnessError, match="needs ranks by margin"):
        across({"deu": one, "fin": one}, similarity="margin")
    with pytest.raises(HarnessError, match="unknown direction"):
        across({"deu": one, "fin": one}, "up")


def test_a_stored_job_has_a_consistency(tmp_path):
    given = ("task=mini_retrieval", "model=lexical", "source=eng", "target=[deu,nld,jpn]", "tracking=none")
    asked = plan(sweep([*given, f"results={tmp_path}"], multirun=False))
    run(asked.jobs[0].job, asked.setting)
    found = of_job(asked.setting.store, asked.jobs[0].job.task, asked.jobs[0].predict_key)
    assert found.languages == ("deu", "jpn", "nld")
    assert found.queries == 150
    assert found.variance > 0


def test_queries_that_differ_from_pair_to_pair_are_not_compared(tmp_path):
    task = build.task("tatoeba", Options().read("task", "tatoeba"), Options())
    with pytest.raises(HarnessError, match="each language has other queries"):
        of_job(Store(tmp_path), task, "p")
