"""XQuAD-R, Mewsli-X and BUCC in small files of our own, in the published forms."""

import json

import pytest

from harness.data.mewsli import marked
from harness.data.readers import READERS, Request
from harness.errors import DataError


def xquad_r(context="Anna ran. Ben sat. Anna ran.", breaks=((0, 9), (10, 18), (19, 28)), start=0):
    question = {"id": "q1", "question": "Who ran?", "answers": [{"text": "Anna", "answer_start": start}]}
    paragraph = {"context": context, "sentence_breaks": breaks, "qas": [question]}
    return {"data": [{"title": "Runs", "paragraphs": [paragraph]}], "version": "1"}


def read(reader, *paths, language="eng", code="en", **options):
    return [row.fields for row in READERS[reader].rows(Request(paths, language, code, "test", options))]


def written(path, content):
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_question_points_to_the_sentences_with_its_answer(tmp_path):
    rows = read("xquad_r", written(tmp_path / "en.json", xquad_r(start=11)))
    assert [row["id"] for row in rows] == ["eng:1.1", "eng:1.2", "eng:1.3", "q1"]
    assert rows[1]["text"] == "Ben sat. Anna ran. Ben sat. Anna ran."
    assert rows[-1] == {"id": "q1", "text": "Who ran?", "group": "Runs", "gold": ("eng:1.2",)}


def test_a_sentence_that_stands_twice_is_right_twice(tmp_path):
    assert read("xquad_r", written(tmp_path / "en.json", xquad_r()))[-1]["gold"] == ("eng:1.1", "eng:1.3")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (xquad_r(start=9), "question q1: no sentence holds its answer"),
        (xquad_r(breaks=((0, 99),)), "a sentence break lies outside its paragraph"),
        (
            {"data": [{"title": "x", "paragraphs": [{"context": "", "qas": []}]}]},
            "not in LAReQA's form.*sentence_breaks",
        ),
        ({"data": 3}, "not in LAReQA's form"),
        ("{", "line 1: no JSON"),
    ],
)
def test_a_file_that_is_not_lareqas_is_named(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        read("xquad_r", written(tmp_path / "en.json", content))


def article(text="Hello. Smith {who} left  the\nroom.", start=7, language="en", **more):
    mention = {
        "example_id": "m1",
        "entity_id": "Q7",
        "mention_span": {"start": start, "end": start + 5, "text": "Smith"},
    }
    spans = [{"start": 0, "end": 6}, {"start": 7, "end": 34}]
    context = {"document_id": "d1", "document_title": "", "document_url": "", "language": language, "text": text}
    return {"context": {**context, "sentence_spans": spans}, "mentions": [mention], **more}


ENTITY = {
    "entity_id": "Q7",
    "title": "Smith",
    "description": "Smith  is a smith. He works.",
    "description_language": "en",
    "description_url": "",
    "sentence_spans": [{"start": 0, "end": 18}, {"start": 19, "end": 28}],
}


def test_a_mention_stands_before_its_sentence_and_in_braces(tmp_path):
    lines = "\n".join(json.dumps(one) for one in (article(), article(language="de")))
    (row,) = read("mewsli", written(tmp_path / "mentions.jsonl", lines))
    assert row["text"] == "Smith: { Smith } (who) left the room."
    assert (row["id"], row["gold"], row["group"]) == ("m1", ("Q7",), "d1")


def test_an_entity_is_its_description(tmp_path):
    (row,) = read("mewsli", written(tmp_path / "entities.jsonl", ENTITY))
    assert row == {"id": "Q7", "text": "Smith is a smith. He works."}


def test_a_text_with_its_own_braces_has_only_the_mentions_left():
    span = {"start": 4, "end": 5, "text": "b"}
    assert marked("{a} b {c}", [(0, 9)], span, "here") == "b: (a) { b } (c)"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (article(text=""), "line 1: the article has no text; get-mewsli-x.sh"),
        (article(start=8), "line 1: the mention 'Smith' does not stand at offset 8, but 'mith '"),
        (article(text="Hello. Smith" + " " * 30, start=7) | {"mentions": [{"example_id": "m"}]}, "not in the form"),
        ({"entity_id": "Q1", "description": "", "sentence_spans": []}, "line 1: the entity Q1 has no description"),
        ([1], "not in the form of Mewsli-X"),
        ("{", "line 1: no JSON"),
    ],
)
def test_a_line_that_is_not_mewsli_xs_is_named(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        read("mewsli", written(tmp_path / "mentions.jsonl", content))


def test_a_mention_across_sentences_is_an_error(tmp_path):
    broken = article()
    broken["context"]["sentence_spans"] = [{"start": 0, "end": 9}, {"start": 9, "end": 34}]
    with pytest.raises(DataError, match="line 1: the mention 'Smith' stands in no sentence"):
        read("mewsli", written(tmp_path / "mentions.jsonl", broken))


def bucc(folder, german="de-1\tEins\nde-2\tZwei\n", gold="de-2\ten-9\n"):
    return (
        written(folder / "de-en.sample.de", german),
        written(folder / "de-en.sample.gold", gold),
    )


def test_sentences_of_bucc_have_their_translations_from_the_gold_file(tmp_path):
    rows = read("bucc", *bucc(tmp_path), language="deu", code="de", pivot="en")
    assert rows == [
        {"id": "de-1", "text": "Eins", "gold": ()},
        {"id": "de-2", "text": "Zwei", "gold": ("en-9",)},
    ]


def test_the_pivots_side_of_bucc_has_none(tmp_path):
    english = written(tmp_path / "de-en.sample.en", "en-9\tTwo\n")
    gold = bucc(tmp_path)[1]
    assert read("bucc", english, gold, code="en", pivot="en") == [{"id": "en-9", "text": "Two"}]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"german": "de-1 Eins\n"}, "de-en.sample.de, line 1: needs two columns"),
        ({"german": "de-1\t \n"}, "line 1: needs two columns"),
        ({"gold": "de-7\ten-9\n"}, "de-en.sample.gold, line 1: 'de-7' is the id of no sentence in deu"),
    ],
)
def test_a_file_that_is_not_buccs_is_named(tmp_path, files, message):
    with pytest.raises(DataError, match=message):
        read("bucc", *bucc(tmp_path, **files), language="deu", code="de", pivot="en")


def test_hidden_gold_pairs_are_named(tmp_path):
    with pytest.raises(DataError, match=r"no gold pairs beside it \(.gold\)"):
        read("bucc", bucc(tmp_path)[0], language="deu", code="de", pivot="en")


def test_xquad_r_has_the_questions_and_candidates_of_its_readme(real_data):
    from harness.data.examples import Query
    from harness.data.load import load
    from harness.sweep import build
    from harness.sweep.options import Options

    task = build.task("lareqa", Options().read("task", "lareqa"), Options())
    for language, candidates in {"deu": 1276, "eng": 1180, "zho-Hans": 1196}.items():
        corpus = load(task, language, "test", real_data)
        asking = [example for example in corpus if isinstance(example, Query)]
        assert (len(asking), len(corpus) - len(asking)) == (1190, candidates)
        assert all(len(query.answers["all"]) >= 1 for query in asking)
