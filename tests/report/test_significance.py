"""Marks, intervals and pairs against direct computations: paired differences by group, Holm, and a bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t
from statsmodels.stats.multitest import multipletests

from harness.errors import HarnessError
from harness.report.gathered import gather
from harness.report.influences import Influences
from harness.report.pairs import pairs
from harness.report.significance import not_worse
from harness.report.values import Score, TaskBoard
from harness.spec import Provenance
from harness.stats.bootstrap import weights
from harness.storage.store import Store
from harness.suites import read_suite
from harness.sweep.options import Options
from tests.report.stores import put

OPTIONS = Options()
NLI = "mini_nli"
LANGUAGES = ("deu", "eng", "fin", "swh")
EVERY = 3  # examples a group
SKILL = {"a": 0.72, "b": 0.69, "c": 0.62, "d": 0.45}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Four models on parallel groups, one of them with two seeds, and a floor; outcomes by model, language and seed."""
    store, rng = Store(tmp_path_factory.mktemp("store") / "results"), np.random.default_rng(5)
    hard = rng.normal(0, 0.15, 80).repeat(EVERY)  # of a group, alike in every language and for every model
    right = {}
    for model, skill in SKILL.items():
        for seed in (1, 2) if model == "b" else (1,):
            for i, code in enumerate(LANGUAGES):
                right[model, code, seed] = (rng.random(240) < skill - 0.04 * i + hard).astype(int)
            cells = {code: right[model, code, seed].tolist() for code in LANGUAGES}
            put(store, cells, model=model, seed=seed, every=EVERY)
    put(store, dict.fromkeys(LANGUAGES, [1] * 240), model="majority", family="majority", every=EVERY)
    return store, right, gather([store.root], OPTIONS)


def seeds(right, model, code):
    return [found for (m, c, _), found in right.items() if (m, c) == (model, code)]


def by_group(right, model, code):
    """The score of each group (all are of one size), the mean over the seeds."""
    return np.mean([found.reshape(-1, EVERY).mean(axis=1) for found in seeds(right, model, code)], axis=0)


def error_of_difference(right, one, other, code):
    difference = by_group(right, one, code) - by_group(right, other, code)
    variance = difference.var(ddof=1) / len(difference)
    for model in (one, other):
        means = [found.mean() for found in seeds(right, model, code)]
        variance += np.var(means, ddof=1) / len(means) if len(means) > 1 else 0
    return np.sqrt(variance)


def test_the_level_is_of_paired_differences_by_holm(made):
    _, right, report = made
    (board,) = report.boards
    sizes = set()
    for code in LANGUAGES:
        means = {model: by_group(right, model, code).mean() for model in SKILL}
        best = max(means, key=means.__getitem__)
        others = [model for model in SKILL if model != best]
        p = [t.sf((means[best] - means[m]) / error_of_difference(right, best, m, code), 79) for m in others]
        rejected = multipletests(p, 0.05, "holm")[0]
        expected = {best, *(model for model, out in zip(others, rejected, strict=True) if not out)}
        assert board.tasks[NLI].level[code] == {f"{model}.eng" for model in expected}
        sizes.add(len(expected))
    assert sizes != {4}  # some are worse
    assert sizes != {1}


def test_many_rivals_are_not_worse_where_each_alone_would_be():
    rng = np.random.default_rng(1)
    values = rng.normal(0, 0.01, (7, 200))
    error = np.sqrt(((values[1:] - values[0]) ** 2).sum(axis=1))
    behind = [0.0, *(t.isf(0.03, 199) * error)]  # p = 0.03 each
    entries = tuple("abcdefg")

    def level(number):
        board = TaskBoard(
            "t", "nli", "accuracy", Provenance.NATIVE, ("deu",), {}, {},
            {e: {"deu": Score(0.8 - lost, None, None, None, 200, ())} for e, lost in zip(entries, behind, strict=True)},
            {}, {},
        )  # fmt: skip
        found = Influences(
            "deu",
            entries[:number],
            np.arange(200).astype(str),
            values[:number],
            tuple((0.0,) for _ in range(number)),
            {},
        )
        return not_worse(board, found, entries)

    assert level(2) == {"a"}
    assert level(7) == set(entries)


def test_floors_are_neither_best_nor_level(made):
    _, _, report = made
    task = report.boards[0].tasks[NLI]
    assert task.floor["deu"] == 1.0
    assert all("majority.eng" not in level for level in task.level.values())


def test_pairs_are_errors_of_the_differences(made):
    _, right, report = made
    found = list(pairs(report, "mini.zero_shot", NLI))
    assert [one.language for one in found] == ["deu", "eng", "fin", "swh"]
    for one in found:
        for i, a in enumerate(one.entries):
            for j, b in enumerate(one.entries):
                names = a.split(".")[0], b.split(".")[0]
                if "majority" not in names:
                    expected = 0.0 if i == j else error_of_difference(right, *names, one.language)
                    assert one.error[i, j] == pytest.approx(expected, abs=1e-6)


def test_pairs_of_what_is_not_there_say_what_is(made):
    _, _, report = made
    with pytest.raises(HarnessError, match=r"board 'mini\.zero': did you mean 'mini\.zero_shot'"):
        list(pairs(report, "mini.zero", NLI))
    with pytest.raises(HarnessError, match="task 'mini_qa'"):
        list(pairs(report, "mini.zero_shot", "mini_qa"))


