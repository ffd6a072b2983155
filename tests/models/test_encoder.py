import hashlib
import json
import shutil
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from huggingface_hub import HfApi
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

from harness.data.examples import (
    Answer,
    Corpus,
    LabelledText,
    Options,
    Question,
    Sentence,
    Shape,
    TaggedWords,
    ValuedText,
)
from harness.engine.batches import Resident
from harness.engine.device import BUDGET
from harness.engine.tokens import pool, tokens_of
from harness.engine.train import PART
from harness.errors import DataError, HarnessError
from harness.models import encoder as encoders
from harness.models import neural
from harness.models.base import TrainingSet
from harness.models.encoder import Encoder
from harness.spec import ModelSpec, Training

LETTERS = "abcdefghij"
QUICK = Training(learning_rate=1e-3, batch_size=8, epochs=15)


def checkpoint(folder, kind):
    """A random network of 2 layers and a tokenizer whose tokens are letters and digits."""
    # XLM-R's order of special tokens: its padding is 1, and its positions start at 2
    vocabulary = {t: i for i, t in enumerate(["<s>", "<pad>", "</s>", "<unk>", *LETTERS, *"0123456789"])}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Split("", "isolated")])
    between = "</s> </s> $B" if kind == "xlmr" else "</s> $B:1"
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair=f"<s> $A {between} </s>" + ("" if kind == "xlmr" else ":1"),
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token="<unk>", pad_token="<pad>", cls_token="<s>", sep_token="</s>"
    ).save_pretrained(folder)
    size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    torch.manual_seed(0)
    net = (
        XLMRobertaModel(
            XLMRobertaConfig(vocab_size=30, max_position_embeddings=66, type_vocab_size=1, pad_token_id=1, **size)
        )
        if kind == "xlmr"
        else BertModel(BertConfig(vocab_size=30, max_position_embeddings=64, pad_token_id=1, **size))
    )
    net.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {kind: checkpoint(tmp_path_factory.mktemp(kind), kind) for kind in ("xlmr", "bert")}


@pytest.fixture
def encoder(folders, tmp_path):
    def make(kind="xlmr", folder=None, **settings):
        spec = ModelSpec("toy", "encoder", str(folder or folders[kind]), **{"max_length": 32, **settings})
        return Encoder(spec, tmp_path / "cache", {})

    return make


def corpus(examples, language="eng"):
    return Corpus("toy", language, "train", tuple(examples), hashlib.sha256(repr(examples).encode()).hexdigest())


def sentences(*texts):
    return corpus([Sentence(f"{i}", f"g{i}", text) for i, text in enumerate(texts)])


def tagged(count=24, longest=12):
    """Words of letters and digits; digits are N."""
    draw = np.random.default_rng(1)
    items = []
    for i in range(count):
        words = tuple(
            "".join(draw.choice(list(LETTERS if draw.random() < 0.6 else "0123456789"), 2)) for _ in range(longest)
        )
        items.append(TaggedWords(f"{i}", f"g{i}", words, tuple("N" if w.isdigit() else "L" for w in words)))
    return corpus(items)


@pytest.mark.parametrize("kind", ["xlmr", "bert"])
def test_a_padded_batch_gives_the_unpadded_states(kind, encoder, tmp_path):
    backbone = encoder(kind).backbone
    net = backbone.build().eval()
    texts = sentences("abc", "a", "abcdefghij abcdefghij", "ab cd 12")
    tokens = pool([texts], [tokens_of(texts, Shape.SENTENCE, backbone.tokenizer, 32, tmp_path)])
    cpu = torch.device("cpu")
    with torch.inference_mode():
        together = net(Resident(tokens, backbone.pad, cpu).batch(np.arange(4))[0])
        for row in range(4):
            # the reference: the library's own call on the one text, without padding or mask
            ids = torch.from_numpy(
                np.asarray(tokens.ids[tokens.offsets[row] : tokens.offsets[row + 1]], dtype=np.int64)
            )
            alone = net.model(ids[None]).last_hidden_state[0]
            assert torch.allclose(together[row, : len(ids)], alone, atol=1e-5)


@pytest.mark.parametrize("kind", ["xlmr", "bert"])
def test_words_are_learnt_and_long_sentences_rejoined(kind, encoder, tmp_path):
    model = encoder(kind, max_length=16)
    data = tagged()
    curve = model.train(TrainingSet(Shape.WORDS, (data,), ("L", "N")), QUICK, 1, tmp_path / "out")
    assert curve[-1].value < curve[0].value
    other = tagged(5, longest=40)
    first, second = model.predict(tmp_path / "out", [other, data.choose([2, 3])])
    assert first == [example.tags for example in other]
    assert second == [data.examples[i].tags for i in (2, 3)]


