import dataclasses
import json
import os

import pytest

from harness.data import load as module
from harness.data.load import available, fingerprint, load
from harness.data.splits import check_disjoint
from harness.errors import DataError
from harness.spec import Files, ParallelSplit, TaskSpec

NER = TaskSpec(
    "news",
    "ner",
    {"swh": "swa", "yor": "yor"},
    labels=("PER", "LOC"),
    splits={"train": "train", "test": "test"},
    files=Files("conll", "**/{code}/{split}.txt", options={"delimiter": "space"}),
    metrics=("span_f1|mode:strict|scheme:IOB2",),
)
NLI = TaskSpec(
    "pairs",
    "nli",
    {"deu": "de", "eng": "en"},
    labels=("yes", "no"),
    splits={"train": "dev", "dev": "dev", "test": "dev"},
    origin="source-dev",
    parallel=ParallelSplit(0.6, 0.1),
    files=Files(
        "tsv",
        "{split}-{code}.tsv",
        options={"header": False, "columns": {"first": 0, "second": 1, "label": 2}, "group_every": 3},
    ),
)
SPLITS = ("train", "dev", "test")


@pytest.fixture
def root(tmp_path):
    def make(**contents):
        for name, content in contents.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return tmp_path

    return make


@pytest.fixture
def news(root):
    return root(
        **{
            "swa/train.txt": "Juma B-PER\n\nhapa O\n",
            "swa/test.txt": "Moshi B-LOC\nni O\n",
            "yor/test.txt": "Ade B-PER\n",
        }
    )


@pytest.fixture
def pairs(root):
    lines = {
        code: "".join(f"{code}{i // 3}\th{i}\t{'yes' if i % 3 else 'no'}\n" for i in range(90)) for code in ("de", "en")
    }
    return root(**{f"dev-{code}.tsv": text for code, text in lines.items()})


def change(task, **options):
    return dataclasses.replace(task, **options)


def test_a_corpus_says_what_it_is_and_where_it_comes_from(news):
    corpus = load(NER, "swh", "train", news)
    assert (corpus.task, corpus.language, corpus.split, corpus.files) == ("news", "swh", "train", ("swa/train.txt",))
    assert [(e.words, e.tags) for e in corpus] == [(("Juma",), ("B-PER",)), (("hapa",), ("O",))]
    assert load(NER, "swh", "train", news) is corpus


def test_items_that_only_their_split_numbers_do_not_look_like_those_of_another(news):
    train, test = load(NER, "swh", "train", news), load(NER, "swh", "test", news)
    assert {e.id for e in train} & {e.id for e in test} == {"0"}
    assert not {e.group for e in train} & {e.group for e in test}
    assert next(iter(train)).group == "news:train/0"


def test_parallel_splits_are_disjoint_complete_and_alike(pairs):
    german = {split: load(NLI, "deu", split, pairs) for split in SPLITS}
    for split in SPLITS:
        english = load(NLI, "eng", split, pairs)
        assert [(e.id, e.group, e.label) for e in german[split]] == [(e.id, e.group, e.label) for e in english]
        assert [e.first for e in german[split]] != [e.first for e in english]
    ids = [e.id for split in SPLITS for e in german[split]]
    assert sorted(ids, key=int) == [str(i) for i in range(90)]
    groups = [{e.group for e in german[split]} for split in SPLITS]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 30
    assert "source-dev:7" in set.union(*groups)


def test_the_fingerprint_is_the_corpus_s_and_is_found_without_reading(news, monkeypatch):
    mark = load(NER, "swh", "test", news).fingerprint
    monkeypatch.setattr(module, "_load", None)
    assert fingerprint(NER, "swh", "test", news) == mark


