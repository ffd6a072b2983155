"""Sentences a second of a classifier's evaluation: the harness and its peers, in turns, on the same weights and texts.

Each peer is called as its documentation says. The harness's set-up (loading, packing) is counted, tokenizing too.
``BENCH_SENTENCES`` says how many everyone evaluates, ``BENCH_LARGE`` how many the harness does by itself, since its
peers would take half an hour for 20,000. What is compared then are sentences a second, those of the peers without what
they need for a few sentences: for many they would be no faster. With ``BENCH_LARGE=0`` all is compared on the few.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoTokenizer, XLMRobertaForSequenceClassification

from harness.data.examples import Shape
from harness.engine import packed
from harness.engine.forward import forward
from harness.engine.tokens import tokens_of
from harness.models import encoder
from harness.models.encoder import Encoder
from harness.spec import ModelSpec
from tests.bench.peak import cpu_peak
from tests.bench.setting import INNER, LABELS, LAYERS, LONGEST, TRAINED_ON, WIDTH, Setting, sentences, setting
from tests.bench.turns import in_turn
from tests.bench.work import flops

SENTENCES = int(os.environ.get("BENCH_SENTENCES", "600"))
LARGE = int(os.environ.get("BENCH_LARGE", "20000"))
FEW = 32  # sentences whose evaluation is mostly set-up
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
CLOSE = 1e-4  # two best scores nearer than this may be taken the other way round; scores have a deviation of 1

Row = tuple[str, float, str, str]
OURS, OURS_16, TRAINER = "harness", "harness, bfloat16", "Trainer.predict, batch 32"
GOALS = {TRAINER: ">= 4", "padded to 128, batch 32": ">= 12"}


def rows() -> list[Row]:
    """Ratios of the medians over interleaved rounds, how far the answers agree, and how busy the processor was kept."""
    with tempfile.TemporaryDirectory() as folder:
        whole = setting(Path(folder), sentences(max(TRAINED_ON, SENTENCES, LARGE)))
        here = replace(whole, texts=whole.texts[:SENTENCES])
        ways: dict[str, Callable[[Setting], NDArray[np.int64]]] = {
            OURS: _harness,
            "harness, eager torch": _eager,
            TRAINER: partial(_trainer, batch=32),
            "Trainer.predict, batch 8": partial(_trainer, batch=8),
            "pipeline, batch 32": _pipeline,
            "padded to 128, batch 32": _padded,
            OURS_16: partial(_harness, dtype="bfloat16"),
        }
        few = {name: partial(way, replace(here, texts=here.texts[:FEW])) for name, way in ways.items()}
        for way in few.values():
            way()  # imports are nobody's evaluation
        set_up, _ = in_turn(few, ROUNDS)
        seconds, answers = in_turn({name: partial(way, here) for name, way in ways.items()}, ROUNDS)
        rates = {name: SENTENCES / taken for name, taken in seconds.items()}
        measured = replace(whole, texts=whole.texts[:LARGE]) if LARGE else here
        large = _large(measured) if LARGE else {}
        many = {name: (SENTENCES - FEW) / (taken - set_up[name]) for name, taken in seconds.items()}
        found = _speeds(rates, {**many, **large} if LARGE else rates, LARGE)
        found += _agreement(answers, _margins(here)) + _token_agreement(here)
        found += _utilisation(here, measured, large.get(OURS, rates[OURS]))
        return found + _embedding(here)


def _speeds(rates: dict[str, float], compared: dict[str, float], large: int) -> list[Row]:
    found = [(f"evaluation of {SENTENCES} sentences, {name}", rate, "sentences/s", "-") for name, rate in rates.items()]
    if large:
        names = {name: f"{large:,} sentences" if name in (OURS, OURS_16) else "without set-up" for name in compared}
        found += [(f"evaluation, {name}, {names[name]}", rate, "sentences/s", "-") for name, rate in compared.items()]
    peers = [name for name in rates if name not in (OURS, OURS_16)]
    found += [
        (f"evaluation fp32, over {name}", compared[OURS] / compared[name], "x", GOALS.get(name, "-")) for name in peers
    ]
    found.append((f"evaluation bf16, over {TRAINER} in fp32", compared[OURS_16] / compared[TRAINER], "x", ">= 5.5"))
    return found


def _large(here: Setting) -> dict[str, float]:
    """Sentences a second of the harness alone, once each."""
    found = {}
    for name, dtype in ((OURS, "float32"), (OURS_16, "bfloat16")):
        start = time.perf_counter()
        _harness(here, dtype)
        found[name] = len(here.texts) / (time.perf_counter() - start)
    return found


def _agreement(answers: dict[str, NDArray[np.int64]], margins: NDArray[np.float64]) -> list[Row]:
    differs = answers[OURS] != answers[TRAINER]
    clear = margins > CLOSE
    most = max(np.bincount(answers[OURS])) / len(margins)
    return [
        ("answers other than Trainer's, clear ones", float((differs & clear).sum()), "", "0"),
        ("answers other than Trainer's, near ties", float((differs & ~clear).sum()), "", "<= 1 in 10,000"),
        ("near ties", float((~clear).sum()), f"of {len(margins)}", "-"),
        ("bf16, sentences labelled as in fp32", 100 * float((answers[OURS_16] == answers[OURS]).mean()), "%", "-"),
        ("the most frequent answer (a third would be no bias)", 100 * float(most), "%", "-"),
    ]


def _token_agreement(here: Setting) -> list[Row]:
    """How many tokens get the same of 17 tags by a random head in bfloat16 as in float32.

    Tokens of a random network differ as those of a trained one do. Its sentences hardly do: what tells them apart is a
    twentieth of their scores, which makes of each rounding error one twenty times as large.
    """
    head = np.random.default_rng(0).normal(size=(WIDTH, 17)).astype(np.float32)
    found = []
    with tempfile.TemporaryDirectory() as cache:
        for dtype in (torch.float32, torch.bfloat16):
            backbone = _model(here, Path(cache), "float32").backbone
            tokens = tokens_of(here.corpus, Shape.TEXT, backbone.tokenizer, LONGEST, Path(cache))
            net = backbone.build().eval()
            packed.pack(net, dtype)
            found.append(forward(net, tokens, torch.device("cpu"), per_token=True, pad=backbone.pad) @ head)
    exact, rounded = (scores - found[0].mean(axis=0) for scores in found)
    agree = float((exact.argmax(axis=1) == rounded.argmax(axis=1)).mean())
    return [("bf16, tokens tagged as in fp32", 100 * agree, "%", ">= 99.5")]


def _utilisation(here: Setting, measured: Setting, rate: float) -> list[Row]:
    with tempfile.TemporaryDirectory() as cache:
        model = _model(here, Path(cache), "float32")
        model.predict(here.checkpoint, [here.corpus])
        lengths = tokens_of(measured.corpus, Shape.TEXT, model.backbone.tokenizer, LONGEST, Path(cache)).lengths
    best = cpu_peak(torch.float32)
    achieved = flops(lengths, WIDTH, LAYERS, INNER, first_only=True) / len(lengths) * rate
    return [
        ("best fp32 matrix product", best / 1e9, "GFLOP/s", "-"),
        ("best bf16 matrix product", cpu_peak(torch.bfloat16) / 1e9, "GFLOP/s", "-"),
        ("evaluation fp32, products of real tokens", achieved / 1e9, "GFLOP/s", "-"),
        ("the same over the best product", achieved / best, "x", ">= 0.7"),
        ("tokens a sentence", float(lengths.mean()), "", "-"),
        ("tokens computed / real, pooled", model.tokens["computed"] / model.tokens["real"], "x", "<= 1.05"),
    ]


def _embedding(here: Setting) -> list[Row]:
    """Embeddings against sentence-transformers' ``encode``, where it is installed."""
    if find_spec("sentence_transformers") is None:
        print("sentence-transformers is not installed: its encode is left out")
        return []
    ways = {OURS: partial(_embedded, here), "encode": partial(_encoded, here)}
    for way in ways.values():
        way()
    seconds, found = in_turn(ways, ROUNDS)
    return [
        ("embedding fp32, over sentence-transformers' encode", seconds["encode"] / seconds[OURS], "x", "-"),
        ("embedding, largest difference", float(np.abs(found["encode"] - found[OURS]).max()), "", "< 1e-4"),
    ]


