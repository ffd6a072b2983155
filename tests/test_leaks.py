"""No item, in whatever language or data set, is both trained on and tested on in any run."""

import itertools

import pytest

from harness.data.load import available, load
from harness.data.splits import check_disjoint
from harness.errors import DataError
from harness.sweep import build
from harness.sweep.options import Options

OPTIONS = Options()
TASKS = OPTIONS.names("task")


def spec(name):
    return build.task(name, OPTIONS.read("task", name), OPTIONS)


def groups(task, split, root):
    return {
        language: {example.group for example in load(task, language, split, root)}
        for language in available(task, split, root)
    }


@pytest.mark.parametrize("name", [name for name in TASKS if name.startswith("mini_")])
def test_the_embedded_benchmark_tests_on_groups_that_no_language_trains_on(name):
    task = spec(name)
    trained = set().union(*groups(task, "train", None).values()) if "train" in task.splits else set()
    tested = set().union(*groups(task, "test", None).values()) if "test" in task.splits else set()
    assert not trained & tested


def trains(name):
    task = spec(name)
    return bool(task.train or task.parts or "train" in task.splits)


@pytest.mark.parametrize("name", [name for name in TASKS if not name.startswith("mini_") and trains(name)])
def test_no_real_task_tests_on_a_group_that_it_or_the_task_it_trains_on_trains_on(name, real_data):
    task = spec(name)
    source = spec(task.train) if task.train else task
    trained = groups(source, "train", real_data)
    tested = groups(task, "test", real_data)
    for (one, train), (other, test) in itertools.product(trained.items(), tested.items()):
        assert not train & test, f"{name}: trained on {one}, tested on {other}"


def test_translated_sets_know_that_they_are_the_same_text(real_data):
    uner, pud = spec("uner"), spec("pud_pos")
    german = {example.group for example in load(uner, "deu", "test", real_data)}
    assert german & {example.group for example in load(pud, "deu", "test", real_data)}
    americas, korean = spec("americasnli"), spec("kornli")
    shared = groups(americas, "test", real_data)["ayr"] & groups(korean, "test", real_data)["kor"]
    assert shared


def test_a_leak_is_refused_with_the_group_that_leaked(real_data):
    task = spec("xnli_dev")
    train = load(task, "deu", "train", real_data)
    with pytest.raises(DataError, match="xnli-dev:"):
        check_disjoint(train, train)