def test_pairs_are_learnt(encoder, tmp_path):
    items = [
        LabelledText(f"{a}{b}", "g", a * 3, b * 2, "digit" if b.isdigit() else "letter")
        for a in LETTERS[:5] + "01234"
        for b in LETTERS[:5] + "01234"
    ]
    model = encoder("bert")
    training = Training(learning_rate=2e-3, batch_size=10, epochs=20)
    model.train(TrainingSet(Shape.TEXT, (corpus(items),), ("digit", "letter")), training, 1, tmp_path / "out")
    (found,) = model.predict(tmp_path / "out", [corpus(items)])
    assert np.mean([a == e.label for a, e in zip(found, items, strict=True)]) > 0.9


def test_answers_are_learnt_over_windows(encoder, tmp_path):
    draw = np.random.default_rng(0)
    items = []
    for i in range(40):
        words = ["".join(draw.choice(list(LETTERS), 2)) for _ in range(20)]
        words[int(draw.integers(20))] = answer = f"{draw.integers(10, 99)}"
        context = " ".join(words)
        items.append(Question(f"{i}", f"g{i}", "ab", context, (Answer(answer, context.index(answer)),)))
    model = encoder(max_length=24)
    training = Training(learning_rate=2e-3, batch_size=16, epochs=30)
    model.train(TrainingSet(Shape.PASSAGE, (corpus(items),), ()), training, 1, tmp_path / "out")
    (found,) = model.predict(tmp_path / "out", [corpus(items)])
    assert np.mean([a == e.answers[0].text for a, e in zip(found, items, strict=True)]) > 0.8


def valued(count=60):
    """Pairs of texts; the value is the share of digits in the second."""
    draw = np.random.default_rng(3)
    items = []
    for i in range(count):
        digits, length = int(draw.integers(0, 7)), int(draw.integers(7, 13))
        letters = [*draw.choice(list("0123456789"), digits), *draw.choice(list(LETTERS), length - digits)]
        items.append(ValuedText(f"{i}", f"g{i}", "ab", "".join(draw.permutation(letters)), digits / length))
    return corpus(items)


def choices(count=60):
    """Two to five options of unequal length; the right one has the letter of the text."""
    draw = np.random.default_rng(4)
    items = []
    for i in range(count):
        wanted, *others = draw.permutation(list(LETTERS[:6]))[: draw.integers(2, 6)]
        options = [letter * int(draw.integers(1, 9)) for letter in (wanted, *others)]
        order = draw.permutation(len(options))
        gains = tuple(float(j == 0) for j in order)
        items.append(Options(f"{i}", f"g{i}", wanted * 2, tuple(options[j] for j in order), gains))
    return corpus(items)


def best(scores):
    return max(range(len(scores)), key=scores.__getitem__)


def test_values_are_learnt(encoder, tmp_path):
    model, data = encoder("bert"), valued()
    training = Training(learning_rate=2e-3, batch_size=10, epochs=20)
    curve = model.train(TrainingSet(Shape.VALUE, (data,), ()), training, 1, tmp_path / "out")
    assert curve[-1].value < curve[0].value / 3
    (found,) = model.predict(tmp_path / "out", [data])
    assert all(type(value) is float for value in found)
    assert np.corrcoef(found, [e.value for e in data])[0, 1] > 0.9


@pytest.mark.parametrize("budget", [None, 160])
def test_options_are_learnt_however_many_there_are(encoder, tmp_path, budget, monkeypatch):
    if budget is not None:  # so that a training batch goes through in parts
        monkeypatch.setitem(PART, "cpu", budget)
    model, data = encoder("bert"), choices()
    training = Training(learning_rate=2e-3, batch_size=6, epochs=30)
    model.train(TrainingSet(Shape.OPTIONS, (data,), ()), training, 1, tmp_path / "out")
    (found,) = model.predict(tmp_path / "out", [data])
    assert [len(scores) for scores in found] == [len(e.options) for e in data]
    assert np.mean([e.gains[best(scores)] for scores, e in zip(found, data, strict=True)]) > 0.8


