"""Answers that were made elsewhere, read from files laid out as XTREME's submissions are.

``<checkpoint>/<task>/test-<code>.<ext>``, the code in any spelling of the language:

- WORDS (``.tsv``, ``.txt``): one tag a line, a blank line between sentences;
- TEXT (``.tsv``, ``.txt``): one label a line;
- PASSAGE (``.json``): ``{question id: answer}``;
- SENTENCE (``.npy``): a matrix of one vector a row;
- VALUE (``.tsv``, ``.txt``): one number a line;
- OPTIONS (``.jsonl``): ``{"label": i}`` a line, the index of the best option, or ``{"scores": [...]}``, one an option.

A file holds the answers for its whole split, in the order of the data set; tags and labels as the task names them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.data.examples import Corpus, Example, LabelledText, Options, Question, Shape, TaggedWords, ValuedText
from harness.errors import DataError, HarnessError
from harness.languages import canonical
from harness.models import prediction_lines
from harness.models.base import MODELS, Curve, Prediction, TrainingSet
from harness.spec import ModelSpec, Training

LINES, ANSWERS, VECTORS, OBJECTS = (".tsv", ".txt"), (".json",), (".npy",), (".jsonl",)
TAGS = "tags.json"  # what a checkpoint folder holds: the tags that files may name

T = TypeVar("T")


@MODELS.add("predictions")
class Predictions:
    """Files below ``checkpoint``; nothing is trained."""

    trains = frozenset(Shape)
    embeds = True
    continues = False
    backend = "files"
    tokens: Mapping[str, int] = MappingProxyType({})
    parameters: int | None = None

    def __init__(self, spec: ModelSpec, cache: Path, pretraining: Mapping[str, Corpus[Example]]) -> None:  # noqa: ARG002
        self.spec = spec

    @cached_property
    def root(self) -> Path:
        """The folder of the files.

        Raises:
            DataError: none is named, or it is not there.
        """
        if not self.spec.checkpoint:
            raise DataError("no folder of predictions is named: pass model.checkpoint=FOLDER")
        folder = Path(self.spec.checkpoint).expanduser()
        if not folder.is_dir():
            raise DataError(f"{folder}: no such folder of predictions (model.checkpoint)")
        return folder

    def identity(self) -> Mapping[str, object]:
        """The sha256 over names and contents of all files."""
        return {"sha256": self._digest}

    @cached_property
    def _digest(self) -> str:
        whole = hashlib.sha256()
        suffixes = {*LINES, *ANSWERS, *VECTORS, *OBJECTS}
        for file in sorted(file for file in self.root.glob("*/*") if file.suffix in suffixes):
            with file.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
            whole.update(f"{file.relative_to(self.root).as_posix()}\0{content}\n".encode())
        return whole.hexdigest()

    def train(
        self,
        data: TrainingSet,
        training: Training,  # noqa: ARG002
        seed: int,  # noqa: ARG002
        folder: Path,
        start: Path | None = None,  # noqa: ARG002
    ) -> Sequence[Curve]:
        """Nothing measured: whoever made the files has trained. The tags are noted, for ``predict`` to check by."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / TAGS).write_text(json.dumps(data.tags) + "\n", encoding="utf-8")
        return ()

    def predict(self, folder: Path, corpora: Sequence[Corpus[Example]]) -> list[list[Prediction]]:
        """The answers of the files.

        Raises:
            DataError: a file is missing or does not fit its corpus, or has a tag that the task does not have; the
                message names the file, and both counts, or the line and the task's tags.
            HarnessError: ``train`` was not here before.
        """
        tags = _noted(folder)
        return [self._answers(corpus, tags) for corpus in corpora]

    def embed(self, corpora: Sequence[Corpus[Example]], folder: Path | None = None) -> list[NDArray[np.float32]]:  # noqa: ARG002
        """The vectors of the files, L2-normalised.

        Raises:
            DataError: as for ``predict``; or a vector is zero or not finite.
        """
        return [self._vectors(corpus) for corpus in corpora]

    def _answers(self, corpus: Corpus[Example], tags: Sequence[str]) -> list[Prediction]:
        first = corpus.examples[0] if corpus.examples else None
        if isinstance(first, Question):
            file = self._file(corpus, ANSWERS)
            return _by_id(file, corpus)
        file = self._file(corpus, OBJECTS if isinstance(first, Options) else LINES)
        try:
            lines = [line.strip() for line in file.read_text(encoding="utf-8-sig").rstrip("\n").split("\n")]
        except UnicodeDecodeError as error:
            raise DataError(f"{file}: not UTF-8 ({error}): save the file as UTF-8") from error
        answers: Sequence[Prediction] = lines
        if isinstance(first, ValuedText | Options):
            _same_number(file, len(lines), "lines", corpus)
            read = prediction_lines.value if isinstance(first, ValuedText) else prediction_lines.scores
            numbered = enumerate(zip(lines, corpus.examples, strict=True), start=1)
            return _used([read(f"{file}, line {i}", line, example) for i, (line, example) in numbered], corpus)
        if isinstance(first, TaggedWords):
            answers = _sentences(file, lines, corpus.examples)
        else:
            if "" in lines:
                raise DataError(f"{file}, line {lines.index('') + 1}: no label; there must be one a line")
            _same_number(file, len(lines), "labels", corpus)
        _check_tags(file, lines, tags, corpus)
        return _used(answers, corpus)

    def _vectors(self, corpus: Corpus[Example]) -> NDArray[np.float32]:
        file = self._file(corpus, VECTORS)
        try:
            with file.open("rb") as stream:
                matrix = np.lib.format.read_array(stream, allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise DataError(f"{file}: not a numpy matrix: {error}") from error
        if matrix.ndim != 2 or matrix.dtype.kind != "f":
            raise DataError(f"{file}: needs a matrix of floats, one sentence a row; got {matrix.dtype} {matrix.shape}")
        _same_number(file, len(matrix), "vectors", corpus)
        norms = np.linalg.norm(matrix.astype(np.float64), axis=1, keepdims=True)
        bad = np.flatnonzero(~(np.isfinite(norms) & (norms > 0)))
        if len(bad):
            raise DataError(f"{file}: row {bad[0]} (from 0) has no direction: it is zero or not finite")
        rows = np.arange(len(matrix)) if corpus.chosen is None else np.asarray(corpus.chosen, dtype=np.int64)
        unit: NDArray[np.float32] = (matrix / norms).astype(np.float32)
        return unit[rows]

    def _file(self, corpus: Corpus[Example], suffixes: tuple[str, ...]) -> Path:
        folder = self.root / corpus.task
        files = sorted(file for suffix in suffixes for file in folder.glob(f"{corpus.split}-*{suffix}"))
        found = [file for file in files if _language(file, corpus) == corpus.language]
        if len(found) > 1:
            raise DataError(f"{found[0]} and {found[1]} are both for {corpus.language}: remove one")
        if not found:
            wanted = " or ".join(f"{corpus.split}-{corpus.language}{suffix}" for suffix in suffixes)
            raise DataError(f"{folder}: no predictions for {corpus.language}: expected {wanted}")
        return found[0]


def _language(file: Path, corpus: Corpus[Example]) -> str | None:
    """The canonical code that a file is named after; None where that is no language."""
    spelling = file.stem.removeprefix(f"{corpus.split}-")
    if spelling == corpus.language:
        return spelling
    try:
        return canonical(spelling)
    except HarnessError:
        return None


def _noted(folder: Path) -> tuple[str, ...]:
    """The tags of the task, as ``train`` has left them."""
    try:
        return tuple(json.loads((folder / TAGS).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise HarnessError(
            f"{folder}: no {TAGS}, which says what tags there are: remove the folder and run again"
        ) from None


def _check_tags(file: Path, lines: Sequence[str], tags: Sequence[str], corpus: Corpus[Example]) -> None:
    """Nothing, if every line that is not blank is a tag of the task, which includes the corpus's own gold ones.

    A tag by another name (0 and 1, or the data set's own spelling) would count as wrong everywhere, and nobody would be
    told.
    """
    known = dict.fromkeys([*tags, *(tag for example in corpus.examples for tag in _gold(example))])
    for number, line in enumerate(lines, 1):
        if line and line not in known:
            raise DataError(f"{file}, line {number}: {line!r} is not one of {', '.join(known)} (task {corpus.task})")


def _gold(example: Example) -> tuple[str, ...]:
    if isinstance(example, TaggedWords):
        return example.tags
    return (example.label,) if isinstance(example, LabelledText) else ()


def _sentences(file: Path, lines: Sequence[str], examples: Sequence[Example]) -> list[Prediction]:
    blocks = [[*block] for tagged, block in groupby(enumerate(lines, 1), lambda line: bool(line[1])) if tagged]
    if len(blocks) != len(examples):
        raise DataError(f"{file}: {len(blocks)} sentences for {len(examples)} examples")
    answers: list[Prediction] = []
    for block, example in zip(blocks, examples, strict=True):
        assert isinstance(example, TaggedWords)
        if len(block) != len(example.words):
            raise DataError(
                f"{file}, line {block[0][0]}: {len(block)} tags for the {len(example.words)} words of {example.id!r}"
            )
        answers.append(tuple(tag for _, tag in block))
    return answers


def _by_id(file: Path, corpus: Corpus[Example]) -> list[Prediction]:
    try:
        found = json.loads(file.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file}: not JSON: {error}") from error
    if not isinstance(found, dict):
        raise DataError(f"{file}: expected an object {{question id: answer}}, found {type(found).__name__}")
    for example in corpus:
        if not isinstance(found.get(example.id), str):
            raise DataError(
                f"{file}: no answer string for {example.id!r}; {len(found)} answers for {len(corpus)} questions"
            )
    return [found[example.id] for example in corpus]


def _same_number(file: Path, found: int, what: str, corpus: Corpus[Example]) -> None:
    if found != len(corpus.examples):
        raise DataError(f"{file}: {found} {what} for {len(corpus.examples)} examples")


def _used(answers: Sequence[T], corpus: Corpus[Example]) -> list[T]:
    """Those of the examples in use."""
    return [*answers] if corpus.chosen is None else [answers[i] for i in corpus.chosen]
