from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.data.examples import Sentence
from harness.data.load import load
from harness.distances import sources
from harness.distances.asked import Asked, Scope
from harness.distances.base import DISTANCES, distances
from harness.distances.embedded import embeddings
from harness.errors import DataError
from harness.studied import Studied
from harness.sweep import build
from harness.sweep.options import Options
from tests.distances.conftest import corpus, spoken

OPTIONS = Options()


def task(name):
    return build.task(name, OPTIONS.read("task", name), OPTIONS)


@pytest.fixture(scope="module")
def tiny():
    node = OPTIONS.read("model", "tiny")
    node["options"] = {"init": "none", "buckets": 1024, "width": 16}
    return build.model("tiny", node, task("mini_retrieval"))


def test_a_task_gives_texts_and_sizes(tiny, tmp_path):
    ner = task("mini_ner")
    wanted = [DISTANCES[name] for name in ("word_overlap", "entity_overlap", "train_size", "size_ratio")]
    scope = Scope("mini_ner", "tiny", ("deu", "eng", "fra"), ("eng",), Studied(ner, ner, tiny))
    asked = Asked(["lexical"], None, tmp_path)
    context = sources.context_of(wanted, sources.inputs_of(wanted, scope, asked), asked)
    assert set(context.corpora) == {"eng", "deu"}  # the task has no French
    assert context.corpora["eng"].split == "test"
    assert context.sizes["eng"] == len(load(ner, "eng", "train", None))
    table = distances(["word_overlap", "entity_overlap", "train_size"], ["eng", "deu"], context)
    assert table["value"].notna().all()


def test_a_model_gives_its_tokenizer_where_it_has_one(tiny, tmp_path):
    found = sources.tokenizer_of(tiny, tmp_path)
    assert found is not None
    assert len(found.encode(["two words"])[0].ids) == 2
    assert sources.tokenizer_of(replace(tiny, family="majority"), tmp_path) is None


def test_a_model_says_what_it_was_pretrained_on(tiny):
    assert sources.pretraining_of(replace(tiny, options={"amounts": {"en": 1200}})) == {"eng": 1200.0}
    assert sources.pretraining_of(tiny) == {}


def test_embeddings_are_aligned_by_id(tiny, tmp_path):
    english = spoken("eng", "one cat", "two dogs", "three birds")
    # the same sentences in another order, and one more
    other = corpus(
        "deu", [Sentence(i, i, t) for i, t in [("2", "three birds"), ("9", "x"), ("0", "one cat"), ("1", "two dogs")]]
    )
    found = embeddings(tiny, [-1], {"eng": english, "deu": other}, tmp_path, {})
    assert found[-1]["eng"].shape[0] == 3
    np.testing.assert_allclose(found[-1]["eng"], found[-1]["deu"], atol=1e-6)


def test_sentences_that_are_not_parallel_are_refused(tiny, tmp_path):
    parallel = {"eng": spoken("eng", "a"), "deu": corpus("deu", [Sentence("x", "x", "b")])}
    with pytest.raises(DataError, match="0 sentences in common"):
        embeddings(tiny, [-1], parallel, tmp_path, {})
