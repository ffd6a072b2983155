"""What is run and what is measured: frozen values that configuration is turned into, once, at the door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Provenance(StrEnum):
    """Where a data set's texts and labels come from; shown wherever its numbers appear."""

    NATIVE = "native"
    HUMAN_TRANSLATED = "human_translated"
    MACHINE_TRANSLATED = "machine_translated"
    PROJECTED = "projected"
    SILVER = "silver"
    SYNTHETIC = "synthetic"


class Checked(StrEnum):
    """What a task was really run on: all of its data, a part of it, or small files of our own in its format."""

    FULL = "full"
    SAMPLE = "sample"
    FORMAT_ONLY = "format_only"


@dataclass(frozen=True, slots=True)
class Files:
    """Where a task's files lie below the data root.

    Attributes:
        reader: a registered reader.
        path: a glob below the root with the placeholders ``{code}`` (the data set's own spelling of the language),
            ``{split}`` (its own name of the split), ``{iso3}``, ``{iso1}``, ``{name}``; for parallel text that comes in
            pairs also ``{pair}``, the code of the language beside the pivot. All matches are pooled in sorted order.
        exclude: a glob of matches to leave out.
        gold: a glob, with the same placeholders, of files that hold the answers apart from the texts.
        candidates: a glob of files with what is looked for, where it belongs to no one language.
        options: what the reader wants to know (delimiter, columns, header ...); ``pivot`` names the language that
            every pair of a parallel set contains.
    """

    reader: str
    path: str = ""
    exclude: str = ""
    gold: str = ""
    candidates: str = ""
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hub:
    """A data set on the hub, or in a local folder with its layout.

    Attributes:
        path: ``organisation/name``, or a folder.
        config: its configuration, with the placeholders of ``Files`` (a glob pools all that match, ids told apart).
        revision: pinned; None means unpinned, and the run then records the revision that it resolved.
        columns: names that the task type wants -> names that the data set uses; ``pivot`` is the pivot's text in
            parallel sets that come in pairs.
        splits: this task's split names (train, dev, test) -> the hub's, where they differ from the files'; with
            ``{code}`` where a configuration keeps its languages in splits.
        configs: configurations by language, as the data set spells it, where ``config`` does not fit.
        where: column -> glob with placeholders; other rows are left out (configurations that hold all languages).
        only: split -> the languages, as the data set spells them, that have it; every one where none is named.
        without: languages, as the data set spells them, that it has in files only.
    """

    path: str
    config: str = ""
    revision: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    splits: Mapping[str, str] = field(default_factory=dict)
    configs: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ParallelSplit:
    """How a parallel set without training data is split: by group, alike in every language.

    Attributes:
        train: share of the groups that goes to train, in [0, 1].
        dev: share that goes to dev; the rest is test.
        by: what a group is, for people (``premise``, ``article``, ``document``).
    """

    train: float
    dev: float = 0.0
    by: str = "group"


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """A benchmark of one type, as its YAML declares it.

    Attributes:
        languages: canonical code -> the data set's own spelling.
        splits: train, dev, test -> the data set's own names; a split that is missing here does not exist.
        origin: namespace of the group ids (``xnli-dev``); sets translated from one source share it. Default: the name.
        parallel: split by group instead of by file.
        train: another task that this one trains on; empty for its own training data.
        local: a task of the same benchmark that runs from files where this one's cannot be had.
        label_map: the data set's label -> ours; unmapped labels must be in ``labels``.
        unknown_tags: ``error`` or ``drop`` (a tag outside the label map becomes ``O``).
        metrics: signatures; the first is the main one.
        protocol: published training numbers (epochs, batch_size, learning_rate, max_length ...).
        parts: tasks whose languages this one joins; their files are read with this task's labels and label map.
        version: raised when the meaning of the scores changes.
    """

    name: str
    type: str
    languages: Mapping[str, str]
    labels: tuple[str, ...] = ()
    splits: Mapping[str, str] = field(default_factory=dict)
    files: Files | None = None
    hub: Hub | None = None
    namespace: str = ""
    origin: str = ""
    parallel: ParallelSplit | None = None
    parts: tuple[TaskSpec, ...] = ()
    train: str = ""
    local: str = ""
    label_map: Mapping[str, str] = field(default_factory=dict)
    unknown_tags: str = "error"
    metrics: tuple[str, ...] = ()
    provenance: Provenance = Provenance.NATIVE
    licence: str = ""
    citation: str = ""
    checked: Checked = Checked.FORMAT_ONLY
    protocol: Mapping[str, float] = field(default_factory=dict)
    version: int = 1

    @property
    def main_metric(self) -> str:
        """The signature that boards show."""
        return self.metrics[0]

    def __hash__(self) -> int:
        """By name alone, as mappings have no hash; two tasks of one name still differ where a field does."""
        return hash(self.name)


