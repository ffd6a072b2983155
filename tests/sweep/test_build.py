import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.spec import ModelSpec, Provenance, TaskSpec, Training
from harness.sweep import build
from harness.sweep.options import Options

NODE = {"type": "ner", "languages": ["de", "zh_CN"], "labels": ["PER"], "splits": {"train": "train"}}
OPTIONS = Options()


def test_languages_become_canonical_and_keep_the_data_sets_spelling():
    assert build.task("x", NODE, OPTIONS).languages == {"deu": "de", "zho-Hans": "zh_CN"}


def test_a_language_that_stands_twice_is_an_error():
    with pytest.raises(HarnessError, match="'de' and 'German' are one language, deu"):
        build.task("x", {**NODE, "languages": ["de", "German"]}, OPTIONS)


def test_an_unknown_field_is_answered_with_the_nearest():
    with pytest.raises(HarnessError, match="unknown field 'lables': did you mean 'labels'"):
        build.task("x", {**NODE, "lables": []}, OPTIONS)


@pytest.mark.parametrize(
    ("field", "value", "wanted"),
    [
        ("labels", "PER", "a list"),
        ("splits", ["train"], "a mapping"),
        ("version", "two", "int"),
        ("files", "x", "a mapping"),
    ],
)
def test_a_value_of_another_type_is_named(field, value, wanted):
    with pytest.raises(HarnessError, match=f"field '{field}': expected {wanted}"):
        build.task("x", {**NODE, field: value}, OPTIONS)


def test_an_unknown_provenance_lists_the_known():
    with pytest.raises(HarnessError, match="field 'provenance': 'nativ' is none of native, human_translated"):
        build.task("x", {**NODE, "provenance": "nativ"}, OPTIONS)
    with pytest.raises(HarnessError, match="field 'checked': True is none of full, sample, format_only"):
        build.task("x", {**NODE, "checked": True}, OPTIONS)


def test_a_field_that_is_missing_is_named():
    with pytest.raises(HarnessError, match="task x: field 'type' is missing"):
        build.task("x", {}, OPTIONS)
    with pytest.raises(HarnessError, match="task x, field 'files': field 'reader' is missing"):
        build.task("x", {**NODE, "files": {"path": "a.txt"}}, OPTIONS)


@given(st.sampled_from(list(Provenance)))
def test_every_provenance_is_read(provenance):
    assert build.task("x", {**NODE, "provenance": provenance.value}, OPTIONS).provenance is provenance


TASK = TaskSpec("t", "ner", {}, protocol={"epochs": 10, "learning_rate": 2e-5, "batch_size": 32, "max_length": 128})


def numbers(model=None, overrides=None):
    spec = ModelSpec("m", "tiny", training=model or {})
    return build.training(TASK, spec, overrides or {}, "last")


def test_the_models_numbers_replace_the_tasks_and_the_users_replace_both():
    assert numbers() == Training(epochs=10, learning_rate=2e-5, batch_size=32)
    assert numbers({"learning_rate": 1e-3}).learning_rate == 1e-3
    assert numbers({"learning_rate": 1e-3}, {"learning_rate": "5e-4"}).learning_rate == 5e-4


def test_steps_replace_epochs_and_the_reverse():
    assert (numbers({"steps": 50}).steps, numbers({"steps": 50}).epochs) == (50, None)
    assert (numbers({"steps": 50}, {"epochs": 2}).steps, numbers({"steps": 50}, {"epochs": 2}).epochs) == (None, 2)


def test_an_override_that_is_null_overrides_nothing():
    assert numbers(overrides={"epochs": None, "steps": None}) == numbers()


def test_an_encoder_without_a_name_is_called_after_its_checkpoint():
    assert build.model("encoder", {"family": "encoder", "checkpoint": "/models/mine/"}, TASK).name == "mine"
    preset = {"family": "encoder", "checkpoint": "FacebookAI/xlm-roberta-base"}
    assert build.model("xlmr_base", preset, TASK).name == "xlmr_base"


def test_rows_are_as_long_as_the_protocol_says_unless_the_model_says_otherwise():
    answering = TaskSpec("q", "qa", {}, protocol={"max_length": 384})
    assert build.model("m", {"family": "tiny", "max_length": None}, answering).max_length == 384
    assert build.model("m", {"family": "tiny", "max_length": 64}, answering).max_length == 64
    assert build.model("m", {"family": "tiny"}, TaskSpec("r", "retrieval", {})).max_length == 128


def test_seen_languages_are_named_or_members_of_a_set():
    assert build.seen(["German", "swh", "deu"], OPTIONS) == ("deu", "swh")
    cc100 = build.seen(["cc100"], OPTIONS)
    assert set(build.seen(["cc100", "Bambara"], OPTIONS)) - set(cc100) == {"bam"}
    with pytest.raises(HarnessError, match="unknown language 'cc1000'"):
        build.seen(["cc1000"], OPTIONS)


@pytest.mark.parametrize(
    ("name", "many", "among", "not_among"),
    [
        ("xlmr_base", 94, "swh", "yor"),
        ("xlmr_large", 94, "zho-Hant", "bam"),
        ("infoxlm", 94, "gle", "hat"),
        ("mdeberta", 94, "xho", "yor"),
        ("minilm", 94, "amh", "ibo"),
        ("e5_base", 94, "san", "zul"),
        ("mbert", 104, "yor", "amh"),
        ("labse", 109, "bod", "bam"),
        ("rembert", 103, "yor", "wol"),
    ],
)
def test_a_model_says_what_it_has_seen(name, many, among, not_among):
    spec = build.model(name, OPTIONS.read("model", name), TASK, OPTIONS)
    assert len(spec.seen) == many
    assert among in spec.seen
    assert not_among not in spec.seen
