"""Real files against what their own documentation counts, and against another reader."""

import csv
import itertools

import pytest

from harness.data.load import available, fingerprint, load
from harness.data.splits import check_disjoint
from harness.sweep import build
from harness.sweep.options import Options

# items of the cut of the data, as its README counts them
COUNTS = {
    "americasnli": {"test": 4488 - 3},  # three are left out by name
    "americasnli_dev": {"test": 4488 - 3},
    "indonli": {"train": 1200, "dev": 300, "test": 300},
    "kornli": {"test": 1002},
    "kornli_dev": {"test": 1002},
    "masakhaner1": {"test": 250},  # Amharic: the others are the second version's
    "masakhaner_amh": {"test": 250},
    "masakhaner2": {"train": 2400, "test": 2250},
    "ntrex": {"test": 16590},
    "panx_dev": {"train": 5600, "test": 6000},
    "pud_bitext": {"test": 2400},
    "pud_pos": {"test": 2400},
    "turku": {"train": 700 - 28, "test": 300 - 17},  # blocks, less the -DOCSTART- ones
    "tydiqa": {"train": 750 - 6, "test": 900},  # six stand on passages that are tested on
    "udpos": {"train": 5323, "dev": 600, "test": 3027 + 2400 - 150},  # the parallel treebanks too, but for Czech
    "uner": {"train": 4200, "dev": 600, "test": 3016},
    "xquad": {"test": 14280},
}
SPLIT_IN_THREE = {"pawsx_dev": 2500, "xnli_dev": 6600, "xquad_articles": 14280}
SPLITS = ("train", "dev", "test")


def spec(name):
    options = Options()
    return build.task(name, options.read("task", name), options)


def corpora(task, split, root):
    return {language: load(task, language, split, root) for language in available(task, split, root)}


@pytest.mark.parametrize("name", COUNTS)
def test_every_item_of_every_language_loads(name, real_data):
    task = spec(name)
    for split in SPLITS:
        loaded = corpora(task, split, real_data)
        assert sum(map(len, loaded.values())) == COUNTS[name].get(split, 0)
        for language, corpus in loaded.items():
            assert corpus.fingerprint == fingerprint(task, language, split, real_data)


@pytest.mark.parametrize("name", SPLIT_IN_THREE)
def test_parallel_sets_are_split_by_group_and_alike(name, real_data):
    task = spec(name)
    loaded = {split: corpora(task, split, real_data) for split in SPLITS}
    assert sum(len(corpus) for split in SPLITS for corpus in loaded[split].values()) == SPLIT_IN_THREE[name]
    for split in SPLITS:
        assert len({tuple((e.id, e.group) for e in corpus) for corpus in loaded[split].values()}) == 1
    for one, other in itertools.combinations(SPLITS, 2):
        check_disjoint(loaded[one]["eng"], loaded[other]["deu"])


def test_tatoeba_has_112_pairs_of_equal_length(real_data):
    task = spec("tatoeba")
    others = [language for language in available(task, "test", real_data) if language != "eng"]
    assert len(others) == 112
    lines = 0
    for language in others:
        sides = [load(task, "eng", "test", real_data, language), load(task, language, "test", real_data, "eng")]
        assert [e.id for e in sides[0]] == [e.id for e in sides[1]]
        lines += len(sides[0]) + len(sides[1])
    assert lines == 177754


def test_ner_joint_holds_three_types_and_its_parts_sentences(real_data):
    task = spec("ner_joint")
    for split in SPLITS:
        loaded = corpora(task, split, real_data)
        parts = ("uner", "turku", "masakhaner2", "masakhaner_amh")
        assert sum(map(len, loaded.values())) == sum(COUNTS[part].get(split, 0) for part in parts)
        tags = {tag for corpus in loaded.values() for example in corpus for tag in example.tags}
        assert tags <= {"O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG"}
    dates = {tag for example in load(spec("masakhaner2"), "swh", "test", real_data) for tag in example.tags}
    assert "B-DATE" in dates


@pytest.mark.parametrize("name", [*COUNTS, *SPLIT_IN_THREE, "ner_joint"])
def test_no_test_group_is_trained_on(name, real_data):
    task = spec(name)
    trained = corpora(spec(task.train) if task.train else task, "train", real_data)
    tested = corpora(task, "test", real_data)
    for train, test in itertools.product(trained.values(), tested.values()):
        check_disjoint(train, test)


def test_parallel_treebanks_have_the_same_documents_as_their_entities(real_data):
    tagged = {e.group for e in load(spec("pud_pos"), "deu", "test", real_data)}
    entities = {e.group for e in load(spec("uner"), "deu", "test", real_data)}
    assert len(tagged & entities) > 50
    assert "pud:n01001" in tagged & entities


def test_american_and_korean_translations_of_one_premise_share_its_group(real_data):
    korean = {e.group: e.id for e in load(spec("kornli"), "kor", "test", real_data)}
    aymara = list(load(spec("americasnli"), "ayr", "test", real_data))
    assert [(e.id, e.group) for e in aymara[:4]] == [
        ("25051", "xnli-test:0"),
        ("25052", "xnli-test:0"),
        ("25053", "xnli-test:0"),
        ("25054", "xnli-test:1"),
    ]
    assert {e.group for e in aymara} <= korean.keys()


def test_treebanks_read_as_the_conllu_package_reads_them(real_data):
    conllu = pytest.importorskip("conllu")
    task = spec("udpos")
    for language in ("eng", "tur", "vie", "heb"):
        corpus = load(task, language, "test", real_data)
        sentences = [
            sentence
            for name in corpus.files
            for sentence in conllu.parse((real_data / name).read_text(encoding="utf-8"))
        ]
        expected = [[(t["form"], t["upos"]) for t in s if isinstance(t["id"], int)] for s in sentences]
        assert [list(zip(e.words, e.tags, strict=True)) for e in corpus] == expected


def test_pairs_read_as_the_csv_module_reads_them(real_data):
    loaded = {e.id: e for split in SPLITS for e in load(spec("xnli_dev"), "swh", split, real_data)}
    (path,) = real_data.glob("**/xnli-dev/dev-sw.tsv")
    with path.open(encoding="utf-8", newline="") as file:
        table = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert [[loaded[str(i)].first, loaded[str(i)].second, loaded[str(i)].label] for i in range(600)] == table
