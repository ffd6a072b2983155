"""One composed configuration turned into the jobs that it asks for, and the reasons for those that do not apply."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import build
from harness.data.load import available
from harness.errors import HarnessError, NotApplicableError, nearest
from harness.languages import canonical
from harness.models.base import MODELS
from harness.options import Options
from harness.spec import Job, ModelSpec, TaskSpec, Training
from harness.strategies.base import STRATEGIES

ALL = "all"


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
    model = build.model(choices["model"], config["model"], train_task)
    if "checkpoint" in config["model"] and not model.checkpoint:
        raise HarnessError(f"model={choices['model']} needs model.checkpoint=FOLDER, or a name on the hub")
    strategy = STRATEGIES[choices["strategy"]]
    root = data_root(config)
    numbers = build.training(train_task, model, config.get("train") or {}, config["select"])
    skipped: list[tuple[str, str]] = []
    jobs: list[Job] = []
    for sources in _sources(config, task, train_task, "several_sources" in strategy.needs, root, options, skipped):
        job = Job(
            task=task,
            train_task=train_task,
            model=model,
            strategy=choices["strategy"],
            sources=sources,
            targets=_targets(config, task, root, options),
            seed=_count(config["seed"], "seed") or 0,
            training=numbers,
            size=_count(config["size"], "size"),
            limit=_count(config["limit"], "limit"),
            balance=str(config["strategy"].get("balance", "shared")),
            shots=_count(config["strategy"].get("shots"), "strategy.shots") or 0,
            few_shot=_few_shot(config, numbers),
            pretraining=_pretraining(model, options),
            suite=str(config["suite"].get("name") or ""),
        )
        for one in strategy.split(_without_own_query(job)):
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
    return Path(str(root)).expanduser() if root else None


def members(name: str, options: Options) -> tuple[str, ...] | None:
    """The languages of a named set; None for ``all`` and for names that are no set."""
    if name == ALL or name not in options.names("languages"):
        return None
    return tuple(canonical(str(code)) for code in options.read("languages", name)["members"])


def trainable(task: TaskSpec, train_task: TaskSpec, root: Path | None) -> tuple[str, ...]:
    """Languages that can be a source: those with training data; in untrained retrieval, those that can ask."""
    if task.type == "retrieval" and not task.train:
        pivot = task.files.options.get("pivot") if task.files else None
        return (canonical(str(pivot), task.namespace),) if pivot else available(task, "test", root)
    return available(train_task, "train", root)


def _sources(
    config: Mapping[str, Any],
    task: TaskSpec,
    train_task: TaskSpec,
    joint: bool,
    root: Path | None,
    options: Options,
    skipped: list[tuple[str, str]],
) -> list[tuple[str, ...]]:
    asked = config["source"]
    known = trainable(task, train_task, root)
    allowed = _restriction(config)
    if isinstance(asked, str) and (asked == ALL or members(asked, options) is not None):
        named = members(asked, options)
        chosen = [code for code in known if (named is None or code in named) and (not allowed or code in allowed)]
        if not chosen:
            raise HarnessError(
                f"source={asked}: none of them has training data in {train_task.name} {_place(train_task, root)}"
            )
        return [tuple(chosen)] if joint else [(code,) for code in chosen]
    codes = sorted({canonical(str(code), "") for code in ([asked] if isinstance(asked, str) else asked)})
    for code in codes:
        if code not in known:
            reason = f"no training data in {train_task.name} {_place(train_task, root)}"
            if config.get("source_set") is not None:
                skipped.append((reason, f"{task.name} from {code}"))
                return []
            raise HarnessError(f"{task.name} from {code}: {reason}. Sources there: {', '.join(known) or 'none'}")
    return [tuple(codes)]


def _targets(config: Mapping[str, Any], task: TaskSpec, root: Path | None, options: Options) -> tuple[str, ...]:
    asked = config["target"]
    known = available(task, "test", root)
    allowed = _restriction(config)
    chosen: set[str] = set()
    for name in [asked] if isinstance(asked, str) else asked:
        named = members(str(name), options)
        if name == ALL or named is not None:
            chosen |= {code for code in known if (named is None or code in named) and (not allowed or code in allowed)}
            continue
        code = canonical(str(name))
        if code not in task.languages:
            raise HarnessError(f"{task.name} has no {code}: {nearest(code, task.languages)}")
        if code not in known:
            raise HarnessError(f"{task.name}: no test data for {code} {_place(task, root)}")
        chosen.add(code)
    if not chosen:
        raise HarnessError(f"{task.name}: no test data for target={asked} {_place(task, root)}")
    return tuple(sorted(chosen))


def _place(task: TaskSpec, root: Path | None) -> str:
    if task.files is not None and not task.files.path:
        return "of the embedded benchmark"
    place = f"below {root}" if root else "(no data.root: set it, or HARNESS_DATA, to the folder with the task's files)"
    return f"{place}, and the hub ({task.hub.path}) does not answer" if task.hub else place


def _restriction(config: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(canonical(str(code)) for code in config["languages"].get("members") or ())


def _without_own_query(job: Job) -> Job:
    """In retrieval a language does not look itself up."""
    if job.task.type != "retrieval":
        return job
    return dataclasses.replace(job, targets=tuple(target for target in job.targets if target not in job.sources))


def _check_applies(job: Job, root: Path | None) -> None:
    needs = STRATEGIES[job.strategy].needs
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
    base = dataclasses.asdict(numbers) | ({"epochs": None} if "steps" in own else {})
    return build.construct(Training, base | dict(own) | {"select": "last", "warmup": 0.0}, "strategy.training")


def _count(value: object, name: str) -> int | None:
    """A whole number of at least 0, or None where none was given."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise HarnessError(f"{name}={value}: expected a whole number of at least 0")
    return value


def _pretraining(model: ModelSpec, options: Options) -> TaskSpec | None:
    name = model.options.get("pretraining")
    return build.task(str(name), options.read("task", str(name)), options) if name else None
