"""What `harness score` costs for a submission as large as XTREME's: seconds and memory of the whole command."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.spec import SuiteTask
from harness.suites import read_suite
from harness.sweep.options import Options

# examples of all languages together (google/xtreme on the hub; XQuAD, MLQA, TyDi QA and BUCC as XTREME counts them)
SIZES = {
    "xnli": 75_150, "pawsx": 14_000, "udpos": 102_119, "panx": 262_300, "xquad": 13_090, "mlqa": 42_245,
    "tydiqa": 5_077, "bucc2018": 35_000, "tatoeba": 31_692,
}  # fmt: skip
WORDS = {"udpos": 18, "panx": 8}  # a sentence
RIGHT = 0.7  # of the predictions

UPOS = [
    "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ",
    "SYM", "VERB", "X",
]  # fmt: skip
ENTITIES = [["O"], ["B-PER", "I-PER"], ["B-ORG", "I-ORG", "I-ORG"], ["B-LOC"]]
LABELS = {"xnli": ["entailment", "neutral", "contradiction"], "pawsx": ["0", "1"]}
LEXICON = [
    f"{first}{second}" for first in "bdfgklmnprst" for second in ("aba", "ello", "inter", "ung", "ość", "ния", "語")
]


def rows() -> list[tuple[str, float, str, str]]:
    """Seconds and peak memory of one run, which has to score everything."""
    with tempfile.TemporaryDirectory() as folder:
        number = write(Path(folder))
        start = time.perf_counter()
        command = [sys.executable, "-m", "harness", "score", "predictions", "gold", "--suite", "xtreme"]
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - start
    if process.returncode:
        raise RuntimeError(f"harness score ended with {process.returncode}")
    return [
        (f"harness score, {number:,} sequences", seconds, "s", "<= 20"),
        ("harness score, peak memory", usage.ru_maxrss / 2**20, "GiB", "<= 2"),
    ]


def write(folder: Path) -> int:
    """The number of sequences in a submission of XTREME's size, written beside its gold."""
    chance = random.Random(0)
    suite = read_suite("xtreme", Options())
    number = 0
    for name, task in suite.tasks.items():
        share = SIZES[name] // len(task.languages)
        for spelling in task.languages.values():
            suffix = "json" if task.form == "answers" else "tsv"
            gold, predicted = FILES[task.form](task, share, chance)
            for side, content in (("gold", gold), ("predictions", predicted)):
                path = folder / side / task.folder / f"test-{spelling}.{suffix}"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content, encoding="utf-8")
            number += share
    return number


def _labels(task: SuiteTask, share: int, chance: random.Random) -> tuple[str, str]:
    gold = chance.choices(LABELS[task.name], k=share)
    predicted = [label if chance.random() < RIGHT else chance.choice(LABELS[task.name]) for label in gold]
    return "\n".join(gold) + "\n", "\n".join(predicted) + "\n"


def _tags(task: SuiteTask, share: int, chance: random.Random) -> tuple[str, str]:
    draw = _entities if task.name == "panx" else _upos
    gold = [draw(WORDS[task.name], chance) for _ in range(share)]
    predicted = [tags if chance.random() < RIGHT else draw(len(tags), chance) for tags in gold]
    return _sentences(gold), _sentences(predicted)


def _sentences(tags: list[list[str]]) -> str:
    return "\n\n".join("\n".join(sentence) for sentence in tags) + "\n"


def _upos(words: int, chance: random.Random) -> list[str]:
    return chance.choices(UPOS, k=words)


def _entities(words: int, chance: random.Random) -> list[str]:
    tags: list[str] = []
    while len(tags) < words:
        tags += chance.choice(ENTITIES) if chance.random() < 0.4 else ["O"]
    return tags[:words]


def _answers(task: SuiteTask, share: int, chance: random.Random) -> tuple[str, str]:
    articles, predicted = [], {}
    for i in range(share):
        context, answer = chance.choices(LEXICON, k=130), chance.choices(LEXICON, k=chance.randint(1, 5))
        gold = {"text": " ".join(answer), "answer_start": 0}
        questions = [{"id": f"question-{i}", "question": " ".join(context[:10]), "answers": [gold]}]
        articles.append({"paragraphs": [{"context": " ".join(context), "qas": questions}]})
        predicted[f"question-{i}"] = " ".join(answer if chance.random() < RIGHT else answer[1:] + context[:2])
    return json.dumps({"data": articles}, ensure_ascii=False), json.dumps(predicted, ensure_ascii=False)


def _pairs(task: SuiteTask, share: int, chance: random.Random) -> tuple[str, str]:
    gold = [f"de-{i:09}\ten-{i:09}\n" for i in range(share)]
    return "".join(gold), "".join(pair if chance.random() < RIGHT else f"{pair.split()[0]}\ten-0\n" for pair in gold)


def _indices(task: SuiteTask, share: int, chance: random.Random) -> tuple[str, str]:
    gold = chance.sample(range(share), share)
    predicted: Iterator[int] = (i if chance.random() < RIGHT else chance.randrange(share) for i in gold)
    return "".join(f"{i}\n" for i in gold), "".join(f"{i}\n" for i in predicted)


FILES: dict[str, Callable[[SuiteTask, int, random.Random], tuple[str, str]]] = {
    "labels": _labels,
    "tags": _tags,
    "answers": _answers,
    "pairs": _pairs,
    "indices": _indices,
}
