"""Layers and poolings as a swept axis: one forward pass for all of them, and the numbers of single runs."""

import string
import subprocess

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from harness.data.examples import Corpus, Sentence
from harness.errors import HarnessError
from harness.launch.app import run_configuration
from harness.models import neural
from harness.models.base import View
from harness.models.encoder import Encoder
from harness.retrieval import views
from harness.retrieval.views import each_view, siblings
from harness.spec import ModelSpec
from harness.sweep.compose import sweep
from harness.sweep.plan import plan

ALL = [View(layer, pooling) for layer in (0, 1, 2, 3, -1) for pooling in ("mean", "cls")]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A random network of three layers that reads letters."""
    folder = tmp_path_factory.mktemp("letters")
    vocabulary = {token: i for i, token in enumerate(["[PAD]", "[CLS]", "[SEP]", "[UNK]", *string.ascii_lowercase])}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Split("", "isolated")])
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    size = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=30, max_position_embeddings=140, **size)).save_pretrained(folder)
    return folder


@pytest.fixture
def passes(monkeypatch):
    """How many rows each forward pass was over."""
    rows, done = [], neural.forward

    def counted(compute, tokens, *arguments, **settings):
        rows.append(len(tokens))
        return done(compute, tokens, *arguments, **settings)

    monkeypatch.setattr(neural, "forward", counted)
    return rows


def spec(checkpoint, layer=-1, pooling="mean"):
    return ModelSpec("letters", "encoder", str(checkpoint), layer=layer, pooling=pooling)


def sentences(language, *texts):
    return Corpus(
        "t", language, "test", tuple(Sentence(str(i), str(i), text) for i, text in enumerate(texts)), language
    )


def test_views_are_the_vectors_of_single_runs_to_the_last_bit(checkpoint, tmp_path, passes):
    corpora = [sentences("eng", "a dog", "two black cats", "a dog"), sentences("deu", "ein hund", "zwei katzen", "x")]
    found = Encoder(spec(checkpoint), tmp_path, {}).embed_views(corpora, ALL)
    assert len(passes) == 1
    for view, vectors in zip(ALL, found, strict=True):
        alone = Encoder(spec(checkpoint, *view), tmp_path, {}).embed(corpora)
        assert all(np.array_equal(one, other) for one, other in zip(vectors, alone, strict=True))
    distinct = {vectors[0].tobytes() for vectors in found}
    assert len(distinct) == len(ALL) - 2  # layer 3 of 3 is the last; all others differ


def swept(folder, checkpoint, *overrides):
    given = [f"results={folder}", "tracking=none", "task=mini_retrieval", "target=[deu,nld]", "model=encoder"]
    return sweep([*given, f"model.checkpoint={checkpoint}", "model.threads=1", *overrides], multirun=True)


def run_all(asked):
    return [
        outcome
        for one in asked.composed
        for outcome in run_configuration(dict(one.config), dict(one.choices), asked.options, "1/1")
    ]


def test_a_sweep_over_views_is_one_hydra_job_one_pass_and_a_record_each(checkpoint, tmp_path, passes):
    axes = ("model.layer=1,2,last", "model.pooling=mean,cls")
    asked = swept(tmp_path / "swept", checkpoint, *axes)
    assert [argument for argument in asked.arguments if "model.l" in argument] == ["model.layer=[1,2,last]"]
    assert len(asked.composed) == 1
    outcomes = run_all(asked)
    assert [outcome.status for outcome in outcomes] == ["done"] * 6
    assert len(passes) == 1
    assert len({outcome.predict_key for outcome in outcomes}) == 6
    store = plan(asked).setting.store
    together = {(one.predict_key, target): store.read_cell("mini_retrieval", one.predict_key, target).scores
                for one in outcomes for target in ("deu", "nld")}  # fmt: skip
    alone = {}
    for layer in (1, 2, "last"):
        for pooling in ("mean", "cls"):
            single = swept(tmp_path / "alone", checkpoint, f"model.layer={layer}", f"model.pooling={pooling}")
            (outcome,) = run_all(single)
            cells = plan(single).setting.store
            for target in ("deu", "nld"):
                scores = cells.read_cell("mini_retrieval", outcome.predict_key, target).scores
                alone[outcome.predict_key, target] = scores
    assert together == alone
    assert len(passes) == 1 + 6


def test_what_is_stored_is_not_passed_again(checkpoint, tmp_path, passes):
    run_all(swept(tmp_path, checkpoint, "model.layer=1,2"))
    assert [outcome.status for outcome in run_all(swept(tmp_path, checkpoint, "model.layer=1,2"))] == ["skipped"] * 2
    assert len(passes) == 1


def test_views_are_held_for_some_corpora_at_a_time(checkpoint, tmp_path, passes, monkeypatch):
    monkeypatch.setattr(views, "ROOM", 1)
    run_all(swept(tmp_path / "parts", checkpoint, "model.layer=1,2", "task.metrics=[retrieval_accuracy]"))
    assert len(passes) == 3  # English, German, Dutch
    monkeypatch.undo()
    run_all(swept(tmp_path / "whole", checkpoint, "model.layer=1,2", "task.metrics=[retrieval_accuracy]"))
    tables = [sorted((tmp_path / name / "runs").rglob("*.parquet")) for name in ("parts", "whole")]
    assert len(tables[0]) == 4
    assert [path.read_bytes() for path in tables[0]] == [path.read_bytes() for path in tables[1]]


def test_views_are_named_apart_where_there_are_several(checkpoint, tmp_path):
    jobs = plan(swept(tmp_path, checkpoint, "model.layer=1,last", "+model.name=mine")).jobs
    assert [one.job.model.name for one in jobs] == ["mine-1-mean", "mine-last-mean"]
    (alone,) = plan(swept(tmp_path, checkpoint, "model.layer=1", "+model.name=mine")).jobs
    assert alone.job.model.name == "mine"
    assert alone.predict_key == jobs[0].predict_key


def test_a_list_of_views_needs_no_sweep(checkpoint, tmp_path):
    asked = swept(tmp_path, checkpoint, "model.layer=[1,2]")
    (group,) = siblings(one.job for one in plan(asked).jobs)
    assert [job.model.layer for job in group] == [1, 2]


def test_jobs_that_differ_otherwise_share_nothing(checkpoint, tmp_path):
    asked = swept(tmp_path, checkpoint, "model.layer=1,2", "source=eng,deu")
    assert [len(group) for group in siblings(one.job for one in plan(asked).jobs)] == [2, 2]
    trained = plan(swept(tmp_path, checkpoint, "task=mini_pos", "model.layer=1,2"))
    assert [len(group) for group in siblings(one.job for one in trained.jobs)] == [1, 1]


@pytest.mark.parametrize("layer", [4, -2])
def test_a_layer_that_the_model_does_not_have_is_named_before_anything_runs(checkpoint, tmp_path, layer):
    with pytest.raises(HarnessError, match=f"has 3 layers, and so no layer {layer}"):
        plan(swept(tmp_path, checkpoint, f"model.layer=1,{layer}"))


def test_a_model_without_layers_has_one_view_and_keeps_its_fields():
    assert list(each_view({"family": "lexical"})) == [{"family": "lexical"}]
    assert list(each_view({"layer": "last", "pooling": "cls"})) == [{"layer": -1, "pooling": "cls"}]


def test_views_leave_nothing_behind(checkpoint, harness, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    done = harness(
        "run", "-m", "task=mini_retrieval", "target=deu", "model=encoder", f"model.checkpoint={checkpoint}",
        "model.layer=1,2", "model.threads=1", "tracking=none", code=0, TMPDIR=str(temporary),
    )  # fmt: skip
    assert isinstance(done, subprocess.CompletedProcess)
    assert "2 jobs, 2 cells" in done.stderr
    assert not list(temporary.glob("harness-views-*"))
