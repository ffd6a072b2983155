"""A policy from its YAML, every field checked: an unknown name is answered with the nearest known one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, nearest
from harness.gate.cell import short_name
from harness.gate.policy import Allowance, Choice, Limits, Policy, Rule
from harness.metrics.base import METRICS
from harness.sweep import build
from harness.sweep.options import Options, content

DEFAULT, GROUP = "default", "policy"
NUMBERS = ("tolerance", "margin", "seed_sd")
LOWER_IS_BETTER = ("language_bias", "rank_variance")
ABOUT = ("task", "model", "metric", "language")


def read_policy(name: str | None, suite: str, options: Options) -> Policy:
    """The policy of a name or file; where none is given, the suite's own if there is one, or else the default.

    Raises:
        HarnessError: there is none of that name, or something in it is unknown or of a wrong kind.
    """
    known = options.names(GROUP)
    if name is not None and (Path(name).suffix in (".yaml", ".yml") or Path(name).is_file()):
        if not Path(name).is_file():
            raise HarnessError(f"{name}: no such file; --policy takes a file, or one of: {', '.join(known)}")
        return policy(name, content(Path(name)), options)
    chosen = name or (suite if suite in known else DEFAULT)
    return policy(chosen, options.read(GROUP, chosen), options)


def policy(name: str, given: Mapping[str, Any], options: Options) -> Policy:
    """A policy from plain values; what they do not say is as in the default.

    Raises:
        HarnessError: as of ``read_policy``.
    """
    defaults = options.read(GROUP, DEFAULT)
    source = _Source(f"policy {name}", options, {})
    source.check_names(given, defaults)
    values = {**defaults, **given}
    groups = source.mapping("groups", values["groups"])
    source = _Source(source.name, options, {key: source.languages(f"groups.{key}", of) for key, of in groups.items()})
    return Policy(
        name=name,
        alpha=source.number("alpha", values["alpha"], 1.0),
        limits=Limits(
            tolerance=source.number("tolerance", values["tolerance"], 1.0),
            margin=source.number("margin", values["margin"], 1.0),
            seed_sd=None if values["seed_sd"] is None else source.number("seed_sd", values["seed_sd"], 1.0),
        ),
        inconclusive=source.one_of("inconclusive", values["inconclusive"], ("warn", "fail")) == "fail",
        retrained=source.one_of("retrained", values["retrained"], ("auto", "no")) == "auto",
        metrics=frozenset(source.metrics("metrics", values["metrics"])),
        rules=tuple(source.rule(*one) for one in source.entries("rules", values["rules"])),
        allow=tuple(source.allowance(*one) for one in source.entries("allow", values["allow"])),
    )


@dataclass(frozen=True, slots=True)
class _Source:
    """What the fields of one policy are checked against, and what its errors begin with."""

    name: str
    options: Options
    groups: Mapping[str, frozenset[str]]

    def rule(self, where: str, node: Mapping[str, Any]) -> Rule:
        self.check_names(node, (*ABOUT, *NUMBERS), where)
        numbers = {key: self.number(f"{where}.{key}", node[key], 1.0) for key in NUMBERS if key in node}
        if not numbers:
            raise HarnessError(f"{self.name}: {where} changes nothing; it says none of {', '.join(NUMBERS)}")
        return Rule(self.about(where, node), **numbers)

    def allowance(self, where: str, node: Mapping[str, Any]) -> Allowance:
        self.check_names(node, (*ABOUT, "until", "why"), where)
        if missing := [key for key in ("language", "until", "why") if not node.get(key)]:
            raise HarnessError(f"{self.name}: {where} needs `{missing[0]}`: which language, until when, and why")
        try:
            until = date.fromisoformat(str(node["until"]))
        except ValueError:
            raise HarnessError(f"{self.name}: {where}.until: {node['until']!r} is no day; write 2027-01-31") from None
        return Allowance(self.about(where, node), until, str(node["why"]))

    def about(self, where: str, node: Mapping[str, Any]) -> Choice:
        def names(key: str) -> frozenset[str] | None:
            return frozenset(_words(node[key])) if key in node else None

        for task in names("task") or ():
            if task not in self.options.names("task"):
                raise self.unknown(f"{where}.task", task, self.options.names("task"))
        return Choice(
            task=names("task"),
            model=names("model"),
            metric=frozenset(self.metrics(f"{where}.metric", node["metric"])) if "metric" in node else None,
            language=self.languages(f"{where}.language", node["language"]) if "language" in node else None,
        )

    def languages(self, where: str, listed: Any) -> frozenset[str]:
        found: set[str] = set()
        for word in _words(listed):
            try:
                found |= self.groups[word] if word in self.groups else set(build.seen([word], self.options))
            except HarnessError as error:
                raise HarnessError(f"{self.name}: {where}: {error}") from error
        return frozenset(found)

    def metrics(self, where: str, listed: Any) -> list[str]:
        words = _words(listed)
        for word in words:
            if short_name(word) not in METRICS:
                raise self.unknown(where, short_name(word), METRICS)
            if short_name(word) in LOWER_IS_BETTER:
                raise HarnessError(f"{self.name}: {where}: of {word} less is better, and the gate knows drops alone")
        return words

    def entries(self, where: str, listed: Any) -> list[tuple[str, Mapping[str, Any]]]:
        if not isinstance(listed, Sequence) or not all(isinstance(node, Mapping) for node in listed):
            raise HarnessError(f"{self.name}: {where} is a list of {{name: value}} mappings, not {listed!r}")
        return [(f"{where}[{i}]", node) for i, node in enumerate(listed)]

    def mapping(self, where: str, node: Any) -> Mapping[str, Any]:
        if not isinstance(node, Mapping):
            raise HarnessError(f"{self.name}: {where} maps names to lists of languages, not {node!r}")
        return {str(key): value for key, value in node.items()}

    def number(self, where: str, value: Any, below: float) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < below:
            raise HarnessError(
                f"{self.name}: {where} is {value!r}; it must be a number of at least 0 below {below:g} "
                "(of a score, 0.02 is two points)"
            )
        return float(value)

    def one_of(self, where: str, value: Any, known: Sequence[str]) -> str:
        word = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
        if word not in known:
            raise HarnessError(f"{self.name}: {where} is {word!r}; it must be {' or '.join(known)}")
        return str(word)

    def check_names(self, node: Mapping[str, Any], known: Collection[str], where: str = "") -> None:
        for key in node.keys() - set(known):
            raise self.unknown(where, str(key), known)

    def unknown(self, where: str, name: str, known: Collection[str] | Any) -> HarnessError:
        place = f"{where}: unknown" if where else "unknown field"
        return HarnessError(f"{self.name}: {place} {name!r}: {nearest(name, known)}")


def _words(value: Any) -> list[str]:
    """One word, or a list of them."""
    return [str(word) for word in value] if isinstance(value, list | tuple) else [str(value)]
