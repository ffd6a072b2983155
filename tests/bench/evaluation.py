"""Sentences a second of a classifier's evaluation: the harness and its peers, in turns, on the same weights.

A 12-layer, 384-wide XLM-R with random weights and a tokenizer trained on the spot, on texts of real lengths where there
are any. Each peer is called as its documentation says. Set-up (loading, packing) is counted, tokenizing too.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaForSequenceClassification

from harness import build
from harness.data.examples import Corpus, LabelledText, Shape
from harness.data.load import available, load
from harness.engine import packed
from harness.models.encoder import Encoder
from harness.models.heads import Network
from harness.options import Options
from harness.spec import ModelSpec

LABELS = ("a", "b", "c")
SENTENCES = int(os.environ.get("BENCH_SENTENCES", "600"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
CLOSE = 1e-4  # two best scores nearer than this may be taken the other way round


@dataclass(frozen=True)
class Setting:
    """What everyone evaluates: a folder with weights and tokenizer, a checkpoint of ours with the same, the texts."""

    folder: Path
    checkpoint: Path
    texts: list[str]

    @property
    def corpus(self) -> Corpus[LabelledText]:
        """The texts as the harness reads them."""
        examples = tuple(LabelledText(str(i), str(i), text, None, "a") for i, text in enumerate(self.texts))
        return Corpus("bench", "eng", "test", examples, f"bench-{len(self.texts)}")


def rows() -> list[tuple[str, float, str, str]]:
    """Ratios of the medians over interleaved rounds, and how far the answers agree."""
    with tempfile.TemporaryDirectory() as folder:
        here = _setting(Path(folder))
        ways: dict[str, Callable[[Setting], NDArray[np.int64]]] = {
            "harness": _harness,
            "harness, eager torch": _eager,
            "Trainer.predict, batch 32": lambda s: _trainer(s, 32),
            "Trainer.predict, batch 8": lambda s: _trainer(s, 8),
            "pipeline, batch 32": _pipeline,
            "padded to 128, batch 32": _padded,
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        answers: dict[str, NDArray[np.int64]] = {}
        for way in ways.values():
            way(replace(here, texts=here.texts[:32]))  # imports are nobody's evaluation
        for _ in range(ROUNDS):
            for name, way in ways.items():
                start = time.perf_counter()
                answers[name] = way(here)
                seconds[name].append(time.perf_counter() - start)
        margins = _margins(here)
    median = {name: statistics.median(times) for name, times in seconds.items()}
    ours = median["harness"]
    goals = {"Trainer.predict, batch 32": ">= 4", "padded to 128, batch 32": ">= 12"}
    found = [(f"evaluation fp32, {name}", SENTENCES / taken, "sentences/s", "-") for name, taken in median.items()]
    found += [(f"the same, harness over {name}", median[name] / ours, "x", goals.get(name, "-")) for name in ways][1:]
    differs = answers["harness"] != answers["Trainer.predict, batch 32"]
    found.append(("answers other than Trainer's, clear ones", float((differs & (margins > CLOSE)).sum()), "", "0"))
    found.append(("answers other than Trainer's, near ties", float((differs & (margins <= CLOSE)).sum()), "", "few"))
    return found


def _harness(here: Setting) -> NDArray[np.int64]:
    spec = ModelSpec("bench", "encoder", checkpoint=str(here.folder), threads=torch.get_num_threads())
    with tempfile.TemporaryDirectory() as cache:  # nothing tokenized before
        (found,) = Encoder(spec, Path(cache), {}).predict(here.checkpoint, [here.corpus])
    return np.array([LABELS.index(str(label)) for label in found])


def _eager(here: Setting) -> NDArray[np.int64]:
    pack, packed.worthwhile = packed.worthwhile, lambda threads: False  # type: ignore[assignment]
    try:
        return _harness(here)
    finally:
        packed.worthwhile = pack


def _trainer(here: Setting, batch: int) -> NDArray[np.int64]:
    from datasets import Dataset
    from transformers import AutoTokenizer, DataCollatorWithPadding, Trainer, TrainingArguments

    tokenizer = AutoTokenizer.from_pretrained(here.folder)
    data = Dataset.from_dict({"text": here.texts}).map(
        lambda rows: tokenizer(rows["text"], truncation=True, max_length=128), batched=True, remove_columns=["text"]
    )
    arguments = TrainingArguments(
        output_dir=str(here.folder / "trainer"), per_device_eval_batch_size=batch, disable_tqdm=True, report_to=[]
    )
    model = XLMRobertaForSequenceClassification.from_pretrained(here.folder)
    trainer = Trainer(model=model, args=arguments, data_collator=DataCollatorWithPadding(tokenizer))
    found: NDArray[np.int64] = trainer.predict(data).predictions.argmax(axis=1)
    return found


def _pipeline(here: Setting) -> NDArray[np.int64]:
    from transformers import pipeline

    classify = pipeline("text-classification", model=str(here.folder), device="cpu")
    found = classify(here.texts, batch_size=32, truncation=True, max_length=128)
    return np.array([int(answer["label"].removeprefix("LABEL_")) for answer in found])


def _padded(here: Setting) -> NDArray[np.int64]:
    return _scores(here, "max_length").argmax(axis=1)


def _margins(here: Setting) -> NDArray[np.float64]:
    best = np.sort(_scores(here, "longest"), axis=1)
    margins: NDArray[np.float64] = best[:, -1] - best[:, -2]
    return margins


@torch.inference_mode()
def _scores(here: Setting, padding: str) -> NDArray[np.float32]:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(here.folder)
    model = XLMRobertaForSequenceClassification.from_pretrained(here.folder).eval()
    found = []
    for start in range(0, len(here.texts), 32):
        batch = tokenizer(
            here.texts[start : start + 32], padding=padding, truncation=True, max_length=128, return_tensors="pt"
        )
        found.append(model(**batch).logits.numpy())
    return np.concatenate(found)


def _setting(folder: Path) -> Setting:
    texts = _texts()
    tokenizer = _tokenizer(texts)
    tokenizer.save_pretrained(folder)
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer), hidden_size=384, num_hidden_layers=12, num_attention_heads=12,
        intermediate_size=1536, max_position_embeddings=514, type_vocab_size=1, pad_token_id=tokenizer.pad_token_id,
        num_labels=len(LABELS),
    )  # fmt: skip
    torch.manual_seed(0)
    model = XLMRobertaForSequenceClassification(config).eval()
    model.save_pretrained(folder)
    encoder = Encoder(ModelSpec("bench", "encoder", checkpoint=str(folder)), folder / "cache", {})
    net = Network(encoder.backbone.build(), 384, Shape.TEXT, LABELS)
    with torch.no_grad():
        for ours, theirs in zip(
            (layer for layer in net.head if isinstance(layer, torch.nn.Linear)),
            (model.classifier.dense, model.classifier.out_proj),
            strict=True,
        ):
            ours.load_state_dict(theirs.state_dict())
    checkpoint = folder / "checkpoint"
    checkpoint.mkdir()
    save_file(
        {name: value.contiguous() for name, value in net.state_dict().items()}, checkpoint / "weights.safetensors"
    )
    (checkpoint / "head.json").write_text('{"shape": "text", "tags": ["a", "b", "c"]}')
    return Setting(folder, checkpoint, texts)


def _texts() -> list[str]:
    """Sentences of many languages, in random order: real ones where there are any, long and short ones in halves."""
    folder = Path(os.environ.get("HARNESS_DATA", "../shared/data"))
    real = (folder / "open").is_dir()
    names = ("ntrex", "tatoeba") if real else ("mini_retrieval",)
    draw, found = np.random.default_rng(0), []
    for name in names:
        options = Options()
        task = build.task(name, options.read("task", name), options)
        root = folder if real else None
        corpora = [load(task, code, "test", root, "eng") for code in available(task, "test", root) if code != "eng"]
        texts = [str(example.text) for corpus in corpora for example in corpus]  # type: ignore[attr-defined]
        order = draw.permutation(max(SENTENCES, len(texts)))[: SENTENCES // len(names)]
        found += [texts[i % len(texts)] for i in order]
    return found


def _tokenizer(texts: Sequence[str]) -> PreTrainedTokenizerFast:
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    fast = Tokenizer(models.Unigram())
    fast.normalizer = normalizers.NFKC()
    fast.pre_tokenizer = pre_tokenizers.Metaspace()
    fast.train_from_iterator(
        texts, trainers.UnigramTrainer(vocab_size=16000, special_tokens=special, unk_token="<unk>", show_progress=False)
    )
    begin, end = fast.token_to_id("<s>"), fast.token_to_id("</s>")
    fast.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", begin), ("</s>", end)]
    )
    names = {
        "bos_token": "<s>",
        "pad_token": "<pad>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "mask_token": "<mask>",
    }
    return PreTrainedTokenizerFast(tokenizer_object=fast, cls_token="<s>", sep_token="</s>", **names)
