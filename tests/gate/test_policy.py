"""A policy says what passes; what it cannot mean is refused with the nearest that it can."""

from __future__ import annotations

from datetime import date

import pytest
import yaml

from harness.errors import HarnessError
from harness.gate.cell import Cell, Run
from harness.gate.policy import Limits
from harness.gate.policy_file import policy, read_policy
from harness.sweep.options import Options
from tests.conftest import F1, ROOT

OPTIONS = Options()


def cell(task="xquad", model="mbert", target="swh", **scores):
    run = Run(task, model, "zero_shot", ("eng",), 0, None)
    return Cell(run, 0, target, "native", 10, "ab", "", "p0", "accuracy", {"accuracy": 0.5} | scores)


def made(**given):
    return policy("mine", given, OPTIONS)


def test_the_default_file_says_every_field_and_what_it_means():
    text = (ROOT / "conf" / "policy" / "default.yaml").read_text()
    found = read_policy(None, "", OPTIONS)
    assert (found.name, found.alpha, found.limits) == ("default", 0.05, Limits(0.01, 0.01, None))
    assert not found.inconclusive
    assert found.retrained
    for field in yaml.safe_load(text):
        line = next(line for line in text.splitlines() if line.startswith(f"{field}:"))
        above = text.splitlines()[text.splitlines().index(line) - 1]
        assert "#" in line or above.startswith("#"), f"{field} is not explained"


def test_the_examples_in_the_default_file_are_right():
    text = (ROOT / "conf" / "policy" / "default.yaml").read_text()
    examples = [yaml.safe_load(line.removeprefix("#   - ")) for line in text.splitlines() if line.startswith("#   - ")]
    found = made(
        groups={"mine": ["swh", "yor"]},
        rules=[one for one in examples if "until" not in one],
        allow=[one for one in examples if "until" in one],
    )
    assert len(found.rules) + len(found.allow) == len(examples) == 3


def test_a_suite_has_its_own_policy_unless_another_is_named(tmp_path):
    assert read_policy(None, "mini", OPTIONS).name == "mini"
    assert read_policy("default", "mini", OPTIONS).name == "default"
    assert read_policy(None, "xtreme", OPTIONS).name == "default"
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "xtreme.yaml").write_text("tolerance: 0.5")
    assert read_policy(None, "xtreme", Options.beside(tmp_path)).limits.tolerance == 0.5
    assert read_policy(str(tmp_path / "policy" / "xtreme.yaml"), "mini", OPTIONS).limits == Limits(0.5, 0.01, None)


def test_of_several_rules_that_fit_the_last_one_that_says_a_number_counts():
    found = made(
        tolerance=0.01,
        groups={"few": ["Swahili", "yo"]},
        rules=[
            {"task": "xquad", "tolerance": 0.02, "seed_sd": 0.03},
            {"language": ["few", "germanic"], "tolerance": 0.03},
            {"language": "swh", "model": "mbert", "margin": 0.5},
            {"metric": "span_f1", "tolerance": 0.04},
            {"metric": F1, "margin": 0.05},
        ],
    )
    assert found.limits_of(cell(target="fin"), "accuracy") == Limits(0.02, 0.01, 0.03)
    assert found.limits_of(cell(), "accuracy") == Limits(0.03, 0.5, 0.03)
    assert found.limits_of(cell(target="deu", task="xnli"), "accuracy") == Limits(0.03, 0.01, None)
    assert found.limits_of(cell(), F1) == Limits(0.04, 0.05, 0.03)
    # a rule about a language is none about an average over languages
    assert found.limits_of_run(cell(), "accuracy") == Limits(0.02, 0.01, 0.03)


def test_the_allowance_that_lasts_longest_counts():
    allow = [
        {"language": "swh", "until": "2026-05-01", "why": "a"},
        {"task": "xquad", "language": "bantu", "until": "2026-07-01", "why": "b"},
        {"task": "xnli", "language": "swh", "until": "2027-07-01", "why": "c"},
    ]
    found = made(allow=allow).allowance(cell(), "accuracy")
    assert (found.until, found.why) == (date(2026, 7, 1), "b")
    assert made(allow=allow).allowance(cell(target="deu"), "accuracy") is None


def test_metrics_are_compared_beside_the_main_one():
    found = made(metrics=["matthews", F1])
    assert list(found.compared(cell(matthews=0.1, macro_f1=0.2))) == ["accuracy", "matthews"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"tolerence": 0.1}, "policy mine: unknown field 'tolerence': did you mean 'tolerance'"),
        ({"tolerance": -1}, "tolerance is -1; it must be a number of at least 0"),
        ({"tolerance": "2 points"}, "tolerance is '2 points'"),
        ({"tolerance": float("nan")}, "tolerance is nan"),
        ({"margin": True}, "margin is True"),
        ({"alpha": 1}, "at least 0 below 1"),
        ({"inconclusive": "ignore"}, "inconclusive is 'ignore'; it must be warn or fail"),
        ({"retrained": "yes"}, "it must be auto or no"),
        ({"metrics": ["acuracy"]}, "unknown 'acuracy': did you mean 'accuracy'"),
        ({"metrics": ["rank_variance"]}, "less is better"),
        (
            {"groups": {"mine": ["swahilli"]}},
            "policy mine: groups.mine: unknown language 'swahilli': did you mean 'Swahili",
        ),
        ({"groups": [1]}, "groups maps names to lists of languages"),
        ({"rules": [{"language": "mine", "tolerance": 0.1}]}, r"rules\[0\].language: unknown language 'mine'"),
        ({"rules": [{"task": "xquat", "tolerance": 0.1}]}, r"rules\[0\].task: unknown 'xquat': did you mean 'xquad'"),
        ({"rules": [{"task": "xquad"}]}, r"rules\[0\] changes nothing"),
        ({"rules": [{"lang": "swh", "tolerance": 0.1}]}, r"rules\[0\]: unknown 'lang': did you mean 'language'"),
        ({"rules": {"task": "xquad"}}, "rules is a list of"),
        ({"allow": [{"language": "swh", "why": "a"}]}, r"allow\[0\] needs `until`"),
        ({"allow": [{"language": "swh", "until": "2026-13-01", "why": "a"}]}, "'2026-13-01' is no day"),
        ({"allow": [{"task": "xquad", "until": "2026-12-01", "why": "a"}]}, r"allow\[0\] needs `language`"),
    ],
)
def test_what_cannot_be_meant_is_refused(given, words):
    with pytest.raises(HarnessError, match=words):
        made(**given)


def test_a_file_that_is_not_there_and_an_unknown_name_are_told(tmp_path):
    with pytest.raises(
        HarnessError, match=r"nothing\.yaml: no such file; --policy takes a file, or one of: default, mini"
    ):
        read_policy(str(tmp_path / "nothing.yaml"), "", OPTIONS)
    with pytest.raises(HarnessError, match="unknown policy 'defalt': did you mean 'default'"):
        read_policy("defalt", "", OPTIONS)
    (tmp_path / "p.yaml").write_text("tolerance: [")
    with pytest.raises(HarnessError, match=r"p\.yaml, line 1: not YAML"):
        read_policy(str(tmp_path / "p.yaml"), "", OPTIONS)


def test_days_and_switches_are_read_as_yaml_writes_them(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("retrained: no\nallow:\n- {language: swh, until: 2026-12-01, why: a}\n")
    found = read_policy(str(path), "", OPTIONS)
    assert not found.retrained
    assert found.allow[0].until == date(2026, 12, 1)
