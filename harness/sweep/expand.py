"""One composed configuration turned into the jobs that it asks for, and the reasons for those that do not apply."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from harness.data.load import available
from harness.errors import HarnessError, NotApplicableError, nearest
from harness.models.base import MODELS
from harness.retrieval.views import each_view, named
from harness.spec import Job, ModelSpec, TaskSpec, Training
from harness.storage.bucket import local
from harness.strategies.base import STRATEGIES, split
from harness.sweep import build
from harness.sweep.options import Options
from harness.sweep.selection import lacking, sources, targets
from harness.tasktype import TASK_TYPES

BALANCES = ("shared", "each")


@dataclass(frozen=True, slots=True)
class Expansion:
    """The jobs of one configuration, and what of it does not apply: ``(why, what)``."""

    jobs: tuple[Job, ...]
    skipped: tuple[tuple[str, str], ...] = ()


def expand(config: Mapping[str, Any], choices: Mapping[str, str], options: Options) -> Expansion:
    """The jobs of a composed configuration.

    One, mostly: a set of sources without joint training gives one a source, few-shot one a target.

    Args:
        config: the composed configuration, resolved.
        choices: option chosen in each group.

    Raises:
        HarnessError: a name is unknown, or a language asked for by name has no data.
    """
    task = build.task(choices["task"], config["task"], options)
    train_task = build.trained_on(task, options)
    preset = build.preset(config, task.name, options)
    select = str(preset.pop("select", "last"))
    train_task = dataclasses.replace(train_task, protocol={**train_task.protocol, **preset})
    models = named([build.model(choices["model"], node, train_task, options) for node in each_view(config["model"])])
    model = models[0]
    if "checkpoint" in config["model"] and not model.checkpoint:
        raise HarnessError(f"model={choices['model']} needs model.checkpoint=FOLDER, or a name on the hub")
    strategy = STRATEGIES[choices["strategy"]]
    root = data_root(config)
    try:
        languages = sources(config, task, train_task, "several_sources" in strategy.needs, root, options)
        evaluated = targets(config, task, root, options)
    except NotApplicableError as reason:
        return Expansion((), ((str(reason), f"{task.name} from {config['source']}"),))
    numbers = build.training(train_task, model, config.get("train") or {}, config["select"] or select)
    jobs: list[Job] = []
    skipped: list[tuple[str, str]] = []
    if without := lacking(config, evaluated, options):
        skipped.append((f"no test data in {task.name}", f"target {', '.join(without)}"))
    for several, model in product(languages, models):
        job = Job(
            task=task,
            train_task=train_task,
            model=model,
            strategy=choices["strategy"],
            sources=several,
            targets=evaluated,
            seed=_count(config["seed"], "seed", least=0) or 0,
            training=numbers,
            size=_count(config["size"], "size"),
            limit=_count(config["limit"], "limit"),
            balance=str(config["strategy"].get("balance", "shared")),
            shots=_count(config["strategy"].get("shots"), "strategy.shots", least=0) or 0,
            few_shot=_few_shot(config, numbers),
            pretraining=_pretraining(model, options),
            trained=TASK_TYPES[task.type].match is None or bool(task.train),
        )
        parts = split(_without_own_query(job))
        if not parts:
            skipped.append((f"no target but the source, which {job.strategy} leaves out", str(job)))
        for one in parts:
            try:
                _check_applies(one, root)
            except NotApplicableError as reason:
                skipped.append((str(reason), str(one)))
            else:
                jobs.append(one)
    return Expansion(tuple(jobs), tuple(skipped))


def data_root(config: Mapping[str, Any]) -> Path | None:
    """The folder with the real tasks' files, or None when none is set."""
    root = config["data"]["root"]
    return local(str(root)).expanduser() if root else None


def _without_own_query(job: Job) -> Job:
    """In most searches a language does not look itself up."""
    found = TASK_TYPES[job.task.type].match
    if found is None or found.itself:
        return job
    return dataclasses.replace(job, targets=tuple(target for target in job.targets if target not in job.sources))


def _check_applies(job: Job, root: Path | None) -> None:
    strategy = STRATEGIES[job.strategy]
    needs = strategy.needs
    if job.balance not in BALANCES:
        raise HarnessError(f"strategy.balance={job.balance}: {nearest(job.balance, BALANCES)}")
    if (job.shots > 0) != (strategy.touches == "k"):
        raise HarnessError(f"strategy={job.strategy} with strategy.shots={job.shots}: few_shot takes some, others none")
    if job.trained:
        build.check(strategy.training(job), f"training of {job.model.name} on {job.train_task.name}")
        select = strategy.training(job).select
        for by, task, languages in (
            ("source_dev", job.train_task, job.sources),
            ("target_dev", job.task, job.targets),
        ):
            undecided = sorted(set(languages) - set(available(task, "dev", root))) if select == by else []
            if undecided:
                where = "the target" if by == "target_dev" else ", ".join(undecided)
                raise NotApplicableError(f"no dev split of {task.name} in {where} to select by")
    if TASK_TYPES[job.task.type].match is not None and len(job.sources) > 1:
        raise NotApplicableError("a query has one language")
    if not job.targets:
        raise NotApplicableError("no target is left")
    if not job.trained and (len(job.sources) > 1 or job.strategy != "zero_shot"):
        raise NotApplicableError(f"nothing is trained in {job.task.name}, so no strategy but zero_shot")
    if "several_sources" in needs and len(job.sources) < 2:
        raise NotApplicableError(f"strategy={job.strategy} needs several sources, as in source=[eng,deu]")
    if len(job.sources) > 1 and not needs & {"several_sources", "target_train"}:
        raise NotApplicableError("several sources train jointly only with strategy=multi_source")
    if "continuing_model" in needs and not MODELS[job.model.family].continues:
        raise NotApplicableError(f"a {job.model.family} model cannot go on training, which {job.strategy} needs")
    if "target_train" in needs and not set(job.targets) <= set(available(job.train_task, "train", root)):
        raise NotApplicableError(f"the target has no training split, which {job.strategy} needs")


def _few_shot(config: Mapping[str, Any], numbers: Training) -> Training | None:
    own = config["strategy"].get("training")
    if not own:
        return None
    length = {"epochs": None, "steps": None} if {"epochs", "steps"} & own.keys() else {}
    return build.construct(
        Training,
        dataclasses.asdict(numbers) | {"select": "last", "warmup": 0.0} | length | dict(own),
        "strategy.training",
    )


def _count(value: object, name: str, least: int = 1) -> int | None:
    """A whole number, or None where none was given."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise HarnessError(f"{name}={value}: expected a whole number of at least {least}")
    return value


def _pretraining(model: ModelSpec, options: Options) -> TaskSpec | None:
    name = model.options.get("pretraining")
    return build.task(str(name), options.read("task", str(name)), options) if name else None