def test_intervals_of_means_share_the_groups_of_parallel_languages(made):
    _, right, report = made
    task = report.boards[0].tasks[NLI]
    drawn = weights(list(range(80)), 4000, 1).astype(float)  # one draw of groups for all languages
    for model in ("a", "c"):
        grouped = np.mean([by_group(right, model, code) for code in LANGUAGES], axis=0)
        replicates = drawn @ grouped / 80
        over = task.over[f"{model}.eng"]
        assert over.mean is None  # twelve languages of the suite are missing
        assert (over.low, over.high) == (None, None)
        apart = np.sqrt(sum(by_group(right, model, code).var(ddof=1) / 80 for code in LANGUAGES)) / 4
        assert replicates.std() > 1.1 * apart  # what a draw for each language would say is too narrow
        one = next(it for it in report.boards[0].standings if it.entry == f"{model}.eng")
        targets = ("deu", "fin", "swh")  # English was trained on
        shared = np.mean([by_group(right, model, code) for code in targets], axis=0)
        assert one.score == pytest.approx(shared.mean())
        assert (one.high - one.low) / 2 == pytest.approx(1.96 * shared.std(ddof=1) / np.sqrt(80), rel=1e-3)
        assert one.high - one.low == pytest.approx(
            np.diff(np.quantile(drawn @ shared / 80, [0.025, 0.975]))[0], rel=0.06
        )


def test_a_mean_over_seeds_is_as_uncertain_as_its_seeds_too(made):
    _, right, report = made
    one = next(it for it in report.boards[0].standings if it.entry == "b.eng")
    targets = ("deu", "fin", "swh")
    shared = np.mean([by_group(right, "b", code) for code in targets], axis=0)
    of_seeds = np.mean([[found.mean() for found in seeds(right, "b", code)] for code in targets], axis=0)
    variance = shared.var(ddof=1) / 80 + of_seeds.var(ddof=1) / 2
    assert (one.high - one.low) / 2 == pytest.approx(1.96 * np.sqrt(variance), rel=1e-3)


def test_tasks_were_trained_apart_so_that_their_seeds_vary_apart(tmp_path):
    store = Store(tmp_path / "results")
    right = {1: (5, 9), 2: (7, 4), 3: (8, 6)}  # by seed, of ten, in each task; every language alike
    for seed, counts in right.items():
        for task, count in zip((NLI, "mini_pos"), counts, strict=True):
            outcomes = [1] * count + [0] * (10 - count)
            put(
                store,
                {code: [outcomes[(i + seed) % 10] for i in range(10)] for code in ("deu", "fin")},
                task,
                seed=seed,
            )
    (one,) = gather([store.root], OPTIONS).boards[0].standings
    of_examples = []
    for place in (0, 1):
        outcomes = [[1] * counts[place] + [0] * (10 - counts[place]) for counts in right.values()]
        shifted = [[one[(i + seed) % 10] for i in range(10)] for seed, one in zip(right, outcomes, strict=True)]
        of_examples.append(np.mean(shifted, axis=0).var(ddof=1) / 10)
    of_seeds = [np.var([counts[place] / 10 for counts in right.values()], ddof=1) / 3 for place in (0, 1)]
    error = np.sqrt((sum(of_examples) + sum(of_seeds)) / 4)  # the groups of the tasks are others
    assert (one.high - one.low) / 2 == pytest.approx(1.96 * error, rel=1e-3)


def test_a_whole_task_has_an_interval_of_its_mean(tmp_path):
    store = Store(tmp_path / "results")
    languages = read_suite("mini", OPTIONS).tasks["mini_qa"].languages
    put(store, dict.fromkeys(languages, 6), metrics=("squad_em", "squad_f1"), task="mini_qa")
    over = gather([store.root], OPTIONS).boards[0].tasks["mini_qa"].over["mine.eng"]
    # every language is right on the same six groups of ten: the mean is as uncertain as any one of them
    assert over.mean == pytest.approx(0.6)
    assert over.high - over.mean == pytest.approx(1.96 * np.sqrt(0.24 / 9), rel=1e-3)


def test_an_interval_of_a_mean_ends_at_the_best_score_there_is(tmp_path):
    store = Store(tmp_path / "results")
    languages = read_suite("mini", OPTIONS).tasks["mini_qa"].languages
    put(store, dict.fromkeys(languages, 9), metrics=("squad_em", "squad_f1"), task="mini_qa")
    (board,) = gather([store.root], OPTIONS).boards
    for one in (board.tasks["mini_qa"].over["mine.eng"], board.standings[0]):
        assert one.low == pytest.approx(0.9 - 1.96 * 0.1, rel=1e-3)
        assert one.high == pytest.approx(1.0)
        assert one.high <= 1.0 + 1e-9


def test_a_missing_table_takes_marks_and_intervals_and_is_told(tmp_path):
    store = Store(tmp_path / "results")
    put(store, {"deu": 9, "fin": 3}, model="a")
    key = put(store, {"deu": 5, "fin": 5}, model="b")
    (store.folder(NLI, key) / "fin.examples.parquet").write_bytes(b"")
    (board,) = gather([store.root], OPTIONS).boards
    assert board.tasks[NLI].level["fin"] == frozenset()  # the best one's examples are not known
    assert "a.eng" in board.tasks[NLI].level["deu"]
    one = next(it for it in board.standings if it.entry == "b.eng")
    assert (one.low, one.rank) == (None, 2)
    (note,) = one.notes
    assert "mini_nli, fin: no mark and no interval, the examples are not those that the record was made with" in note
    assert (store.folder(NLI, key) / "fin.json").is_file()  # a report moves nothing


def test_without_tables_there_are_no_marks(made):
    store, _, _ = made
    (board,) = gather([store.root], OPTIONS, paired=False).boards
    assert board.tasks[NLI].level == {}
    assert all(one.low is None for one in board.standings)
