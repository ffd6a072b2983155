"""Averages are the suites' own to the last digit, null where they would be of something else, and fair beside them."""

from __future__ import annotations

import csv
from collections import defaultdict

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.spec import Provenance, Suite, SuiteTask
from harness.stats.averages import contradicts, headline, mean, suite_scores, summarise
from harness.suites import read_suite
from harness.sweep.options import Options

# google-research/xtreme at 838c13b scores its own example submission so (seqeval 0.0.12): EM and F1, or one number;
# question answering counts 11, 121 ... items, so that these fractions are the printed 77.2727, 79.9587 ...
PUBLISHED = {
    "pawsx": (51.42857142857142,),
    "xnli": (30.666666666666664,),
    "udpos": (70.21746048354693,),
    "panx": (57.50793650793652,),
    "bucc2018": (55.0,),
    "tatoeba": (53.611111111111114,),
    "xquad": (850 / 11, 9675 / 121),
    "mlqa": (400 / 7, 12020 / 147),
    "tydiqa": (800 / 9, 875 / 9),
}
ALL_TASKS = 62.17319850507246


@pytest.fixture(scope="module")
def xtreme():
    return read_suite("xtreme", Options())


def uniform(suite, values):
    """Scores whose mean in each task is what was given: all languages alike."""
    return {
        name: {code: dict(zip(suite.tasks[name].metrics, numbers, strict=True)) for code in suite.tasks[name].languages}
        for name, numbers in values.items()
    }


def test_xtremes_overall_score_is_its_own(xtreme):
    scores = suite_scores(xtreme, uniform(xtreme, PUBLISHED))
    assert scores.overall == pytest.approx(ALL_TASKS, abs=1e-10)
    assert scores.tasks["xquad"].score == pytest.approx((77.2727 + 79.9587) / 2, abs=1e-4)
    assert scores.tasks["mlqa"].means == pytest.approx({"mlqa_em": 57.1429, "mlqa_f1": 81.7687}, abs=1e-4)
    groups = {name: scores.groups[name] for name in scores.groups}
    assert groups == pytest.approx(
        {
            "classification": (51.42857142857142 + 30.666666666666664) / 2,
            "tagging": (70.21746048354693 + 57.50793650793652) / 2,
            "qa": (78.6157 + 69.45578 + 93.05556) / 3,
            "retrieval": (55 + 53.61111) / 2,
        },
        abs=1e-4,
    )
    assert mean(groups.values()) != pytest.approx(scores.overall, abs=0.1)  # the mean of the tasks, not of the groups


def test_without_a_language_there_is_no_task_no_group_and_no_overall_score(xtreme):
    values = uniform(xtreme, PUBLISHED)
    del values["tydiqa"]["tel"]
    found = suite_scores(xtreme, values)
    tydiqa = found.tasks["tydiqa"]
    assert (tydiqa.score, tydiqa.have, tydiqa.want, tydiqa.missing) == (None, 8, 9, ("tel",))
    assert (found.groups["qa"], found.overall) == (None, None)
    assert found.groups["tagging"] is not None


def test_half_a_language_is_none(xtreme):
    values = uniform(xtreme, PUBLISHED)
    del values["xquad"]["tha"]["squad_em"]
    task = suite_scores(xtreme, values).tasks["xquad"]
    assert task.means["squad_em"] is None
    assert task.means["squad_f1"] == pytest.approx(79.9587, abs=1e-4)
    assert (task.score, task.have, task.missing) == (None, 10, ("tha",))


def test_a_language_that_the_suite_does_not_count_changes_nothing(xtreme):
    values = uniform(xtreme, PUBLISHED)
    values["xquad"]["ron"] = {"squad_em": 0.0, "squad_f1": 0.0}
    values["kornli"] = {"kor": {"accuracy": 0.0}}
    assert suite_scores(xtreme, values).overall == pytest.approx(ALL_TASKS, abs=1e-10)


scores_of_languages = st.dictionaries(st.sampled_from("abcdefgh"), st.none() | st.floats(0, 1), max_size=8)


@given(st.dictionaries(st.sampled_from(["one", "two", "three"]), scores_of_languages, min_size=1))
def test_a_score_is_null_exactly_where_something_is_missing(tasks):
    assume(all(tasks.values()))
    suite = Suite("s", {n: SuiteTask(n, {code: code for code in found}, ("m",), ("g",)) for n, found in tasks.items()})
    values = {n: {c: {"m": score} for c, score in found.items() if score is not None} for n, found in tasks.items()}
    found = suite_scores(suite, values)
    whole = {name: None not in scores.values() for name, scores in tasks.items()}
    assert {name: task.score is not None for name, task in found.tasks.items()} == whole
    assert (found.overall is not None) == (found.groups["g"] is not None) == all(whole.values())
    for name, task in found.tasks.items():
        assert task.have + len(task.missing) == task.want == len(tasks[name])
    if found.overall is not None:
        assert found.overall == found.groups["g"] == mean(mean(scores.values()) for scores in tasks.values())


