"""What everyone evaluates: a 12-layer, 384-wide XLM-R with random weights, a tokenizer trained on the spot, texts.

Texts have the lengths of real ones where there are any, and the tokenizer is trained on 20,000 of them, so that words
fall into about as many tokens as with XLM-R's own vocabulary. The classifier is set so that every label is given to
about as many texts: of a network that answers always alike, agreement says nothing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaForSequenceClassification

from harness.data.examples import Corpus, LabelledText, Sentence, Shape
from harness.data.load import available, load
from harness.models.encoder import Encoder
from harness.models.heads import Network
from harness.spec import ModelSpec
from harness.sweep import build
from harness.sweep.options import Options

LABELS = ("a", "b", "c")
LAYERS, WIDTH, INNER = 12, 384, 1536
LONGEST = 128
TRAINED_ON, VOCABULARY = 20_000, 64_000


@dataclass(frozen=True)
class Setting:
    """What everyone evaluates: a folder with weights and tokenizer, a checkpoint of ours with the same, the texts."""

    folder: Path
    checkpoint: Path
    texts: Sequence[str]

    @property
    def corpus(self) -> Corpus[LabelledText]:
        """The texts as the harness reads them, to classify."""
        examples = tuple(LabelledText(str(i), str(i), text, None, "a") for i, text in enumerate(self.texts))
        return Corpus("bench", "eng", "test", examples, f"bench-{len(self.texts)}")

    @property
    def sentences(self) -> Corpus[Sentence]:
        """The texts as the harness reads them, to embed."""
        examples = tuple(Sentence(str(i), str(i), text) for i, text in enumerate(self.texts))
        return Corpus("bench", "eng", "test", examples, f"bench-{len(self.texts)}")


def setting(folder: Path, texts: Sequence[str]) -> Setting:
    """Writes everything into the folder; the tokenizer knows as many texts as there are, up to ``TRAINED_ON``."""
    words = tokenizer(texts[:TRAINED_ON], VOCABULARY)
    words.save_pretrained(folder)
    config = XLMRobertaConfig(
        vocab_size=len(words), hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=WIDTH // 32,
        intermediate_size=INNER, max_position_embeddings=514, type_vocab_size=1, pad_token_id=words.pad_token_id,
        num_labels=len(LABELS),
    )  # fmt: skip
    torch.manual_seed(0)
    model = XLMRobertaForSequenceClassification(config).eval()
    _balance(model, words(list(texts[:256]), padding=True, truncation=True, max_length=LONGEST, return_tensors="pt"))
    model.save_pretrained(folder)
    return Setting(folder, _checkpoint(folder, model), texts)


@torch.no_grad()
def _balance(model: XLMRobertaForSequenceClassification, batch: dict[str, torch.Tensor]) -> None:
    """Scores of mean 0 and deviation 1 on these texts, for each label."""
    scores, last = model(**batch).logits, model.classifier.out_proj
    last.bias.copy_((last.bias - scores.mean(0)) / scores.std(0))
    last.weight /= scores.std(0)[:, None]


def _checkpoint(folder: Path, model: XLMRobertaForSequenceClassification) -> Path:
    encoder = Encoder(ModelSpec("bench", "encoder", checkpoint=str(folder)), folder / "cache", {})
    net = Network(encoder.backbone.build(), WIDTH, Shape.TEXT, LABELS)
    ours = [layer for layer in net.head if isinstance(layer, torch.nn.Linear)]
    for mine, theirs in zip(ours, (model.classifier.dense, model.classifier.out_proj), strict=True):
        mine.load_state_dict(theirs.state_dict())
    checkpoint = folder / "checkpoint"
    checkpoint.mkdir()
    weights = {name: value.contiguous() for name, value in net.state_dict().items()}
    save_file(weights, checkpoint / "weights.safetensors")
    (checkpoint / "head.json").write_text('{"shape": "text", "tags": ["a", "b", "c"]}')
    return checkpoint


def sentences(number: int) -> list[str]:
    """Sentences of many languages in random order, long and short ones in halves: real ones where there are any."""
    folder = Path(os.environ.get("HARNESS_DATA", "../shared/data"))
    real = (folder / "open").is_dir()
    draw, found = np.random.default_rng(0), []
    for name in ("ntrex", "tatoeba") if real else ("mini_retrieval",):
        options = Options()
        task = build.task(name, options.read("task", name), options)
        root = folder if real else None
        corpora = [load(task, code, "test", root, "eng") for code in available(task, "test", root) if code != "eng"]
        texts = [str(example.text) for corpus in corpora for example in corpus]  # type: ignore[attr-defined]
        order = draw.permutation(max(number, len(texts)))[: number // 2 if real else number]
        found += [texts[i % len(texts)] for i in order]
    return [found[i] for i in draw.permutation(len(found))]


def tokenizer(texts: Sequence[str], size: int = 16_000) -> PreTrainedTokenizerFast:
    """A tokenizer like XLM-R's, of so many tokens at most, that these texts have trained."""
    special = {"cls": "<s>", "pad": "<pad>", "sep": "</s>", "unk": "<unk>", "mask": "<mask>"}
    fast = Tokenizer(models.Unigram())
    fast.normalizer = normalizers.NFKC()
    fast.pre_tokenizer = pre_tokenizers.Metaspace()
    fast.train_from_iterator(
        texts,
        trainers.UnigramTrainer(
            vocab_size=size, special_tokens=[*special.values()], unk_token="<unk>", show_progress=False
        ),
    )
    begin, end = fast.token_to_id("<s>"), fast.token_to_id("</s>")
    fast.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", begin), ("</s>", end)]
    )
    names = {f"{name}_token": token for name, token in special.items()}
    return PreTrainedTokenizerFast(tokenizer_object=fast, bos_token="<s>", eos_token="</s>", **names)
