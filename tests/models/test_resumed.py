"""Networks whose training is killed and goes on: their folders are those of an undisturbed training, to the byte."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from harness.data.examples import Corpus, LabelledText, Options, Shape, TaggedWords
from harness.engine import train
from harness.engine.savepoint import Saved
from harness.models import neural
from harness.models.base import MODELS, Resumable, TrainingSet
from harness.models.encoder import Encoder
from harness.models.tiny import Tiny
from harness.spec import ModelSpec, Savepoint, Training
from tests.models.test_encoder import checkpoint

NUMBERS = Training(learning_rate=1e-3, batch_size=8, epochs=3, warmup=0.2, weight_decay=0.1)
WORDS = ["alfa", "beta", "gama", "12", "345", "6", "jack", "high"]


class Killed(BaseException):
    """What no code of ours catches."""


def words(count, seed):
    draw = np.random.default_rng(seed)
    chosen = [tuple(draw.choice(WORDS, draw.integers(1, 9))) for _ in range(count)]
    return corpus(
        [TaggedWords(f"{i}", f"g{i}", w, tuple("N" if x.isdigit() else "L" for x in w)) for i, w in enumerate(chosen)]
    )


def texts(count, seed):
    return corpus(
        [LabelledText(e.id, e.group, " ".join(e.words), None, e.tags[0]) for e in words(count, seed).examples]
    )


def options(count, seed):
    return corpus(
        [
            Options(e.id, e.group, e.words[0], ("alfa", "12", "beta"), (0.0, 1.0, 0.0))
            for e in words(count, seed).examples
        ]
    )


def corpus(examples):
    return Corpus("toy", "eng", "train", tuple(examples), str(hash(tuple(examples))))


SETS = {
    "words": TrainingSet(Shape.WORDS, (words(30, 1), words(12, 2)), ("L", "N"), dev=(words(8, 3),)),
    "texts": TrainingSet(Shape.TEXT, (texts(40, 1),), ("L", "N")),
    "options": TrainingSet(Shape.OPTIONS, (options(24, 1),), ()),
}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Makes a model, new as in another process."""
    folder = checkpoint(tmp_path_factory.mktemp("xlmr"), "xlmr")
    cache = tmp_path_factory.mktemp("cache")

    def make(family, dtype):
        if family == "tiny":
            small = {"width": 32, "buckets": 2**10, "init": "none"}
            return Tiny(ModelSpec("tiny", "tiny", dtype=dtype, max_length=32, options=small), cache, {})
        return Encoder(ModelSpec("toy", "encoder", str(folder), dtype=dtype, max_length=32), cache, {})

    return make


@pytest.mark.parametrize(
    ("family", "dtype", "what", "select", "few_shot"),
    [
        ("tiny", "float32", "words", "source_dev", False),
        ("tiny", "bfloat16", "texts", "last", True),
        ("encoder", "float32", "words", "source_dev", True),
        ("encoder", "bfloat16", "words", "source_dev", False),
        ("encoder", "float32", "options", "last", False),
    ],
)
def test_a_training_killed_twice_writes_the_same_folder(
    models, tmp_path, monkeypatch, family, dtype, what, select, few_shot
):
    data = SETS[what]
    monkeypatch.setitem(train.PART, "cpu", 60)  # a batch in several parts
    monkeypatch.setitem(neural.PART, "cpu", 60)
    numbers = replace(NUMBERS, select=select)
    start = None
    if few_shot:
        start = tmp_path / "base"
        models(family, dtype).train(data, Training(learning_rate=1e-2, batch_size=4, steps=3), 5, start)
    whole = models(family, dtype).train(data, numbers, 1, tmp_path / "whole", start)
    steps = max(point.step for point in whole)

    write, taken = Saved.write, []

    def killed(self, progress):
        write(self, progress)
        taken.append(progress.step)
        if progress.step in (2, steps - 2):
            raise Killed

    place = Savepoint(tmp_path / "state", 0)
    monkeypatch.setattr(Saved, "write", killed)
    for _ in range(2):
        with pytest.raises(Killed):
            models(family, dtype).train(data, numbers, 1, tmp_path / "resumed", start, place)
        assert not (tmp_path / "resumed").exists()
    torch.rand(7)  # what other jobs of the process have drawn does not matter
    curve = models(family, dtype).train(data, numbers, 1, tmp_path / "resumed", start, place)
    assert taken == [*range(1, steps)]  # no step was taken twice
    assert curve == whole
    for path in (tmp_path / "whole").iterdir():
        assert (tmp_path / "resumed" / path.name).read_bytes() == path.read_bytes()


def test_the_state_holds_no_more_of_a_vocabulary_than_is_read(models, tmp_path):
    place = Savepoint(tmp_path / "state", 0)
    data = TrainingSet(Shape.WORDS, (corpus([TaggedWords("0", "0", ("ab",), ("L",))] * 3),), ("L", "N"))
    models("encoder", "float32").train(data, Training(batch_size=1, steps=3), 1, tmp_path / "out", None, place)
    state = load_file(place.folder / "state.safetensors")
    tables = [value.shape for name, value in state.items() if "word_embeddings" in name]
    assert tables == [(6, 32)]  # <s>, padding, </s>, a, b, and the row that stands for all others


def test_a_family_that_does_not_go_on_says_nothing_of_it(models, tmp_path):
    assert isinstance(models("tiny", "float32"), Resumable)
    assert not isinstance(MODELS["lexical"](ModelSpec("lexical", "lexical"), tmp_path, {}), Resumable)