@pytest.mark.parametrize("shape", [Shape.VALUE, Shape.OPTIONS])
def test_an_example_is_answered_alike_alone_and_among_others(encoder, tmp_path, shape):
    model, data = encoder(), valued(30) if shape is Shape.VALUE else choices(30)
    model.train(TrainingSet(shape, (data,), ()), QUICK, 1, tmp_path / "out")
    (all_,) = model.predict(tmp_path / "out", [data])
    chosen = [20, 3, 7]
    few, rest = model.predict(tmp_path / "out", [data.choose(chosen), data.choose([29])])
    for answer, i in zip([*few, *rest], [*sorted(chosen), 29], strict=True):
        assert answer == pytest.approx(all_[i], abs=1e-5)


def test_neither_threads_nor_budgets_nor_padding_change_an_answer(encoder, tmp_path, monkeypatch):
    data, longer = tagged(20), tagged(7, longest=40)
    encoder().train(TrainingSet(Shape.WORDS, (data,), ("L", "N")), QUICK, 1, tmp_path / "out")
    model = encoder()
    together = model.predict(tmp_path / "out", [data, longer])
    assert "unpadded" in model.backend
    assert model.tokens["computed"] == model.tokens["real"]
    for threads, budget in ((1, 33), (2, 64), (3, 4096)):
        monkeypatch.setitem(BUDGET, "cpu", budget)
        alone = [*encoder(threads=threads).predict(tmp_path / "out", [longer])]
        alone += encoder(threads=threads).predict(tmp_path / "out", [data])
        assert alone == [together[1], together[0]]
    monkeypatch.setattr(encoders, "_unpadded", lambda net, pad: False)
    model = encoder()
    assert model.predict(tmp_path / "out", [data, longer]) == together
    assert "unpadded" not in model.backend
    assert model.tokens["computed"] > model.tokens["real"]


@pytest.mark.parametrize("shape", [Shape.VALUE, Shape.OPTIONS])
def test_nothing_to_train_on_is_an_error_in_every_shape(encoder, tmp_path, shape):
    with pytest.raises(HarnessError, match="no training examples"):
        encoder().train(TrainingSet(shape, (corpus([]),), ()), QUICK, 1, tmp_path / "out")


def test_graded_options_end_up_in_their_order(encoder, tmp_path):
    data = corpus([Options(f"{i}", f"g{i}", "ab", ("c" * 3, "d" * 2, "e"), (0.0, 1.0, 3.0)) for i in range(8)])
    model = encoder()
    model.train(TrainingSet(Shape.OPTIONS, (data,), ()), Training(3e-3, 4, epochs=60), 1, tmp_path / "out")
    (found,) = model.predict(tmp_path / "out", [data.choose([0])])
    # at the minimum of ListNet's loss the softmax of the scores is the shares of the gains
    share = np.exp(found[0]) / np.exp(found[0]).sum()
    assert share == pytest.approx([0, 0.25, 0.75], abs=0.1)


def test_equal_arguments_give_equal_bytes(encoder, tmp_path):
    data = TrainingSet(Shape.WORDS, (tagged(),), ("L", "N"))
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        encoder().train(data, Training(epochs=1), seed, tmp_path / name)
    a, b, c = ((tmp_path / name / "weights.safetensors").read_bytes() for name in "abc")
    assert a == b != c


def test_weights_that_were_loaded_before_give_the_same_bytes(encoder, folders, tmp_path):
    # published checkpoints come without the pooler, which the library then draws at random
    folder = tmp_path / "copy"
    shutil.copytree(folders["bert"], folder)
    kept = {k: v for k, v in load_file(folder / "model.safetensors").items() if "pooler" not in k}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    data = TrainingSet(Shape.WORDS, (tagged(),), ("L", "N"))
    for name in ("cold", "warm"):
        encoder(folder=folder).train(data, Training(epochs=1), 1, tmp_path / name)
    cold, warm = ((tmp_path / name / "weights.safetensors").read_bytes() for name in ("cold", "warm"))
    assert cold == warm


def test_loading_is_silent_where_nobody_watches(encoder, folders, tmp_path, capfd):
    folder = tmp_path / "copy"
    shutil.copytree(folders["bert"], folder)
    capfd.readouterr()
    encoder(folder=folder).embed([sentences("abc")])
    assert capfd.readouterr() == ("", "")


def test_training_goes_on_from_an_earlier_folder(encoder, tmp_path):
    data = TrainingSet(Shape.WORDS, (tagged(),), ("L", "N"))
    model = encoder()
    first = model.train(data, QUICK, 1, tmp_path / "a")
    still = Training(learning_rate=0.0, steps=1)
    model.train(data, still, 2, tmp_path / "b", start=tmp_path / "a")
    assert (tmp_path / "a" / "weights.safetensors").read_bytes() == (
        tmp_path / "b" / "weights.safetensors"
    ).read_bytes()
    renamed = TrainingSet(Shape.WORDS, (tagged(),), ("N", "L"))  # a head for other tags says nothing: it starts afresh
    again = model.train(renamed, still, 2, tmp_path / "c", start=tmp_path / "a")
    assert again[0].value > first[-1].value


