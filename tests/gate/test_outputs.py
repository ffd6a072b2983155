"""The same verdict in the terminal, as Markdown, as JUnit and as JSON; names cannot write into any of them."""

from __future__ import annotations

import json
from importlib.resources import files
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from rich.console import Console

from harness.gate import words
from harness.gate.as_json import as_json
from harness.gate.junit import junit
from harness.gate.markdown import ROWS, markdown, marker
from harness.gate.printed import lines
from harness.storage.store import Store
from tests.gate.stores import against, answers, locked, put


@pytest.fixture
def verdict(store, lock):
    put(store, answers(290), "swh")
    put(store, answers(290))
    (store.folder("mini_nli", "p0") / "deu.json").unlink()
    return against(lock, store)


def printed(verdict):
    console = Console(width=250, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    for line in lines(verdict):
        console.print(line, markup=False, soft_wrap=isinstance(line, str))
    return console.export_text()


def test_a_maintainer_reads_what_happened_in_one_sentence(store, lock):
    put(store, answers(200), "swh")
    (found, _) = against(lock, store).rows
    assert words.sentence(found) == (
        "mini_nli in Swahili fell 60.0 -> 50.0 (-10.0, 95 % interval -13.0 to -7.0, p < 0.0001, Holm < 0.0001, "
        "tolerance 2.0): regressed"
    )
    text = printed(against(lock, store))
    assert text.splitlines()[-1].startswith(
        "REGRESSION against mini (mini): 1 regressed, 1 passed (1 of them unchanged)"
    )
    assert words.sentence(found) in text
    assert "German" not in text
    assert "deu" not in text


def test_what_a_run_lacks_for_one_reason_is_one_sentence(tmp_path):
    store, other = Store(tmp_path / "results"), Store(tmp_path / "other")
    for target in ("deu", "swh", "fin", "tur", "rus", "spa"):
        put(store, answers(300), target)
    put(store, answers(300), model="other", predict_key="p1")
    put(other, answers(300), model="other", predict_key="p1")
    put(other, answers(200), "spa")
    verdict = against(locked(store, tmp_path / "mini.json"), other)
    (fallen, _), (lacking, _) = words.sentences(verdict.failed)
    assert lacking == (
        "mini_nli is missing in 5 languages (German, Finnish, Russian, Swahili and 1 more): no such cell in the store"
    )
    assert fallen.startswith("mini_nli in Spanish fell 75.0 -> 50.0")
    for text in (printed(verdict), markdown(verdict)):
        assert text.count("no such cell in the store") == 1


def test_what_passed_prints_no_table(store, lock):
    text = printed(against(lock, store))
    assert "cells that did not simply pass" not in text
    assert text.splitlines()[-1].startswith("PASSED")


def test_the_worst_comes_first_in_every_form(verdict):
    assert verdict.exit_code == 1
    for text in (printed(verdict), markdown(verdict), json.dumps(as_json(verdict))):
        assert text.index("missing") < text.index("improved")


def test_markdown_begins_with_a_marker_that_names_the_baseline_alone(verdict, store, lock):
    text = markdown(verdict)
    assert text.startswith("<!-- harness check: mini -->\n### ❌ REGRESSION")
    put(store, answers(320))
    again = markdown(against(lock, store))
    assert marker(verdict) in again
    assert "### ✅ PASSED" in again


def test_a_comment_stays_short_enough_for_github(tmp_path):
    store, other = Store(tmp_path / "results"), Store(tmp_path / "other")
    for i in range(ROWS + 5):
        put(store, answers(300), model=f"m{i}", predict_key=f"p{i}")
        put(other, answers(200), model=f"m{i}", predict_key=f"p{i}")
    text = markdown(against(locked(store, tmp_path / "mini.json"), other))
    assert "5 more are left out" in text
    assert len(text) < 65536


EVIL = "</td><script>alert(1)</script>|`x`<!-- --> [a](javascript:b) \x07 &amp;"


def test_no_name_writes_into_a_page_or_breaks_a_file(tmp_path):
    store, other = Store(tmp_path / "results"), Store(tmp_path / "other")
    put(store, answers(300), model=EVIL)
    put(other, answers(200), model=EVIL)
    verdict = against(locked(store, tmp_path / "mini.json"), other)
    text = markdown(verdict)
    assert "<script" not in text
    assert text.count("<!--") == text.count("-->") == 1
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in rows}) == 1
    assert "](" not in text
    case = ET.fromstring(junit(verdict)).find(".//testcase")
    assert "<script>" in case.get("classname")
    assert "\x07" not in case.get("classname")
    assert as_json(verdict)["cells"][0]["model"] == EVIL


def test_junit_has_a_case_a_promise_and_an_average(verdict, store, lock):
    root = ET.fromstring(junit(verdict))
    cells, averages = root.findall("testsuite")
    assert (cells.get("tests"), cells.get("failures"), cells.get("errors")) == ("2", "1", "0")
    failure = cells.find("testcase/failure")
    assert failure.get("type") == "missing"
    assert "80.0 in the baseline" in failure.get("message")
    assert averages.get("tests") == averages.get("skipped") == "3"
    put(store, answers(100), "swh")
    (failure,) = ET.fromstring(junit(against(lock, store))).findall(".//testcase[@name='swh accuracy seed 1']/failure")
    assert "60.0 -> 25.0" in failure.text


def test_junit_of_nothing_compared_is_no_green(lock, tmp_path):
    root = ET.fromstring(junit(against(lock, Store(tmp_path / "empty"))))
    assert root.find(".//testcase[@name='something was compared']/error") is not None


def test_json_fits_its_schema_and_has_every_cell(verdict):
    content = json.loads(json.dumps(as_json(verdict), allow_nan=False))
    jsonschema.validate(content, json.loads(files("harness").joinpath("schema/verdict.json").read_text()))
    assert [cell["outcome"] for cell in content["cells"]] == ["missing", "improved"]
    assert content["cells"][1]["p"] > 0.99
    assert content["exit_code"] == 1


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.5, "0.50"), (0.04999, "0.050"), (0.0123, "0.012"), (0.0004, "0.0004"), (0.00004, "< 0.0001"), (1.0, "1.00")],
)
def test_a_probability_has_the_digits_that_count(p, text):
    assert words.probability(p) == text


@pytest.mark.parametrize(("value", "text"), [(0.123, "+12.3"), (-0.0002, "0.0"), (0.0, "0.0"), (None, "-")])
def test_points(value, text):
    assert words.points(value, signed=True) == text
