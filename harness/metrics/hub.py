"""Every metric as a Hugging Face ``evaluate.Metric``, made here and not fetched from anywhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import evaluate
from datasets import Features, Value
from datasets import Sequence as ListOf

from harness.errors import HarnessError
from harness.metrics.base import AnyMetric, metric
from harness.metrics.base import evaluate as score_of

_TEXT, _NUMBER, _RANK = Value("string"), Value("float64"), Value("int64")


def _features(predictions: Any, references: Any) -> Features:
    return Features({"predictions": predictions, "references": references})


_LABELS, _LISTS = _features(_TEXT, _TEXT), _features(ListOf(_TEXT), ListOf(_TEXT))
_ANSWERS = _features(_TEXT, ListOf(_TEXT))
_OPTIONS = _features(ListOf(_NUMBER), ListOf(_NUMBER))

# what is compared; where there are several, the first batch decides
_KNOWN: tuple[tuple[tuple[str, ...], list[Features]], ...] = (
    (("accuracy", "macro_f1", "micro_f1", "matthews"), [_LABELS, _LISTS]),
    (("span_f1", "span_precision", "map_at", "mrr_at"), [_LISTS]),
    (("mining_f1", "mining_precision", "mining_recall"), [_LISTS]),
    (("squad_f1", "squad_em", "mlqa_f1", "mlqa_em", "multilingual_f1", "multilingual_em"), [_ANSWERS]),
    (("pearson", "spearman"), [_features(_NUMBER, _NUMBER)]),
    (("choice_accuracy", "ndcg"), [_OPTIONS]),
    (("rank_variance",), [_features(ListOf(_RANK), _TEXT)]),
)
FEATURES = {name: features for names, features in _KNOWN for name in names}


class HarnessMetric(evaluate.Metric):  # type: ignore[misc]
    """A metric of the harness with the interface of ``evaluate``."""

    def __init__(self, measure: AnyMetric) -> None:
        self.measure = measure
        # a table of the answers has a column's type; what has none, as answers by pool, is handed over as JSON
        self.as_json = measure.name not in FEATURES or "|pool:" in measure.signature
        super().__init__(keep_in_memory=True)
        self.info.module_name = measure.signature  # `evaluate.combine` tells scores apart by it

    def _info(self) -> Any:
        features = [_LABELS] if self.as_json else FEATURES[self.measure.name]
        kind = "the JSON texts of the answers" if self.as_json else " or ".join(str(dict(one)) for one in features)
        return evaluate.MetricInfo(
            description=f"{self.measure.signature} of the multilingual harness",
            citation="",
            inputs_description=f"\n\n{self.measure.signature} compares {kind}.",
            features=features if len(features) > 1 else features[0],
        )

    def _infer_feature_from_batch(self, batch: Any) -> Any:
        # `evaluate` tells labels from lists by the first example, which an empty batch does not have
        return super()._infer_feature_from_batch(batch) if len(batch["references"]) else _LABELS

    def _compute(self, *, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
        if self.as_json:
            predictions, references = _parsed(predictions), _parsed(references)
        return {"score": score_of(self.measure, references, predictions)}


def _parsed(texts: Sequence[str]) -> list[Any]:
    found = []
    for i, text in enumerate(texts):
        try:
            found.append(json.loads(text))
        except (ValueError, RecursionError) as error:
            raise HarnessError(f"example {i}: not JSON ({error}): {text[:60]!r}") from error
    return found


def load(signature: str, *, labels: Sequence[str] = (), language: str = "") -> HarnessMetric:
    """The metric that a signature names; its ``compute`` gives ``{"score": ...}`` in the metric's native unit.

    Args:
        signature: name and settings, as in ``harness.metrics.base.metric``.
        labels: of the task, where the metric counts by label.
        language: of the texts, canonical, where the metric has rules by language.

    Raises:
        HarnessError: the signature is that of no metric.
    """
    return HarnessMetric(metric(signature, labels=labels, language=language))