def _embedded(here: Setting) -> NDArray[np.float32]:
    with tempfile.TemporaryDirectory() as cache:
        return _model(here, Path(cache), "float32").embed([here.sentences])[0]


def _encoded(here: Setting) -> NDArray[np.float32]:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer

    words = Transformer(str(here.folder), max_seq_length=LONGEST)
    model = SentenceTransformer(modules=[words, Pooling(WIDTH)], device="cpu")
    found: NDArray[np.float32] = model.encode(list(here.texts), normalize_embeddings=True)
    return found


def _model(here: Setting, cache: Path, dtype: str) -> Encoder:
    spec = ModelSpec("bench", "encoder", str(here.folder), dtype=dtype, threads=torch.get_num_threads())
    return Encoder(spec, cache, {})


def _harness(here: Setting, dtype: str = "float32") -> NDArray[np.int64]:
    for kept in (encoder._weights, encoder._tokenizer, encoder._unpadded, packed.worthwhile):
        kept.cache_clear()  # as in a process of its own
    with tempfile.TemporaryDirectory() as cache:  # nothing tokenized before
        (found,) = _model(here, Path(cache), dtype).predict(here.checkpoint, [here.corpus])
    return np.array([LABELS.index(str(label)) for label in found])


def _eager(here: Setting) -> NDArray[np.int64]:
    asked, packed.worthwhile = packed.worthwhile, lru_cache(lambda dtype: False)
    try:
        return _harness(here)
    finally:
        packed.worthwhile = asked


