"""What `harness list` says of tasks, models, suites and types."""

import json

from harness import catalogue
from harness.sweep.options import Options

OPTIONS = Options()


def entry(kind, name):
    (found,) = (row for row in catalogue.entries(kind, OPTIONS) if name in row.values())
    return found


def test_a_task_says_what_it_is_where_it_comes_from_and_what_it_was_checked_on():
    row = entry("tasks", "xnli")
    assert (row["train"], row["metric"], row["checked"], row["local"]) == (
        "mnli",
        "accuracy",
        "format_only",
        "xnli_dev",
    )
    assert (row["provenance"], row["licence"]) == ("human_translated", "CC-BY-NC-4.0")
    assert (row["hub"], len(row["revision"])) == ("facebook/xnli", 40)
    assert len(row["languages"]) == 15
    assert entry("tasks", "wikiann")["provenance"] == "silver"
    assert entry("tasks", "wikiann")["revision"] is None


def test_a_row_of_the_table_is_short_and_its_json_whole(capsys):
    catalogue.show("tasks", None, as_json=False)
    table = capsys.readouterr().out.splitlines()
    (line,) = (line for line in table if line.startswith("panx_dev "))
    assert {"silver", "sample", "span_f1", "itself"} <= set(line.split())
    assert "format_only" in next(line for line in table if line.startswith("multiconer2 "))
    catalogue.show("tasks", None, as_json=True)
    (row,) = (row for row in json.loads(capsys.readouterr().out) if row["task"] == "panx_dev")
    assert row["metric"] == "span_f1|mode:strict|scheme:IOB2"
    assert row["licence"] == "none stated for the annotations; texts CC-BY-SA (Wikipedia)"


def test_models_suites_and_types_are_listed():
    assert len(entry("models", "mbert")["seen"]) == 104
    assert entry("models", "lexical")["seen"] == []
    assert entry("suites", "xtreme")["tasks"][0] == "xnli"
    assert entry("suites", "none")["tasks"] == []
    assert entry("types", "pos")["metrics"] == ["accuracy"]


def test_readers_say_their_options_and_metrics_their_settings(capsys):
    assert "delimiter, group" in entry("readers", "conll")["options"]
    assert "group_every" in entry("readers", "conll")["of_rows"]
    assert entry("metrics", "span_f1")["settings"] == "mode:strict, scheme:IOB2, type"
    assert entry("metrics", "macro_f1")["settings"] == entry("metrics", "mlqa_f1")["settings"] == "-"
    catalogue.show("readers", None, as_json=False)
    assert any(line.split() == ["squad", "group"] for line in capsys.readouterr().out.splitlines())


def test_distances_say_of_what_kind_they_are_and_what_they_need():
    row = entry("distances", "subword_jaccard")
    assert (row["kind"], row["symmetric"], row["needs"]) == ("lexical", True, "texts, tokenizer")
    assert entry("distances", "family_tree")["needs"] == "-"
    assert not entry("distances", "tokenizer_parity")["symmetric"]
    assert all(one["version"] for one in catalogue.entries("distances", OPTIONS))
