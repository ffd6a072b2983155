"""Configurations that are put together from few compositions are those that Hydra composes one by one."""

import pytest

from harness.sweep.combined import _assembled, _each, combined
from harness.sweep.compose import sweep
from harness.sweep.folding import dimensions_of, fold
from harness.sweep.hydra_compose import composer

TOGETHER = {
    "groups and values": ("task=mini_ner,mini_pos", "model=lexical,tiny", "source=eng,deu", "train.epochs=3,4"),
    "values of many kinds": ("model=lexical,majority", "source=[eng],eng", "target=[deu,fin],all", "size=1,1.0,null"),
    "an experiment": ("+experiment=demo", "seed=0,1"),
    "values that refer to one that is not swept": ("tracking=mlflow,none", "+model.extra=${source}", "results=here"),
    "a new key of every model": ("model=lexical,tiny", "+model.extra=1", "strategy=zero_shot,few_shot"),
}  # fmt: skip
ONE_BY_ONE = {
    "a value that refers to a swept one": ("+model.extra=${seed}", "seed=1,2"),
    "mappings": ("train={epochs: 3},{epochs: 4}",),
    "a swept new key": ("+model.extra=1,2",),
}


def both(overrides, config_dir=None):
    with composer(config_dir, overrides) as composing:
        dimensions = fold(dimensions_of(overrides, composing), composing)
        together = _assembled(dimensions, composing)
        return together and list(together), list(_each(dimensions, composing))


@pytest.mark.parametrize("overrides", TOGETHER.values(), ids=TOGETHER)
def test_what_is_put_together_is_what_hydra_composes(overrides):
    together, each = both(overrides)
    assert repr(together) == repr(each)  # 1 is not true, and the order of keys is Hydra's


@pytest.mark.parametrize("overrides", ONE_BY_ONE.values(), ids=ONE_BY_ONE)
def test_what_depends_on_what_is_swept_is_composed_one_by_one(overrides):
    together, each = both(overrides)
    assert together is None
    assert len(each) == 2


def test_an_option_that_changes_more_than_its_own_part_is_composed_one_by_one(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "far.yaml").write_text("# @package _global_\nmodel: {family: lexical}\nextra: 7\n")
    (tmp_path / "model" / "heir.yaml").write_text("defaults: [lexical]\nthreads: 3\n")
    for name in ("far", "heir"):
        overrides = ("task=mini_ner,mini_pos", f"model=lexical,{name}", "source=eng,deu")
        together, each = both(overrides, str(tmp_path))
        assert together is None
        with composer(str(tmp_path), overrides) as composing:
            found = list(combined(fold(dimensions_of(overrides, composing), composing), composing))
        assert repr(found) == repr(each)
        extra = [None, None, 7, 7] * 2 if name == "far" else [None] * 8
        assert [one.config.get("extra") for one in found] == extra


def test_configurations_share_what_they_have_in_common():
    composed = sweep(["model=lexical,majority", "seed=1,2", "tracking=none"], multirun=True).composed
    assert composed[0].config["task"] is composed[3].config["task"]
    assert composed[0].config["model"] is composed[1].config["model"]
    assert [one.config["seed"] for one in composed] == [1, 2, 1, 2]


def test_the_overrides_of_a_configuration_compose_to_it():
    asked = sweep(["model=lexical,majority", "source=eng,deu,fin", "seed=0,1", "tracking=none"], multirun=True)
    assert asked.overrides({7, 0}) == [
        ["model=lexical", "source=eng", "seed=0", "tracking=none"],
        ["model=majority", "source=eng", "seed=1", "tracking=none"],
    ]
    every = asked.overrides(range(12))
    assert [sweep(one, multirun=False).composed[0].config for one in every] == [one.config for one in asked.composed]
