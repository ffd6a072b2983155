"""Scores as the field counts them, one file a family of metrics.

A metric is named by its signature, ``name|setting:value|...``; ``harness.metrics.base.metric`` makes it, and
``evaluate`` (in the same module) scores a list of predictions:

>>> from harness.metrics.base import evaluate, metric
>>> evaluate(metric("span_f1|mode:strict|scheme:IOB2"), gold=[["B-PER", "O"]], predicted=[["B-PER", "O"]])
1.0

Some ask for facts of the data, which are no settings: ``metric("macro_f1", labels=["no", "yes"])``,
``metric("mlqa_f1", language="deu")``.

Each is also an ``evaluate.Metric``, which is made here and needs no network:

>>> from harness.metrics.hub import load
>>> load("multilingual_f1").compute(predictions=["北京"], references=[["北京市"]])
{'score': 0.8}

``add_batch`` and ``add`` work as for any other. Predictions and references are strings (labels, answers), numbers, or
lists of them (tags, gold answers, ranked ids, scores of options), as the metric's ``inputs_description`` says; those of
the retrieval metrics, whose predictions are tables of ranks, and answers by pool are the JSON texts of the answers.
"""
