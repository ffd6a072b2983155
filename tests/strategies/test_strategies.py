"""What a strategy trains on, starts from and touches."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data.examples import Corpus, LabelledText
from harness.errors import HarnessError
from harness.spec import Job, ModelSpec, TaskSpec, Training
from harness.strategies.base import STRATEGIES
from harness.sweep import build
from harness.sweep.options import Options

TASK = TaskSpec("t", "nli", {"eng": "en", "deu": "de", "fin": "fi"}, labels=("a", "b"))


def job(strategy, sources, targets=("fin",), **fields):
    return Job(TASK, TASK, ModelSpec("m", "tiny"), strategy, sources, targets, 0, Training(epochs=1), **fields)


def corpus(language, n):
    items = tuple(LabelledText(f"{i}", f"t:{i // 3}", f"{language} {i}", None, "ab"[i % 2]) for i in range(n))
    return Corpus("t", language, "train", items, language)


def load_of(sizes):
    return lambda task, language, split: corpus(language, sizes[language])


def test_zero_shot_trains_on_all_of_its_source_and_touches_no_target_label():
    strategy = STRATEGIES["zero_shot"]
    (found,) = strategy.corpora(job("zero_shot", ("eng",)), load_of({"eng": 30}))
    assert (found.language, len(found), strategy.touches) == ("eng", 30, "none")


def test_a_limit_keeps_the_first_groups_and_a_size_the_same_items_in_every_language():
    load = load_of({"eng": 30, "deu": 30})
    strategy = STRATEGIES["zero_shot"]
    (limited,) = strategy.corpora(job("zero_shot", ("eng",), limit=2), load)
    assert [item.id for item in limited] == ["0", "1", "2", "3", "4", "5"]
    sized = [strategy.corpora(job("zero_shot", (source,), size=7), load)[0] for source in ("eng", "deu")]
    assert [item.id for item in sized[0]] == [item.id for item in sized[1]]
    assert len(sized[0]) == 7


def test_a_size_that_is_not_there_is_an_error():
    with pytest.raises(HarnessError, match="31"):
        STRATEGIES["zero_shot"].corpora(job("zero_shot", ("eng",), size=31), load_of({"eng": 30}))


@given(st.lists(st.integers(8, 60), min_size=2, max_size=4), st.one_of(st.none(), st.integers(4, 8)))
def test_several_sources_share_the_budget_of_one_evenly(sizes, size):
    names = ("eng", "deu", "fin", "swh")[: len(sizes)]
    load = load_of(dict(zip(names, sizes, strict=True)))
    found = STRATEGIES["multi_source"].corpora(job("multi_source", names, size=size), load)
    shares = [len(one) for one in found]
    assert sum(shares) == (min(sizes) if size is None else size)
    assert max(shares) - min(shares) <= 1
    items = [item.id for one in found for item in one]
    if len(set(sizes)) == 1:  # a parallel set: as many distinct items as one source would bring
        assert len(set(items)) == len(items)


def test_several_sources_refuse_a_size_that_one_of_them_does_not_have():
    load = load_of({"eng": 60, "deu": 30})
    with pytest.raises(HarnessError, match="50 examples asked for, but deu"):
        STRATEGIES["multi_source"].corpora(job("multi_source", ("eng", "deu"), size=50, balance="each"), load)


def test_with_each_every_source_brings_the_whole_budget():
    load = load_of({"eng": 30, "deu": 20})
    found = STRATEGIES["multi_source"].corpora(job("multi_source", ("eng", "deu"), balance="each"), load)
    assert [len(one) for one in found] == [20, 20]


def test_few_shot_is_one_job_a_target_and_goes_on_from_the_zero_shot_weights(tmp_path):
    strategy = STRATEGIES["few_shot"]
    few = job("few_shot", ("eng",), ("deu", "eng", "fin"), shots=5, few_shot=Training(steps=3))
    parts = strategy.split(few)
    assert [part.targets for part in parts] == [("deu",), ("fin",)]  # the source has no shots of its own
    (base,) = strategy.bases(parts[0])
    assert base == replace(few, strategy="zero_shot", shots=0, few_shot=None, targets=("deu",))
    assert strategy.training(parts[0]) == Training(steps=3)
    assert strategy.start(parts[0], (tmp_path,), tmp_path / "draft") == tmp_path
    assert strategy.touches == "k"


def test_few_shots_are_the_same_items_in_every_target_and_change_with_the_seed():
    load = load_of({"deu": 40, "fin": 40})
    strategy = STRATEGIES["few_shot"]

    def shots(target, seed):
        few = replace(job("few_shot", ("eng",), (target,), shots=6, few_shot=Training(steps=1)), seed=seed)
        return [item.id for item in strategy.corpora(few, load)[0]]

    assert shots("deu", 0) == shots("fin", 0)
    assert shots("deu", 0) != shots("deu", 1)


def test_few_shot_on_several_sources_starts_from_their_joint_weights():
    (base,) = STRATEGIES["few_shot"].bases(job("few_shot", ("deu", "eng"), shots=5, few_shot=Training(steps=1)))
    assert base.strategy == "multi_source"


def test_the_shipped_yaml_names_every_strategy():
    assert list(STRATEGIES) == list(Options().names("strategy"))
    assert build.construct(Training, Options().read("strategy", "few_shot")["training"], "few_shot").steps