def test_dev_chooses_the_weights(encoder, tmp_path):
    data = TrainingSet(Shape.WORDS, (tagged(),), ("L", "N"), dev=(tagged(6),))
    curve = encoder().train(data, Training(learning_rate=1e-3, epochs=4, select="source_dev"), 1, tmp_path / "out")
    assert [point.step for point in curve if point.name == "dev"] == [1, 2, 3, 4]


def test_embeddings_are_unit_vectors_over_real_tokens(encoder):
    model = encoder()
    found = model.embed([sentences("abc", "abcdefghij ab"), sentences("abc")])
    assert [part.shape for part in found] == [(2, 32), (1, 32)]
    assert np.allclose(np.linalg.norm(np.concatenate(found), axis=1), 1, atol=1e-6)
    assert np.array_equal(found[0][0], found[1][0])
    net = model.backbone.build().eval().model
    with torch.inference_mode():
        states = net(torch.tensor([[0, 4, 5, 6, 2]]), output_hidden_states=True).hidden_states
    for pooling, layer, expected in (
        ("mean", -1, states[2].mean(1)),
        ("mean", 1, states[1].mean(1)),
        ("cls", -1, states[2][:, 0]),
    ):
        got = encoder(pooling=pooling, layer=layer).embed([sentences("abc", "a b c d e f")])[0][0]
        assert np.allclose(got, (expected / expected.norm()).numpy()[0], atol=1e-5)


def test_a_prefix_stands_before_every_sentence(encoder):
    plain, prefixed = encoder(), encoder(options={"prefix": "ab "})
    assert np.array_equal(prefixed.embed([sentences("cd")])[0], plain.embed([sentences("ab cd")])[0])


def test_embeddings_of_trained_weights_differ(encoder, tmp_path):
    model = encoder()
    model.train(TrainingSet(Shape.WORDS, (tagged(),), ("L", "N")), QUICK, 1, tmp_path / "out")
    texts = [sentences("abc")]
    assert not np.allclose(model.embed(texts)[0], model.embed(texts, tmp_path / "out")[0], atol=1e-3)


def test_low_precision_is_close_to_full(encoder, tmp_path):
    data = tagged()
    encoder().train(TrainingSet(Shape.WORDS, (data,), ("L", "N")), QUICK, 1, tmp_path / "out")
    found = [encoder(dtype=dtype).predict(tmp_path / "out", [data])[0] for dtype in ("float32", "bfloat16")]
    assert np.mean([a == b for x, y in zip(*found, strict=True) for a, b in zip(x, y, strict=True)]) > 0.97


def test_bfloat16_trains_weights_of_full_precision(encoder, tmp_path):
    model, data = encoder(dtype="bfloat16"), TrainingSet(Shape.WORDS, (tagged(),), ("L", "N"))
    curve = model.train(data, QUICK, 1, tmp_path / "out")
    assert curve[-1].value < curve[0].value / 3
    trained = load_file(tmp_path / "out" / "weights.safetensors")
    assert {value.dtype for value in trained.values()} == {torch.float32}
    dense = trained["base.model.encoder.layer.0.output.dense.weight"]
    assert (dense != dense.bfloat16().float()).float().mean() > 0.9


def test_what_trained_the_weights_is_told_with_what_evaluated_them(encoder, tmp_path, monkeypatch):
    data = tagged(4)
    for name in ("eager", "onednn"):
        monkeypatch.setattr(neural, "products", lambda net, name=name: nullcontext(name))
        encoder().train(TrainingSet(Shape.WORDS, (data,), ("L", "N")), QUICK, 1, tmp_path / name)
    model, told = encoder(), []
    for name in ("eager", "onednn"):
        model.predict(tmp_path / name, [data])
        told.append(model.backend)
    model.embed([sentences("ab")], tmp_path / "onednn")
    assert "trained" not in told[0]
    assert told[1] == f"{told[0]}, trained by onednn"
    assert model.backend.endswith(", trained by onednn")


