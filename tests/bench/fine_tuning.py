"""One network fine-tuned by the harness and by transformers' Trainer: the same weights, texts, batches and steps.

Needs torch, numpy and transformers alone, and Trainer accelerate.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoTokenizer,
    DataCollatorWithPadding,
    PreTrainedTokenizerBase,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)

from harness.data.examples import Corpus, LabelledText, Shape
from harness.models.base import TrainingSet
from harness.models.encoder import Encoder
from harness.spec import ModelSpec, Training

VOCABULARY = 250_002  # rows of XLM-R's table of tokens
LENGTH = 128


@dataclass(frozen=True)
class Setting:
    """What both fine-tune.

    Attributes:
        folder: of the weights and the tokenizer.
        labels: in the order of the network's outputs.
        train: the texts.
        dev: texts to answer afterwards.
    """

    folder: Path
    labels: tuple[str, ...]
    train: Sequence[LabelledText]
    dev: Sequence[LabelledText] = ()


def checkpoint(
    folder: Path, tokenizer: PreTrainedTokenizerBase, labels: Sequence[str], layers: int, width: int, vocabulary: int
) -> None:
    """Writes an XLM-R of random weights, with heads of 32 and as many rows of tokens, used or not."""
    tokenizer.save_pretrained(folder)
    config = XLMRobertaConfig(
        vocab_size=vocabulary, hidden_size=width, num_hidden_layers=layers, num_attention_heads=width // 32,
        intermediate_size=4 * width, max_position_embeddings=514, type_vocab_size=1,
        pad_token_id=tokenizer.pad_token_id, num_labels=len(labels),
    )  # fmt: skip
    torch.manual_seed(0)
    XLMRobertaForSequenceClassification(config).save_pretrained(folder)


def harness(here: Setting, training: Training, dtype: str, seed: int = 0) -> list[str]:
    """Its answers on dev; weights are loaded, texts tokenized and weights saved within."""
    spec = ModelSpec(
        "bench", "encoder", str(here.folder), max_length=LENGTH, threads=torch.get_num_threads(), dtype=dtype
    )
    with tempfile.TemporaryDirectory() as folder:
        model = Encoder(spec, Path(folder, "cache"), {})
        data = TrainingSet(Shape.TEXT, (_corpus(here.train),), here.labels)
        model.train(data, training, seed, Path(folder, "out"))
        if not here.dev:
            return []
        (found,) = model.predict(Path(folder, "out"), [_corpus(here.dev)])
    return [str(answer) for answer in found]


def trainer(here: Setting, training: Training, dtype: str, seed: int = 0) -> list[str]:
    """What Trainer gives with its defaults, but for the numbers of the training."""
    from transformers import Trainer, TrainingArguments  # which is an error without accelerate

    assert training.steps is not None
    tokenizer = AutoTokenizer.from_pretrained(here.folder)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=training.batch_size,
            max_steps=training.steps,
            learning_rate=training.learning_rate,
            warmup_steps=round(training.warmup * training.steps),
            weight_decay=training.weight_decay,
            max_grad_norm=training.clip,
            bf16=dtype == "bfloat16",
            use_cpu=not torch.cuda.is_available(),
            seed=seed,
            save_strategy="no",
            disable_tqdm=True,
            report_to=[],
        )
        torch.manual_seed(seed)  # the head is new
        model = XLMRobertaForSequenceClassification.from_pretrained(here.folder)
        for layer in (model.classifier.dense, model.classifier.out_proj):
            torch.nn.init.normal_(layer.weight, std=0.02)
        tune = Trainer(
            model=model,
            args=arguments,
            train_dataset=_tokenized(tokenizer, here.train, here.labels),
            data_collator=DataCollatorWithPadding(tokenizer),
        )
        tune.train()
        tune.save_model(folder)
        if not here.dev:
            return []
        scores = tune.predict(_tokenized(tokenizer, here.dev, here.labels)).predictions
    return [here.labels[best] for best in scores.argmax(axis=1)]


def tokens(here: Setting) -> int:
    """Real tokens of the training texts."""
    tokenizer = AutoTokenizer.from_pretrained(here.folder)
    return sum(len(row["input_ids"]) for row in _tokenized(tokenizer, here.train, here.labels))


def _tokenized(
    tokenizer: PreTrainedTokenizerBase, examples: Sequence[LabelledText], labels: Sequence[str]
) -> list[dict[str, Any]]:
    first, second = [e.first for e in examples], [e.second or "" for e in examples]
    texts = (first, second) if any(second) else (first,)
    found = tokenizer(*texts, truncation=True, max_length=LENGTH)
    return [
        {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels.index(example.label)}
        for ids, example in zip(found["input_ids"], examples, strict=True)
    ]


def _corpus(examples: Sequence[LabelledText]) -> Corpus[LabelledText]:
    return Corpus("bench", "eng", "train", tuple(examples), hashlib.sha256(repr(examples).encode()).hexdigest())