@pytest.mark.parametrize(
    "other",
    [
        {"labels": ("LOC", "PER")},
        {"label_map": {"DATE": "O"}},
        {"unknown_tags": "drop"},
        {"origin": "elsewhere"},
        {"splits": {"test": "train"}},
        {"parallel": ParallelSplit(0.0)},
        {"files": Files("conll", "**/{code}/{split}.txt", options={"delimiter": "whitespace"})},
    ],
    ids=str,
)
def test_whatever_decides_the_examples_changes_the_fingerprint(news, other):
    assert fingerprint(change(NER, **other), "swh", "test", news) != fingerprint(NER, "swh", "test", news)


def test_what_decides_no_example_leaves_the_fingerprint_alone(news):
    other = change(NER, metrics=("accuracy",), licence="x", protocol={"epochs": 3}, languages={"swh": "swa"}, version=9)
    assert fingerprint(other, "swh", "test", news) == fingerprint(NER, "swh", "test", news)


def test_changed_content_changes_the_fingerprint_and_the_corpus(news):
    before = load(NER, "swh", "test", news)
    (news / "swa/test.txt").write_text("Tanga B-LOC\nni O\n")
    os.utime(news / "swa/test.txt", ns=(1, 1))
    after = load(NER, "swh", "test", news)
    assert after.fingerprint != before.fingerprint
    assert after.examples[0].words == ("Tanga", "ni")


def test_available_languages_are_those_with_files(news):
    assert available(NER, "train", news) == ("swh",)
    assert available(NER, "test", news) == ("swh", "yor")
    assert available(NER, "dev", news) == ()
    assert available(NER, "test", None) == ()


def test_parts_are_read_with_the_joint_labels_and_keep_their_origin(news):
    part = change(NER, labels=("PERS", "PLACE"), label_map={"PER": "PERS", "LOC": "PLACE"}, origin="radio")
    joint = TaskSpec(
        "joint", "ner", dict(NER.languages), ("PER",), label_map={"PERS": "PER", "PLACE": "O"}, parts=(part,)
    )
    corpus = load(joint, "swh", "test", news)
    assert (corpus.task, corpus.examples[0].tags, corpus.examples[0].group) == ("joint", ("O", "O"), "radio:test/0")
    assert load(joint, "yor", "test", news).examples[0].tags == ("B-PER",)
    assert fingerprint(joint, "swh", "test", news) == corpus.fingerprint
    assert available(joint, "train", news) == ("swh",)


def test_an_unknown_tag_is_named_with_its_line(root):
    folder = root(**{"swa/test.txt": "Moshi B-LOC\n\nJuma O\nleo B-DATE\n"})
    with pytest.raises(DataError, match=r"swa/test\.txt, line 4: tag 'B-DATE' is not one of PER, LOC \(task news\)"):
        load(NER, "swh", "test", folder)
    dropped = load(change(NER, unknown_tags="drop"), "swh", "test", folder)
    assert [e.tags for e in dropped] == [("B-LOC",), ("O", "O")]


def test_an_id_that_stands_twice_is_refused(root):
    folder = root(**{"a-en.tsv": "id\tt\tl\n1\tx\tyes\n2\ty\tno\n1\tz\tno\n"})
    spec = Files("tsv", "a-{code}.tsv", options={"columns": {"id": "id", "first": "t", "label": "l"}})
    task = change(NLI, files=spec, parallel=None)
    with pytest.raises(DataError, match=r"line 4: the id '1' stands at .*line 2 already"):
        load(task, "eng", "test", folder)


def test_items_that_are_broken_in_one_language_are_left_out_there_only(root):
    folder = root(**{"a-en.tsv": "7\t \tyes\n8\ty\tno\n", "a-de.tsv": "7\tx\tyes\n8\ty\tno\n"})
    options = {"header": False, "columns": {"id": 0, "first": 1, "label": 2}, "leave_out": {"en": [7]}}
    task = change(NLI, files=Files("tsv", "a-{code}.tsv", options=options), parallel=None)
    assert [e.id for e in load(task, "eng", "test", folder)] == ["8"]
    assert [e.id for e in load(task, "deu", "test", folder)] == ["7", "8"]