def _trainer(here: Setting, batch: int) -> NDArray[np.int64]:
    from datasets import Dataset
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

    words = AutoTokenizer.from_pretrained(here.folder)
    data = Dataset.from_dict({"text": list(here.texts)}).map(
        lambda rows: words(rows["text"], truncation=True, max_length=LONGEST), batched=True, remove_columns=["text"]
    )
    arguments = TrainingArguments(
        output_dir=str(here.folder / "trainer"), per_device_eval_batch_size=batch, disable_tqdm=True, report_to=[]
    )
    model = XLMRobertaForSequenceClassification.from_pretrained(here.folder)
    trainer = Trainer(model=model, args=arguments, data_collator=DataCollatorWithPadding(words))
    found: NDArray[np.int64] = trainer.predict(data).predictions.argmax(axis=1)
    return found


def _pipeline(here: Setting) -> NDArray[np.int64]:
    from transformers import pipeline

    classify = pipeline("text-classification", model=str(here.folder), device="cpu")
    found = classify(list(here.texts), batch_size=32, truncation=True, max_length=LONGEST)
    return np.array([int(answer["label"].removeprefix("LABEL_")) for answer in found])


def _padded(here: Setting) -> NDArray[np.int64]:
    return _scores(here, "max_length").argmax(axis=1)


def _margins(here: Setting) -> NDArray[np.float64]:
    best = np.sort(_scores(here, "longest"), axis=1)
    margins: NDArray[np.float64] = best[:, -1] - best[:, -2]
    return margins


@torch.inference_mode()
def _scores(here: Setting, padding: str) -> NDArray[np.float32]:
    words = AutoTokenizer.from_pretrained(here.folder)
    model = XLMRobertaForSequenceClassification.from_pretrained(here.folder).eval()
    found = []
    for start in range(0, len(here.texts), 32):
        texts = list(here.texts[start : start + 32])
        batch = words(texts, padding=padding, truncation=True, max_length=LONGEST, return_tensors="pt")
        found.append(model(**batch).logits.numpy())
    return np.concatenate(found)
