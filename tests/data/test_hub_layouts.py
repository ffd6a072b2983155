"""Data sets in the hub's own layout: README with configurations, Parquet, and the real features of each data set.

They load through the call that reads the hub, with ``task.hub.path`` set to the folder.
"""

from __future__ import annotations

import dataclasses

import pytest
import yaml

from harness.data import hub, sizes
from harness.data.load import available, fingerprint, load
from harness.errors import DataError
from harness.spec import Files, Hub, TaskSpec
from harness.sweep import build
from harness.sweep.options import Options

datasets = pytest.importorskip("datasets")
Value, ClassLabel, List = datasets.Value, datasets.ClassLabel, datasets.List
OPTIONS = Options()

TEXT = Value("string")
IOB = List(ClassLabel(names=["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]))
MISC = List(ClassLabel(names=["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MISC", "I-MISC"]))
TAGS = "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X"
UPOS = List(ClassLabel(names=TAGS.split()))
NLI = ClassLabel(names=["entailment", "neutral", "contradiction"])
ANSWERS = {"text": List(TEXT), "answer_start": List(Value("int32"))}
XTREME_QA = {"id": TEXT, "title": TEXT, "context": TEXT, "question": TEXT, "answers": ANSWERS}
WIKIANN = {"tokens": List(TEXT), "ner_tags": IOB, "langs": List(TEXT)}


def asked(id, title="Ulm", question="Wo?"):
    context = f"{title} liegt an der Donau."
    answers = {"text": ["an der Donau"], "answer_start": [context.index("an der")]}
    return {"id": id, "title": title, "context": context, "question": question, "answers": answers}


def tagged(tags, *words, **others):
    return {"tokens": list(words), tags[0]: tags[1], **others}


def hub_folder(root, configs):
    """A data set's folder: ``{configuration: {split: (features, rows)}}``."""
    said = []
    for config, splits in configs.items():
        files = []
        for split, (features, rows) in splits.items():
            data = datasets.Dataset.from_list(rows, datasets.Features(features))
            (root / config).mkdir(parents=True, exist_ok=True)
            data.to_parquet(root / config / f"{split}-00000-of-00001.parquet")
            files.append({"split": split, "path": f"{config}/{split}-*"})
        said.append({"config_name": config, "data_files": files})
    (root / "README.md").write_text(f"---\n{yaml.safe_dump({'configs': said})}---\n# A data set\n", encoding="utf-8")
    return root


@pytest.fixture(autouse=True)
def _offline(monkeypatch, tmp_path):
    monkeypatch.setattr(hub, "online", lambda: False)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "cache"))


def at(name, folder, **changes):
    """A task of the catalogue that reads the folder as the hub."""
    task = build.task(name, OPTIONS.read("task", name), OPTIONS)
    return dataclasses.replace(task, hub=dataclasses.replace(task.hub, path=str(folder), **changes))


PAIR = {"premise": TEXT, "hypothesis": TEXT, "label": NLI}
ULM = tagged(("ner_tags", [5, 0]), "Ulm", "liegt", langs=["de", "de"])
SPLIT_BY_LANGUAGE = {"words": List(TEXT), "ner": MISC}

# task: its configurations, changes to the task's `hub`, then language, split, number, and a field of the first
LAYOUTS = {
    "facebook/xnli": (
        "xnli",
        {"de": {"test": (PAIR, [{"premise": "a", "hypothesis": "b", "label": i} for i in (1, 0, 2)])}},
        {},
        ("deu", "test", 3, ("label", "neutral")),
    ),
    "facebook/xnli, all languages": (
        "xnli",
        {
            "all_languages": {
                "test": (
                    {
                        "premise": datasets.Translation(["de", "en"]),
                        "hypothesis": datasets.TranslationVariableLanguages(["de", "en"]),
                        "label": NLI,
                    },
                    [{"premise": {"de": "er", "en": "he"}, "hypothesis": {"de": "sie", "en": "she"}, "label": 2}] * 3,
                )
            }
        },
        {"config": "all_languages"},
        ("deu", "test", 3, ("second", "sie")),
    ),
    "google/xtreme XNLI": (
        "xnli",
        {
            "XNLI": {
                "test": (
                    {"language": TEXT, "sentence1": TEXT, "sentence2": TEXT, "gold_label": TEXT},
                    [
                        {"language": code, "sentence1": code, "sentence2": "x", "gold_label": "contradiction"}
                        for _ in range(3)
                        for code in ("ar", "de")
                    ],
                )
            }
        },
        {
            "config": "XNLI",
            "columns": {"first": "sentence1", "second": "sentence2", "label": "gold_label"},
            "where": {"language": "{code}"},
        },
        ("deu", "test", 3, ("first", "de")),
    ),
    "facebook/xnli for training": (
        "mnli",
        {"en": {"train": (PAIR, [{"premise": "a", "hypothesis": "b", "label": 1}])}},
        {},
        ("eng", "train", 1, ("label", "neutral")),
    ),
    "nyu-mll/multi_nli": (
        "mnli",
        {
            "default": {
                "train": (
                    {"promptID": Value("int32"), "pairID": TEXT, **PAIR, "genre": TEXT},
                    [
                        {
                            "promptID": 1,
                            "pairID": "1n",
                            "premise": "a",
                            "hypothesis": "b",
                            "label": 1,
                            "genre": "fiction",
                        }
                    ],
                )
            }
        },
        {"config": "default"},
        ("eng", "train", 1, ("label", "neutral")),
    ),
    "google-research-datasets/paws-x": (
        "pawsx",
        {
            "de": {
                "test": (
                    {"id": Value("int32"), "sentence1": TEXT, "sentence2": TEXT, "label": ClassLabel(names=["0", "1"])},
                    [{"id": 1, "sentence1": "a", "sentence2": "b", "label": 1}],
                )
            }
        },
        {},
        ("deu", "test", 1, ("label", "paraphrase")),
    ),
    "google/xtreme PAWS-X": (
        "pawsx",
        {
            "PAWS-X.de": {
                "validation": (
                    {"sentence1": TEXT, "sentence2": TEXT, "label": TEXT},
                    [{"sentence1": "a", "sentence2": "b", "label": "0"}],
                )
            }
        },
        {"config": "PAWS-X.{code}"},
        ("deu", "dev", 1, ("label", "different")),
    ),
    "google/xtreme PAN-X": (
        "panx",
        {"PAN-X.de": {"test": (WIKIANN, [ULM])}},
        {"config": "PAN-X.{code}"},
        ("deu", "test", 1, ("tags", ("B-LOC", "O"))),
    ),
    "unimelb-nlp/wikiann": (
        "wikiann",
        {"als": {"validation": ({**WIKIANN, "spans": List(TEXT)}, [{**ULM, "spans": ["LOC: Ulm"]}])}},
        {},
        ("gsw", "dev", 1, ("words", ("Ulm", "liegt"))),
    ),
    "google/xtreme udpos": (
        "udpos",
        {
            "udpos.Afrikans": {
                "test": ({"tokens": List(TEXT), "pos_tags": UPOS}, [tagged(("pos_tags", [7, 12]), "hond", ".")])
            }
        },
        {},
        ("afr", "test", 1, ("tags", ("NOUN", "PUNCT"))),
    ),
    "google/xtreme MLQA": (
        "mlqa",
        {
            "MLQA.de.de": {"validation": (XTREME_QA, [asked("q1")])},
            "MLQA.de.en": {"validation": (XTREME_QA, [asked("q2")])},
        },
        {},
        ("deu", "dev", 1, ("group", "mlqa:Ulm")),
    ),
    "google/xtreme MLQA, pairs": (
        "mlqa_cross",
        {f"MLQA.{pair}": {"test": (XTREME_QA, [asked("q1")])} for pair in ("de.de", "de.en", "en.de")},
        {},
        ("deu", "test", 2, ("id", "MLQA.de.de/q1")),
    ),
    "google/xtreme tydiqa": (
        "tydiqa",
        {"tydiqa": {"validation": (XTREME_QA, [asked(f"{name}-1-0") for name in ("bengali", "finnish")])}},
        {},
        ("fin", "test", 1, ("id", "finnish-1-0")),
    ),
    "google/xquad": (
        "xquad",
        {
            "xquad.de": {
                "validation": (
                    {key: feature for key, feature in XTREME_QA.items() if key != "title"},
                    [{key: value for key, value in asked("q1").items() if key != "title"}],
                )
            }
        },
        {},
        ("deu", "test", 1, ("id", "q1")),
    ),
    "rajpurkar/squad": (
        "squad",
        {"plain_text": {"train": (XTREME_QA, [asked("q1")])}},
        {},
        ("eng", "train", 1, ("group", "squad-dev:Ulm")),
    ),
    "universalner/universal_ner": (
        "uner",
        {
            config: {
                split: (
                    {"idx": TEXT, "text": TEXT, "tokens": List(TEXT), "ner_tags": IOB, "annotator": List(TEXT)},
                    [tagged(("ner_tags", [5]), config, idx="1", text=config, annotator=["a"])],
                )
                for split in splits
            }
            for config, splits in {
                "en_ewt": ("train", "test"),
                "en_pud": ("test",),
                "de_pud": ("test",),
                "zh_gsd": ("train",),
            }.items()
        },
        {},
        ("eng", "test", 2, ("id", "en_ewt/1")),
    ),
    "masakhane/masakhaner2": (
        "masakhaner2",
        {
            "swa": {
                "test": (
                    {
                        "id": TEXT,
                        "tokens": List(TEXT),
                        "ner_tags": List(ClassLabel(names=[*IOB.feature.names, "B-DATE", "I-DATE"])),
                    },
                    [tagged(("ner_tags", [7, 8]), "mwaka", "jana", id="0")],
                )
            }
        },
        {},
        ("swh", "test", 1, ("tags", ("B-DATE", "I-DATE"))),
    ),
    "masakhane/masakhapos": (
        "masakhapos",
        {
            "swa": {
                "validation": ({"id": TEXT, "tokens": List(TEXT), "upos": UPOS}, [tagged(("upos", [7]), "mtu", id="0")])
            }
        },
        {},
        ("swh", "dev", 1, ("tags", ("NOUN",))),
    ),
    "MultiCoNER/multiconer_v2": (
        "multiconer2",
        {
            name: {
                "validation": (
                    {"id": TEXT, "sample_id": TEXT, "tokens": List(TEXT), "ner_tags": List(TEXT)},
                    [tagged(("ner_tags", ["B-Artist"]), name, id="0", sample_id="4a-b")],
                )
            }
            for name in ("English (EN)", "Farsi (FA)")
        },
        {},
        ("pes", "dev", 1, ("words", ("Farsi (FA)",))),
    ),
    "microsoft/xglue": (
        "xglue_ner",
        {
            "ner": {
                split: (SPLIT_BY_LANGUAGE, [{"words": [split], "ner": [7]}])
                for split in ("train", "test.de", "test.nl")
            }
        },
        {},
        ("nld", "test", 1, ("words", ("test.nl",))),
    ),
    "mteb/sib200": (
        "sib200",
        {
            "nqo_Nkoo": {
                "validation": (
                    {"index_id": Value("int64"), "category": TEXT, "text": TEXT},
                    [{"index_id": 7, "category": "travel", "text": "ߒߞߏ"}],
                )
            }
        },
        {},
        ("nqo", "dev", 1, ("label", "travel")),
    ),
    "mteb/xnli2.0-multi-pair": (
        "xnli2",
        {
            "odiya": {
                "test": (
                    {"premise": TEXT, "hypothesis": TEXT, "label": Value("int64")},
                    [{"premise": "a", "hypothesis": "b", "label": i} for i in (2, 1, 0)],
                )
            }
        },
        {},
        ("ory", "test", 3, ("group", "xnli-test:0")),
    ),
    "facebook/flores": (
        "flores200",
        {
            "ace_Arab": {
                "devtest": (
                    {"id": Value("int32"), "URL": TEXT, "domain": TEXT, "topic": TEXT, "sentence": TEXT},
                    [{"id": 1, "URL": "u", "domain": "d", "topic": "t", "sentence": "سات"}],
                )
            }
        },
        {},
        ("ace-Arab", "test", 1, ("group", "flores:u")),
    ),
    "andreniyongabo/kinnews_kirnews": (
        "kirnews",
        {
            "kirnews_cleaned": {
                "test": (
                    {"label": ClassLabel(names=["politics", "sport"]), "title": TEXT, "content": TEXT},
                    [{"label": 1, "title": "a", "content": "b"}],
                )
            }
        },
        {},
        ("run", "test", 1, ("label", "sport")),
    ),
    "afaji/indonli": (
        "indonli",
        {"indonli": {"test_expert": (PAIR, [{"premise": "a", "hypothesis": "b", "label": 0}])}},
        {},
        ("ind", "test", 1, ("label", "entailment")),
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_folder_with_the_features_of_the_hub_loads_as_the_hub_would(name, tmp_path):
    task, configs, changes, (language, split, n, (field, value)) = LAYOUTS[name]
    spec = at(task, hub_folder(tmp_path / "set", configs), **changes)
    corpus = load(spec, language, split, None)
    assert len(corpus) == n
    assert getattr(next(iter(corpus)), field) == value
    assert corpus.fingerprint == fingerprint(spec, language, split, None)
    assert language in available(spec, split, None)


def test_treebanks_without_a_split_are_passed_over_and_their_languages_are_no_sources(tmp_path):
    task = at("uner", hub_folder(tmp_path, LAYOUTS["universalner/universal_ner"][1]))
    assert [e.words for e in load(task, "eng", "train", None)] == [("en_ewt",)]
    assert available(task, "train", None) == ("eng", "zho-Hant")
    assert available(task, "test", None) == ("deu", "eng")
    with pytest.raises(DataError, match=r"deu: .*/de_pud has no split 'train'; it has test"):
        load(task, "deu", "train", None)
    with pytest.raises(DataError, match=r"no configuration of .* matches sr_\*"):
        load(task, "srp-Latn", "test", None)


def test_training_data_in_english_alone_is_said_so():
    for name in ("xglue_ner", "pawsx"):
        assert hub.having(build.task(name, OPTIONS.read("task", name), OPTIONS), "train") == {"eng"}


def test_spanish_relatedness_has_no_test_on_the_hub():
    semrel = build.task("semrel2024", OPTIONS.read("task", "semrel2024"), OPTIONS)
    assert hub.having(semrel, "dev") - hub.having(semrel, "test") == {"spa"}


def test_withheld_scores_are_told_from_real_ones(tmp_path):
    features = {"sentence1": TEXT, "sentence2": TEXT, "label": Value("float64")}
    rows = [{"sentence1": "a", "sentence2": "b", "label": -1.0}] * 2
    with pytest.raises(DataError, match="task semrel2024, spa test: labels hidden"):
        load(at("semrel2024", hub_folder(tmp_path, {"esp": {"test": (features, rows)}})), "spa", "test", None)


def test_a_copy_of_the_hub_s_conversion_keeps_its_configurations_apart(tmp_path):
    tags = List(ClassLabel(names=["O", "B-LOC"]))
    for language, place in {"hau": "Kano", "yor": "Lagos"}.items():
        folder = tmp_path / language / "test"
        folder.mkdir(parents=True)
        rows = datasets.Dataset.from_list(
            [tagged(("ner_tags", [1]), place)], datasets.Features({"tokens": List(TEXT), "ner_tags": tags})
        )
        rows.to_parquet(folder / "0000.parquet")
    task = at("masakhaner2", tmp_path)
    assert available(task, "test", None) == ("hau", "yor")
    assert available(task, "train", None) == ()
    assert [e.words for e in load(task, "yor", "test", None)] == [("Lagos",)]


def test_questions_on_one_passage_share_a_group_as_in_files(tmp_path):
    rows = [asked("finnish-1-0"), asked("finnish-2-0"), asked("finnish-3-0", title="Bonn")]
    task = at("tydiqa", hub_folder(tmp_path, {"tydiqa": {"validation": (XTREME_QA, rows)}}))
    first, second, third = (e.group for e in load(task, "fin", "test", None))
    assert first == second != third
    assert first.startswith("tydiqa:passage ")


def test_both_sides_of_a_pair_come_from_its_configuration(tmp_path):
    features = {"source_sentence": TEXT, "target_sentence": TEXT, "source_lang": TEXT, "target_lang": TEXT}
    rows = [{"source_sentence": "Hund", "target_sentence": "dog", "source_lang": "deu", "target_lang": "eng"}]
    folder = hub_folder(tmp_path, {"tatoeba.deu": {"validation": (features, rows)}})
    columns = {"text": "source_sentence", "pivot": "target_sentence"}
    task = TaskSpec(
        "pairs",
        "retrieval",
        {"deu": "deu", "eng": "eng"},
        splits={"test": "validation"},
        files=Files("parallel", "tatoeba.{pair}-eng.{code}", options={"pivot": "eng"}),
        hub=Hub(str(folder), "tatoeba.{pair}", columns=columns),
    )
    assert [e.text for e in load(task, "deu", "test", None, "eng")] == ["Hund"]
    assert [e.text for e in load(task, "eng", "test", None, "deu")] == ["dog"]


def test_a_download_that_is_not_whole_is_refused_with_both_numbers(tmp_path, monkeypatch):
    folder = hub_folder(tmp_path, {"xquad.de": {"validation": (XTREME_QA, [asked("q1")])}})
    task = at("xquad", folder)
    assert len(load(task, "deu", "test", None)) == 1  # a folder of one's own may hold what it likes
    whole = datasets.load_dataset(str(folder), "xquad.de")
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: whole)
    with pytest.raises(DataError, match=r"google/xquad, configuration xquad\.de, split validation: 1 rows, where 1190"):
        load(dataclasses.replace(task, hub=dataclasses.replace(task.hub, path="google/xquad")), "deu", "test", None)


def test_a_folder_that_says_how_many_rows_it_has_is_held_to_it(tmp_path):
    folder = hub_folder(tmp_path, {"xquad.de": {"validation": (XTREME_QA, [asked("q1")])}})
    text = (
        (folder / "README.md")
        .read_text()
        .replace(
            "configs:",
            "dataset_info:\n- config_name: xquad.de\n  splits:\n  - name: validation\n    num_examples: 1190\nconfigs:",
        )
    )
    (folder / "README.md").write_text(text)
    with pytest.raises(DataError, match=r"cannot load .*NonMatchingSplitsSizesError"):
        load(at("xquad", folder), "deu", "test", None)


@pytest.mark.parametrize(
    ("path", "config", "split", "rows"),
    [
        ("google/xtreme", "PAN-X.sw", "test", 1000),
        ("google/xtreme", "MLQA.es.es", "test", 5253),
        ("google/xtreme", "tydiqa", "validation", 5077),
        ("google/xtreme", "udpos.Kazakh", "train", 31),
        ("google/xtreme", "tatoeba.jav", "validation", 205),
        ("facebook/xnli", "sw", "test", 5010),
        ("unimelb-nlp/wikiann", "sw", "test", 1000),
        ("google/xtreme", "udpos.Thai", "train", None),
        ("someone/else", "", "train", None),
    ],
)
def test_published_sizes(path, config, split, rows):
    assert sizes.expected(path, config, split) == rows


def test_sizes_equal_those_beside_the_shared_data(real_data):
    import csv

    with (real_data / "published" / "hub_split_sizes.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            assert sizes.expected("google/xtreme", row["config"], row["split"]) == int(row["num_examples"]), row