def test_dev_may_have_tokens_that_training_has_not(encoder, tmp_path):
    data, dev = (corpus([TaggedWords("0", "0", (word,) * 4, ("L",) * 4)]) for word in ("ab", "cd"))
    training = Training(learning_rate=1e-3, batch_size=1, epochs=2, select="source_dev")
    before = encoder().backbone.build().state_dict()
    name = "model.embeddings.word_embeddings.weight"
    encoder().train(TrainingSet(Shape.WORDS, (data,), ("L", "N"), (dev,)), training, 1, tmp_path / "out")
    after = load_file(tmp_path / "out" / "weights.safetensors")[f"base.{name}"]
    moved = (after != before[name]).any(dim=1).nonzero()[:, 0].tolist()
    assert moved == [0, 2, 4, 5]  # <s>, </s>, a, b


class TestCheckpoints:
    def broken(self, folders, tmp_path, *missing):
        folder = tmp_path / "copy"
        shutil.copytree(folders["xlmr"], folder)
        for name in missing:
            (folder / name).unlink()
        return folder

    @pytest.mark.parametrize(
        ("missing", "message"),
        [
            ("model.safetensors", "no weights"),
            ("tokenizer.json", "no tokenizer files"),
            ("config.json", "no config.json"),
        ],
    )
    def test_an_incomplete_folder_is_named(self, missing, message, encoder, folders, tmp_path):
        with pytest.raises(DataError, match=message):
            encoder(folder=self.broken(folders, tmp_path, missing)).identity()

    def test_weights_of_another_network_are_not_filled_up_at_random(self, encoder, folders, tmp_path):
        folder = self.broken(folders, tmp_path)
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
        with pytest.raises(HarnessError, match="weights are missing"):
            encoder(folder=folder).embed([sentences("abc")])

    def test_a_missing_folder_is_no_hub_name(self, encoder, tmp_path):
        with pytest.raises(DataError, match="no such folder"):
            encoder(folder=tmp_path / "nowhere").identity()

    def test_offline_a_hub_name_fails_at_once_and_says_what_to_pass(self, encoder, monkeypatch):
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        with pytest.raises(HarnessError, match=r"HF_HUB_OFFLINE.*model.checkpoint=FOLDER"):
            encoder(folder="nobody/has-such-a-model").identity()

    def test_without_a_network_the_message_says_what_to_pass(self, encoder, monkeypatch):
        def down(*arguments, **settings):
            raise ExceptionGroup("Network is unreachable", [OSError()])

        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setattr(HfApi, "model_info", down)
        with pytest.raises(HarnessError, match=r"does not answer.*model.checkpoint=FOLDER"):
            encoder(folder="nobody/has-such-a-model").identity()

    def test_no_checkpoint_is_an_error(self, tmp_path):
        with pytest.raises(HarnessError, match=r"model.checkpoint="):
            Encoder(ModelSpec("toy", "encoder"), tmp_path, {}).identity()

    def test_a_damaged_digest_is_made_anew_and_identifies_the_same_weights(self, encoder, tmp_path, caplog):
        before = encoder().identity()
        (known,) = (tmp_path / "cache" / "digests").iterdir()
        content = known.read_bytes()
        for damaged in (
            content.replace(content[4:5], b"0" if content[4:5] != b"0" else b"1"),
            content[:20],
            b"{}",
            b"\xff",
        ):
            known.write_bytes(damaged)
            assert encoder().identity() == before
            assert known.read_bytes() == content
        assert [r.message for r in caplog.records] == [f"{known} is damaged; what it held is computed again"] * 4

    def test_weights_that_the_disk_does_not_take_are_an_error_for_people(self, encoder, tmp_path, monkeypatch):
        def full(*_):
            raise SafetensorError("I/O error: No space left on device (os error 28)")

        monkeypatch.setattr(neural, "save_file", full)
        with pytest.raises(HarnessError, match=r"cannot write .*weights.safetensors: .*No space left.* Choose another"):
            encoder().train(TrainingSet(Shape.WORDS, (tagged(4),), ("L", "N")), QUICK, 1, tmp_path / "out")

    def test_identity_follows_the_weights(self, encoder, folders, tmp_path):
        folder = self.broken(folders, tmp_path)
        before = encoder(folder=folder).identity()
        assert encoder(folder=folder).identity() == before == encoder().identity()
        weights = bytearray((folder / "model.safetensors").read_bytes())
        weights[-1] ^= 1
        (folder / "model.safetensors").write_bytes(weights)
        assert encoder(folder=folder).identity() != before

    def test_a_row_longer_than_the_positions_is_refused(self, encoder):
        assert encoder(max_length=64).backbone.width == 32
        with pytest.raises(HarnessError, match="max_length=64"):
            encoder(max_length=65).identity()
