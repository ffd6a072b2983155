"""Every aggregate of a board by an independent few lines, from the scores alone."""

from __future__ import annotations

from itertools import chain
from statistics import mean

import numpy as np
import pytest

from harness.board import board as suite_board
from harness.languages import language
from harness.report.gathered import gather
from harness.storage.store import Store
from harness.suites import read_suite
from harness.sweep.options import Options
from harness.tables import stored
from tests.report.stores import put

OPTIONS = Options()
METRICS = {
    "mini_nli": ("accuracy",),
    "mini_ner": ("span_f1|mode:strict|scheme:IOB2",),
    "mini_pos": ("accuracy",),
    "mini_qa": ("squad_em", "squad_f1"),
    "mini_retrieval": ("retrieval_accuracy|direction:both",),
}
SUITE = read_suite("mini", OPTIONS)
SOURCES = ("eng", "deu")
MODELS = ("a", "b", "c")


def languages(task, source):
    return [code for code in SUITE.tasks[task].languages if task != "mini_retrieval" or code != source]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Three models from two sources on all of mini; right answers of twenty, by model, source, task and language."""
    store, rng = Store(tmp_path_factory.mktemp("store") / "results"), np.random.default_rng(0)
    right = {
        (model, source, task, code): int(rng.integers(2, 19))
        for model in MODELS for source in SOURCES for task in ("mini_nli", "mini_pos")
        for code in languages(task, source)
    }  # fmt: skip
    for model in MODELS:
        for source in SOURCES:
            for task in ("mini_nli", "mini_pos"):
                cells = {code: [1] * n + [0] * (20 - n) for code in languages(task, source)
                         for n in [right[model, source, task, code]]}  # fmt: skip
                put(store, cells, task, model=model, sources=(source,), metrics=METRICS[task], every=2)
    score = {key: n / 20 for key, n in right.items()}
    return store, score, gather([store.root], OPTIONS, paired=False)


def each(report):
    (board,) = report.boards
    for model in MODELS:
        for source in SOURCES:
            yield board, f"{model}.{source}", model, source


def test_means_over_languages(whole):
    _, score, report = whole
    for board, entry, model, source in each(report):
        for task in board.tasks:
            mine = {code: score[model, source, task, code] for code in languages(task, source)}
            over = board.tasks[task].over[entry]
            families = {language(code).family for code in mine}
            ordered = sorted(mine.values())
            assert over.mean == pytest.approx(mean(mine.values()))
            assert over.transfer == pytest.approx(mean(value for code, value in mine.items() if code != source))
            assert over.gap == pytest.approx(mine[source] - over.transfer)
            assert over.family_macro == pytest.approx(
                mean(mean(v for c, v in mine.items() if language(c).family == family) for family in families)
            )
            assert over.worst == mine[over.worst_language] == ordered[0]
            assert over.worst_decile == pytest.approx(mean(ordered[:2]))  # a tenth of 16, rounded up
            assert over.seen == pytest.approx(mean(mine[code] for code in ("eng", "deu")))
            assert over.unseen == pytest.approx(mean(v for c, v in mine.items() if c not in ("eng", "deu")))
            assert (over.have, over.want, over.missing) == (16, 16, ())


def test_the_score_is_of_the_targets_that_nobody_was_trained_on(whole):
    _, score, report = whole
    expected = {}
    for board, entry, model, source in each(report):
        expected[entry] = mean(
            mean(score[model, source, task, code] for code in languages(task, source) if code not in SOURCES)
            for task in board.tasks
        )
    (board,) = report.boards
    assert {one.entry: one.score for one in board.standings} == pytest.approx(expected)
    plain = {entry: round(value, 9) for entry, value in expected.items()}  # two of them are equal
    assert [one.entry for one in board.standings] == sorted(plain, key=lambda entry: (-plain[entry], entry))
    assert {one.entry: one.rank for one in board.standings} == {
        entry: 1 + sum(other > value for other in plain.values()) for entry, value in plain.items()
    }
    assert "14 of mini_pos, 14 of mini_nli; trained on: deu, eng" in board.ranked_by


def test_standings_over_tasks(whole):
    _, score, report = whole
    cells = [(task, code) for task in ("mini_nli", "mini_pos") for code in languages(task, "") if code not in SOURCES]
    for board, entry, model, source in each(report):
        one = next(it for it in board.standings if it.entry == entry)
        overs = [board.tasks[task].over[entry] for task in board.tasks]
        mine = [score[model, source, *cell] for cell in cells]
        others = [[score[m, s, *cell] for cell in cells] for m in MODELS for s in SOURCES if (m, s) != (model, source)]
        wins = [1.0 if a > b else 0.5 if a == b else 0.0 for other in others for a, b in zip(mine, other, strict=True)]
        assert one.win_rate == pytest.approx(mean(wins))
        assert one.family_macro == pytest.approx(mean(over.family_macro for over in overs))
        assert one.gap == pytest.approx(mean(over.gap for over in overs))
        assert one.worst == min(over.worst for over in overs)
        assert (one.have, one.want) == (32, 32)
        assert one.overall is None  # three tasks of the suite were not run
        assert one.borda_low <= one.borda_rank <= one.borda_high


def test_borda_points_are_of_the_same_targets(whole):
    _, score, report = whole
    (board,) = report.boards
    expected = dict.fromkeys((one.entry for one in board.standings), 0.0)
    for task in board.tasks:
        means = {f"{m}.{s}": mean(score[m, s, task, code] for code in languages(task, "") if code not in SOURCES)
                 for m in MODELS for s in SOURCES}  # fmt: skip
        for entry, value in means.items():
            expected[entry] += sum(value > other for other in means.values()) + 0.5 * sum(
                value == other for name, other in means.items() if name != entry
            )
    assert {one.entry: one.borda for one in board.standings} == pytest.approx(expected)


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    """Two models on the whole suite from one source."""
    store, rng = Store(tmp_path_factory.mktemp("suite") / "results"), np.random.default_rng(2)
    for model in ("a", "b"):
        for task, metrics in METRICS.items():
            cells = {code: int(rng.integers(1, 10)) for code in languages(task, "eng")}
            put(store, cells, task, model=model, metrics=metrics, trained=task != "mini_retrieval")
    return store, gather([store.root], OPTIONS, paired=False)


def test_the_suite_s_own_average_is_the_board_s_of_harness_scores(suite):
    store, report = suite
    (board,) = report.boards
    rows = {row.run.model: row for row in suite_board(store, SUITE, stored(store.root, OPTIONS), OPTIONS).rows}
    for one in board.standings:
        model = report.entries[one.entry].model
        assert one.overall == pytest.approx(rows[model].scores.overall)
        assert one.score == one.overall
        assert board.tasks["mini_qa"].over[one.entry].mean == pytest.approx(rows[model].scores.tasks["mini_qa"].score)
    assert board.ranked_by.startswith("average of mini by its own rule")
    assert board.tasks["mini_qa"].metric == "squad_em + squad_f1"
    assert [one.rank for one in board.standings] == [1, 2]


def test_a_missing_language_makes_no_mean_and_no_rank(tmp_path):
    store = Store(tmp_path / "results")
    put(store, {"eng": 5, "deu": 5, "fin": 5})
    put(store, {"eng": 9, "deu": 9}, model="short")
    put(store, {"eng": 9}, model="one")
    (board,) = gather([store.root], OPTIONS, paired=False).boards
    over = board.tasks["mini_nli"].over["short.eng"]
    assert (over.mean, over.worst, over.worst_decile, over.family_macro) == (None, None, None, None)
    assert (over.have, over.want, "fin" in over.missing) == (2, 16, True)
    # `one` has less than half of the fullest: it does not take Finnish and German from the others
    assert "1 of mini_nli" in board.ranked_by
    assert {one.entry: (one.rank, one.score) for one in board.standings} == {
        "short.eng": (1, 0.9), "mine.eng": (2, 0.5), "one.eng": (None, None),
    }  # fmt: skip


def test_family_macro_worst_and_gap_leave_silver_labels_out(tmp_path):
    store = Store(tmp_path / "results")
    suite = read_suite("xtreme", OPTIONS)
    put(store, dict.fromkeys(suite.tasks["pawsx"].languages, 5), "pawsx")
    put(store, dict.fromkeys(suite.tasks["panx"].languages, 2), "panx", metrics=suite.tasks["panx"].metrics)
    board = next(one for one in gather([store.root], OPTIONS, paired=False).boards if one.suite == "xtreme")
    (one,) = board.standings
    assert (one.worst, one.family_macro) == (0.5, 0.5)
    assert any("without panx (silver)" in note for note in one.notes)
    assert one.groups == {"classification": None, "tagging": None, "qa": None, "retrieval": None}


def test_every_score_is_in_the_report_once(whole):
    _, score, report = whole
    (board,) = report.boards
    found = {
        (*entry.split("."), task, code): one.value
        for task, tabled in board.tasks.items()
        for entry, scores in tabled.scores.items()
        for code, one in scores.items()
    }  # fmt: skip
    assert found == pytest.approx(score)
    assert len(list(chain.from_iterable(t.scores for t in board.tasks.values()))) == 12