READING = TaskSpec(
    "reading",
    "qa",
    {"eng": "en", "spa": "es"},
    splits={"train": "train", "test": "dev"},
    files=Files("squad", "{split}-{code}.json", options={"group": "passage", "leave_out_groups_of": "test"}),
)


def passages(*contexts):
    def paragraph(context):
        answer = {"text": context[0], "answer_start": 0}
        return {"context": context, "qas": [{"id": context, "question": "?", "answers": [answer]}]}

    return json.dumps({"data": [{"paragraphs": [paragraph(context) for context in contexts]}]})


def test_training_items_whose_group_is_tested_are_left_out(root):
    folder = root(**{"train-en.json": passages("sea", "sun"), "dev-en.json": passages("sky", "sea")})
    assert [e.id for e in load(READING, "eng", "train", folder)] == ["sun"]
    assert [e.id for e in load(READING, "eng", "test", folder)] == ["sky", "sea"]
    everything = change(READING, files=Files("squad", "{split}-{code}.json", options={"group": "passage"}))
    with pytest.raises(DataError, match="1 groups of reading"):  # what it is left out for
        check_disjoint(load(everything, "eng", "train", folder), load(everything, "eng", "test", folder))


def test_what_is_left_out_is_part_of_the_fingerprint(root):
    folder = root(**{"train-en.json": passages("sea", "sun"), "dev-en.json": passages("sky", "sea")})
    before = load(READING, "eng", "train", folder)
    (folder / "dev-en.json").write_text(passages("sky"))
    os.utime(folder / "dev-en.json", ns=(1, 1))
    after = load(READING, "eng", "train", folder)
    assert [e.id for e in after] == ["sea", "sun"]
    assert after.fingerprint == fingerprint(READING, "eng", "train", folder) != before.fingerprint


def test_nothing_left_to_train_on_is_said(root):
    folder = root(**{"train-en.json": passages("sea"), "dev-en.json": passages("sea"), "train-es.json": passages("m")})
    with pytest.raises(DataError, match="reading, eng train: every group is in test too"):
        load(READING, "eng", "train", folder)
    with pytest.raises(DataError, match="no test data for spa"):
        load(READING, "spa", "train", folder)


def test_groups_can_be_counted_from_ids_with_gaps(root):
    folder = root(**{"a-en.tsv": "".join(f"{id}\tx\tyes\n" for id in (101, 103, 107, 108))})
    options = {"header": False, "columns": {"id": 0, "first": 1, "label": 2}, "group_every": 3, "first_id": 101}
    task = change(NLI, files=Files("tsv", "a-{code}.tsv", options=options), parallel=None)
    assert [e.group for e in load(task, "eng", "test", folder)] == [f"source-dev:{n}" for n in (0, 0, 2, 2)]


def test_pooled_copies_are_refused(root):
    folder = root(**{"one/swa/test.txt": "Moshi B-LOC\n", "two/swa/test.txt": "Moshi B-LOC\n"})
    with pytest.raises(DataError, match=r"are copies; set `files\.exclude`"):
        load(NER, "swh", "test", folder)


def test_nothing_is_guessed_where_data_is_missing(news):
    with pytest.raises(
        DataError, match=r"no train data for yor: no file below .* matches .*'yor'.*Put the files there"
    ):
        load(NER, "yor", "train", news)
    with pytest.raises(DataError, match="has no dev split for yor; it has train, test"):
        load(NER, "yor", "dev", news)
    with pytest.raises(DataError, match="has no language yoo: did you mean 'yor'"):
        load(NER, "yoo", "test", news)
    with pytest.raises(DataError, match="HARNESS_DATA"):
        load(NER, "yor", "test", None)


def test_a_share_too_small_for_any_group_is_an_empty_split(pairs):
    with pytest.raises(DataError, match="no group falls into this split"):
        load(change(NLI, parallel=ParallelSplit(1.0)), "deu", "test", pairs)