FAMILIES = dict(zip("abcdefgh", ("one", "one", "one", "two", "two", "three", "three", "three"), strict=True))


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0, 1), min_size=1), st.sets(st.sampled_from("abcdefgh")))
def test_every_summary_lies_between_the_worst_and_the_best_language(scores, sources):
    seen = dict.fromkeys("abcd", True) | dict.fromkeys("ef", False)
    found = summarise(scores, sources, FAMILIES, seen)
    assert found.worst == min(scores.values()) == scores[found.worst_language]
    for number in (found.mean, found.family_macro, found.without_sources, found.seen, found.unseen):
        assert number is None or min(scores.values()) - 1e-12 <= number <= max(scores.values()) + 1e-12
    assert (found.without_sources is None) == (scores.keys() <= sources)
    assert (found.seen is None) == scores.keys().isdisjoint("abcd")
    assert (found.unseen is None) == scores.keys().isdisjoint("ef")
    assert found.unknown == len(scores.keys() & set("gh"))


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0, 1), min_size=1), st.data())
def test_no_summary_is_of_what_is_there_by_chance(scores, data):
    gone = data.draw(st.sampled_from(sorted(scores)))
    found = summarise({**scores, gone: None}, {"b"}, FAMILIES, dict.fromkeys("abcd", True))
    assert (found.mean, found.family_macro, found.worst, found.worst_language) == (None, None, None, None)
    if gone != "b":
        assert found.without_sources is None
    if gone in "abcd":
        assert found.seen is None


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0, 1), min_size=1), st.randoms())
def test_the_order_of_languages_does_not_matter(scores, random):
    other = list(scores.items())
    random.shuffle(other)
    one, two = (summarise(given, {"a"}, FAMILIES, {}) for given in (scores, dict(other)))
    assert one.mean == pytest.approx(two.mean)
    assert one.family_macro == pytest.approx(two.family_macro)
    assert one.worst == two.worst


def test_a_large_family_counts_once_among_families():
    found = summarise({"a": 0.9, "b": 0.9, "c": 0.9, "d": 0.1}, {"a"}, FAMILIES, {"a": True, "d": False})
    assert found.mean == pytest.approx(0.7)
    assert found.family_macro == pytest.approx(0.5)
    assert found.without_sources == pytest.approx((0.9 + 0.9 + 0.1) / 3)
    assert (found.seen, found.unseen, found.unknown) == (0.9, 0.1, 2)
    assert (found.worst_language, found.worst) == ("d", 0.1)


def summary(score):
    return summarise({"a": score, "d": score}, set(), FAMILIES, {})


def test_silver_labels_stay_out_of_the_headline():
    found = headline(
        {"ner": summary(0.5), "panx": summary(0.9), "xnli": summary(0.7)},
        {"ner": Provenance.NATIVE, "panx": Provenance.SILVER, "xnli": Provenance.HUMAN_TRANSLATED},
    )
    assert found.mean == pytest.approx(0.6)
    assert found.worst == pytest.approx(0.6)
    assert found.left_out == {"panx": Provenance.SILVER}


def test_synthetic_texts_count_only_where_there_is_nothing_else():
    alone = headline({"x": summary(0.5), "y": summary(0.7)}, dict.fromkeys("xy", Provenance.SYNTHETIC))
    assert (alone.mean, alone.left_out) == (pytest.approx(0.6), {})
    mixed = headline({"x": summary(0.5), "y": summary(0.7)}, {"x": Provenance.NATIVE, "y": Provenance.SYNTHETIC})
    assert (mixed.mean, mixed.left_out) == (pytest.approx(0.5), {"y": Provenance.SYNTHETIC})
    silver = headline({"x": summary(0.5)}, {"x": Provenance.SILVER})
    assert (silver.mean, silver.left_out) == (None, {"x": Provenance.SILVER})


def test_an_incomplete_task_leaves_no_headline_unless_it_was_out_anyway():
    gone = summarise({"a": 0.5, "d": None}, set(), FAMILIES, {})
    native = {"x": Provenance.NATIVE, "y": Provenance.NATIVE}
    assert headline({"x": summary(0.5), "y": gone}, native).mean is None
    assert headline({"x": summary(0.5), "y": gone}, native | {"y": Provenance.SILVER}).mean == 0.5


def test_a_mean_of_nothing_is_no_number():
    assert mean([]) is None
    assert mean([0.0, None]) is None
    assert mean([0.0, 1.0]) == 0.5


@pytest.mark.parametrize(
    ("printed", "scores", "fault"),
    [
        # MLQA F1 of XLM-R large, en es de ar hi vi zh: hi is 62.9 in the table of ERNIE-M and 69.2 in fairseq's
        (70.7, (80.6, 74.1, 68.5, 63.1, 62.9, 71.3, 68.0), True),
        (70.7, (80.6, 74.1, 68.5, 63.1, 69.2, 71.3, 68.0), False),
        (50.0, (49.9, 49.9), False),
        (50.0, (49.8, 49.8), True),
    ],
)
def test_a_printed_average_that_cannot_be_the_mean_is_a_fault(printed, scores, fault):
    assert contradicts(printed, scores) is fault


def test_the_published_tables_contradict_themselves_twice(real_data):
    file = real_data / "published" / "scores.csv"
    if not file.is_file():
        pytest.skip("no published scores in the folder of real data")
    rows = defaultdict(dict)
    with file.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            name = tuple(value for key, value in row.items() if key not in ("target_lang", "score"))
            rows[name][row["target_lang"]] = float(row["score"])
    tables = [(name, printed, list(found.values())) for name, found in rows.items()
              if (printed := found.pop("avg", None)) is not None and found]  # fmt: skip
    faults = {name[1:4] for name, printed, scores in tables if contradicts(printed, scores)}
    assert len(tables) > 100
    assert faults == {
        ("MLQA", "F1", "XLM-R Large (XLM-R paper, hi F1 differs from fairseq README)"),
        ("XQuAD", "F1", "XLM-R Base (Paper)"),
    }