@dataclass(frozen=True, slots=True)
class Resources:
    """What a job of a model asks of a cluster; in no key.

    Attributes:
        gpus: devices.
        cpus: processors, at least as many as the model has threads.
        memory_gb: main memory.
        minutes: what a job is sure to end in. A task of Slurm has an hour at least, and as many jobs as fit.
    """

    gpus: int = 0
    cpus: int = 1
    memory_gb: int = 4
    minutes: int = 60


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model as its YAML declares it.

    Attributes:
        family: a registered model family (majority, chance, lexical, tiny, encoder, predictions).
        checkpoint: hub name or folder; empty for families without one.
        dtype: of weights and activations at evaluation; part of every key. Weights are trained and kept in float32;
            ``bfloat16`` trains them by autocast, with products in bfloat16, and the others in float32 throughout.
        pooling: ``mean`` or ``cls``; how a sentence becomes one vector.
        layer: hidden layer that is pooled; -1 is the last.
        max_length: tokens a row, special tokens included.
        options: what only this family knows (n-gram sizes, width, initialisation ...); part of every key.
        training: this model's own training numbers; they replace the task's published ones.
        threads: threads that training and evaluation use; part of the key.
        seen: languages of the pretraining, where the model card says.
        resources: what a job asks of a cluster.
    """

    name: str
    family: str
    checkpoint: str = ""
    revision: str | None = None
    dtype: str = "float32"
    pooling: str = "mean"
    layer: int = -1
    max_length: int = 128
    options: Mapping[str, object] = field(default_factory=dict)
    training: Mapping[str, float] = field(default_factory=dict)
    threads: int = 1
    seen: tuple[str, ...] = ()
    resources: Resources = Resources()


@dataclass(frozen=True, slots=True)
class Training:
    """The numbers of one training run; all of them are in the key.

    Either ``steps`` or ``epochs`` is set. ``select``: ``last`` takes the weights of the last step; ``source_dev`` the
    epoch that is best on the sources' own dev; ``target_dev`` the one that is best on the target's, which is no
    zero-shot transfer any more.
    """

    learning_rate: float = 2e-5
    batch_size: int = 32
    epochs: float | None = None
    steps: int | None = None
    warmup: float = 0.0
    weight_decay: float = 0.0
    clip: float = 1.0
    select: str = "last"


@dataclass(frozen=True, slots=True)
class Savepoint:
    """Where a training run keeps how far it has come, and how often; it changes no weights.

    Attributes:
        minutes: from one time to the next.
    """

    folder: Path
    minutes: float


@dataclass(frozen=True, slots=True)
class Job:
    """One training run and everything that is evaluated with it.

    Attributes:
        train_task: whose training data is used; the task itself unless it says otherwise.
        sources: languages trained on (retrieval: the query languages), sorted.
        targets: languages evaluated on, sorted.
        size: training examples a job, balanced over the sources; None takes all.
        balance: ``shared``: the sources bring ``size`` together; ``each``: every one of them brings that many.
        shots: labelled target examples (few-shot); 0 otherwise.
        limit: first groups of every split, the same in every language; None for all.
        pretraining: the parallel task that the model's input vectors are aligned on, where its options name one.
        trained: whether anything is trained: a search takes the model as it comes, unless its task says ``train``.
    """

    task: TaskSpec
    train_task: TaskSpec
    model: ModelSpec
    strategy: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    seed: int
    training: Training
    size: int | None = None
    balance: str = "shared"
    shots: int = 0
    few_shot: Training | None = None
    limit: int | None = None
    pretraining: TaskSpec | None = None
    trained: bool = True

    def __str__(self) -> str:
        shots = f" k={self.shots}" if self.shots else ""
        shots += f" select={self.training.select}" if self.trained and self.training.select != "last" else ""
        languages = f"{'+'.join(self.sources)} -> {self.targets[0] if len(self.targets) == 1 else len(self.targets)}"
        return f"{self.task.name} {self.model.name} {self.strategy}{shots} {languages} seed {self.seed}"


@dataclass(frozen=True, slots=True)
class SuiteTask:
    """A task as a suite sees it.

    Attributes:
        languages: canonical code -> the suite's official spelling, in the official order.
        metrics: signatures whose means over the languages are averaged (question answering: exact match and F1).
        groups: the suite's groups that the task belongs to.
        folder: the task's name in the official submission layout.
        form: what a file of a submission holds; empty where the suite takes no submissions of the task.
        labels: the task's label -> the spelling in submissions, where it is another.
    """

    name: str
    languages: Mapping[str, str]
    metrics: tuple[str, ...]
    groups: tuple[str, ...] = ()
    folder: str = ""
    form: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Suite:
    """The tasks of a suite by name, in the suite's order."""

    name: str
    tasks: Mapping[str, SuiteTask]