BITEXT = TaskSpec(
    "bitext",
    "retrieval",
    {"deu": "de", "eng": "en", "fra": "fr"},
    splits={"test": "test"},
    files=Files("parallel", "{pair}-en.{code}", options={"pivot": "en"}),
)


def test_the_pivot_s_side_is_that_of_the_pair(root):
    folder = root(**{"de-en.de": "eins\nzwei\n", "de-en.en": "one\ntwo\n", "fr-en.fr": "un\n", "fr-en.en": "one\n"})
    german = load(BITEXT, "deu", "test", folder, "eng")
    assert [(e.id, e.text) for e in german] == [("1", "eins"), ("2", "zwei")]
    assert [e.text for e in load(BITEXT, "eng", "test", folder, "deu")] == ["one", "two"]
    assert [e.text for e in load(BITEXT, "eng", "test", folder, "fra")] == ["one"]
    assert load(BITEXT, "deu", "test", folder) is german
    with pytest.raises(DataError, match="eng differs from pair to pair"):
        load(BITEXT, "eng", "test", folder)


def test_sides_of_different_length_are_refused(root):
    folder = root(**{"de-en.de": "eins\nzwei\n", "de-en.en": "one\n"})
    with pytest.raises(DataError, match=r"de-en\.en \(1 lines\) and .*de-en\.de \(2 lines\) differ"):
        load(BITEXT, "eng", "test", folder, "deu")


def test_beside_changes_nothing_where_text_does_not_come_in_pairs(news):
    assert load(NER, "swh", "test", news, "yor") is load(NER, "swh", "test", news)


def test_document_ids_are_part_of_what_is_read(root):
    folder = root(**{"x/t.de": "eins\nzwei\n", "x/IDS": "a\nb\n"})
    task = change(BITEXT, files=Files("parallel", "**/t.{code}", options={"groups": "**/IDS"}))
    before = load(task, "deu", "test", folder)
    assert [e.group for e in before] == ["bitext:a", "bitext:b"]
    (folder / "x/IDS").write_text("a\na\n")
    os.utime(folder / "x/IDS", ns=(1, 1))
    assert fingerprint(task, "deu", "test", folder) != before.fingerprint
    with pytest.raises(DataError, match=r"0 files below .* match .*nowhere"):
        load(change(task, files=Files("parallel", "**/t.{code}", options={"groups": "nowhere"})), "deu", "test", folder)


@pytest.mark.parametrize("content", ["hapa O\n\n" * 51, "hapa\n\nni\n", "hapa X\n\nni X\n"])
def test_hidden_tags_are_recognised(root, content):
    with pytest.raises(DataError, match=r"labels hidden.*evaluate on dev.*official server"):
        load(NER, "swh", "test", root(**{"swa/test.txt": content}))


def test_a_few_sentences_without_an_entity_are_not_hidden(root):
    assert len(load(NER, "swh", "test", root(**{"swa/test.txt": "hapa O\n\n" * 50}))) == 50


@pytest.mark.parametrize("content", ["a\tb\nc\td\n", "a\tb\t-1\nc\td\t-1\n", "a\tb\t\nc\td\t\n"])
def test_hidden_labels_are_recognised(root, content):
    with pytest.raises(DataError, match="labels hidden"):
        load(NLI, "eng", "test", root(**{"dev-en.tsv": content}))


def test_a_split_with_one_real_label_is_not_hidden(root):
    folder = root(**{"dev-en.tsv": "a\tb\tyes\na\td\tyes\na\te\tyes\n"})
    assert len(load(change(NLI, parallel=None), "eng", "test", folder)) == 3


def test_a_file_that_lost_a_line_is_refused_since_every_later_group_would_be_another(root):
    folder = root(**{"dev-en.tsv": "a\tb\tyes\na\td\tno\n"})
    with pytest.raises(DataError, match="2 lines are no whole number of groups of 3"):
        load(change(NLI, parallel=None), "eng", "test", folder)
