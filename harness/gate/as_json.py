"""The verdict for a machine: native units, null where there is no number; ``harness/schema/verdict.json``."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from harness.gate import words

if TYPE_CHECKING:
    from harness.gate.averaged import Averaged
    from harness.gate.compared import Compared
    from harness.gate.verdict import Verdict

SCHEMA = 1


def as_json(verdict: Verdict) -> dict[str, Any]:
    """All that the verdict rests on."""
    return {
        "schema": SCHEMA,
        "baseline": verdict.baseline,
        "suite": verdict.suite,
        "policy": verdict.policy.name,
        "exit_code": verdict.exit_code,
        "line": verdict.line,
        "notes": list(verdict.notes),
        "cells": [_cell(row) for row in verdict.rows],
        "averages": [_average(row) for row in verdict.averages],
    }


def _cell(row: Compared) -> dict[str, Any]:
    proof = {} if row.evidence is None else asdict(row.evidence)
    numbers = ("se", "low", "high", "p", "adjusted", "detectable", "groups", "changed")
    return {
        **row.cell.run._asdict(),
        "seeds": list(row.pair.seeds),
        "target": row.cell.target,
        "metric": row.metric,
        "provenance": row.cell.provenance,
        "n": row.cell.n,
        "outcome": row.outcome.value,
        "reason": row.reason,
        "sentence": words.sentence(row),
        "baseline": row.baseline,
        "now": row.score,
        "change": row.change,
        "tolerance": row.limits.tolerance,
        "method": str(proof["method"]) if proof else None,
        "unchanged": row.unchanged,
        **{name: _finite(proof.get(name)) for name in numbers},
    }


def _average(row: Averaged) -> dict[str, Any]:
    found = row.aggregate
    return {
        **row.run._asdict(),
        "seeds": list(row.seeds),
        "metric": row.metric,
        "provenance": row.provenance,
        "of": row.of.value,
        "languages": row.languages,
        "verdict": row.verdict.value if row.verdict is not None else None,
        "reason": row.reason,
        "baseline": found.baseline if found else None,
        "now": found.candidate if found else None,
        "change": -found.drop if found else None,
        "low": -found.high if found and found.high is not None else None,
        "high": -found.low if found and found.low is not None else None,
        "margin": found.margin if found else None,
        "counted": list(found.languages) if found else [],
    }


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
