import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data.examples import Answer, Corpus, LabelledText, Question, Sentence, Shape, TaggedWords
from harness.errors import DataError, HarnessError
from harness.metrics.base import evaluate, metric
from harness.models.base import MODELS, TrainingSet
from harness.spec import ModelSpec, Training


def corpus(*examples, language="deu"):
    return Corpus("t", language, "test", examples, language)


def model(folder):
    return MODELS["predictions"](ModelSpec("p", "predictions", checkpoint=str(folder)), folder, {})


def put(folder, name, text):
    file = folder / "t" / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def archive():
    content = io.BytesIO()
    np.savez(content, np.eye(3))
    return content.getvalue()


TAGS = ("O", "B-X", "I-X", "yes", "no", "a", "b", "c")


def answers(folder, one, tags=TAGS):
    weights = folder / "weights"
    model(folder).train(TrainingSet(Shape.TEXT, (), tags), Training(), 0, weights)
    return model(folder).predict(weights, [one])[0]


WORDS = corpus(TaggedWords("a", "a", ("x", "y"), ("O", "O")), TaggedWords("b", "b", ("z",), ("O",)))
TEXTS = corpus(*(LabelledText(str(i), "", "x", None, "no") for i in range(3)))
QUESTIONS = corpus(*(Question(id, id, "?", "a b", (Answer("a", 0),)) for id in ("q1", "q2")))
SENTENCES = corpus(*(Sentence(str(i), "", "x") for i in range(3)))


@pytest.mark.parametrize("name", ["test-de.tsv", "test-deu.tsv", "test-German.txt", "test-deu.txt"])
def test_a_file_is_found_by_any_spelling_of_its_language(tmp_path, name):
    put(tmp_path, "test-en.tsv", "wrong\n")
    put(tmp_path, "test-xx-yy.tsv", "wrong\n")
    put(tmp_path, "dev-de.tsv", "wrong\n")
    put(tmp_path, name, "yes\nno\nyes\n")
    assert answers(tmp_path, TEXTS) == ["yes", "no", "yes"]


@pytest.mark.parametrize("text", ["O\nB-X\n\nO\n", "O\nB-X\n\nO", "O\r\nB-X\r\n\r\nO\r\n", "\ufeffO\nB-X\n\n\nO\n\n"])
def test_tags_stand_one_a_line_with_a_blank_line_between_sentences(tmp_path, text):
    put(tmp_path, "test-de.tsv", text)
    assert answers(tmp_path, WORDS) == [("O", "B-X"), ("O",)]


def test_answers_go_by_id(tmp_path):
    put(tmp_path, "test-de.json", json.dumps({"q2": "b", "q1": "ä", "other": "c"}))
    assert answers(tmp_path, QUESTIONS) == ["ä", "b"]


def test_vectors_are_normalised(tmp_path):
    put(tmp_path, "test-de.npy", b"")
    np.save(tmp_path / "t" / "test-de.npy", np.array([[3.0, 4.0], [0.0, 2.0], [-1.0, 0.0]]))
    (found,) = model(tmp_path).embed([SENTENCES])
    assert found == pytest.approx(np.array([[0.6, 0.8], [0, 1], [-1, 0]]))
    assert found.dtype == np.float32


def test_a_choice_of_examples_takes_its_part_of_the_whole_file(tmp_path):
    put(tmp_path, "test-de.tsv", "a\nb\nc\n")
    np.save(tmp_path / "t" / "test-de.npy", np.eye(3))
    assert answers(tmp_path, TEXTS.choose([2, 0])) == ["a", "c"]
    assert model(tmp_path).embed([SENTENCES.choose([2])])[0].tolist() == [[0, 0, 1]]


@pytest.mark.parametrize(
    ("one", "name", "text", "message"),
    [
        (TEXTS, "test-de.tsv", "a\nb\n", "test-de.tsv: 2 labels for 3 examples"),
        (TEXTS, "test-de.tsv", "a\n\nb\n", "test-de.tsv, line 2: no label"),
        (WORDS, "test-de.tsv", "O\nO\n", "test-de.tsv: 1 sentences for 2 examples"),
        (WORDS, "test-de.tsv", "O\nO\n\nO\nO\n", "test-de.tsv, line 4: 2 tags for the 1 words of 'b'"),
        (
            QUESTIONS,
            "test-de.json",
            '{"q1": "a"}',
            "test-de.json: no answer string for 'q2'; 1 answers for 2 questions",
        ),
        (QUESTIONS, "test-de.json", '{"q1": "a", "q2": 7}', "no answer string for 'q2'"),
        (QUESTIONS, "test-de.json", '["a", "b"]', "test-de.json: expected an object"),
        (QUESTIONS, "test-de.json", "a", "test-de.json: not JSON"),
        (QUESTIONS, "test-de.json", "[" * 100_000, "test-de.json: not JSON"),
        (TEXTS, "test-de.tsv", b"yes\nn\xf6\nyes\n", r"test-de\.tsv: not UTF-8"),
        (TEXTS, "test-en.tsv", "a\nb\nc\n", "no predictions for deu: expected test-deu.tsv or test-deu.txt"),
    ],
)
def test_a_file_that_does_not_fit_is_named(tmp_path, one, name, text, message):
    put(tmp_path, name, text)
    with pytest.raises(DataError, match=message):
        answers(tmp_path, one)


@pytest.mark.parametrize(
    ("one", "text", "message"),
    [
        (TEXTS, "yes\n0\n1\n", r"test-de\.tsv, line 2: '0' is not one of yes, maybe, O, no \(task t\)"),
        (TEXTS, "yes\nmaybe \nYes\n", "line 3: 'Yes' is not one of"),
        (WORDS, "O\nO\n\nB-X\n", "line 4: 'B-X' is not one of yes, maybe, O"),
    ],
)
def test_a_tag_that_the_task_does_not_have_is_refused_with_its_line(tmp_path, one, text, message):
    put(tmp_path, "test-de.tsv", text)
    with pytest.raises(DataError, match=message):
        answers(tmp_path, one, ("yes", "maybe", "O"))


def test_tags_are_known_from_training_or_from_the_gold(tmp_path):
    put(tmp_path, "test-de.tsv", "no\nmaybe\nno\n")
    assert answers(tmp_path, TEXTS, ("maybe",)) == ["no", "maybe", "no"]
    with pytest.raises(HarnessError, match=r"elsewhere: no tags\.json.*remove the folder and run again"):
        model(tmp_path).predict(tmp_path / "elsewhere", [TEXTS])


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.eye(2), "2 vectors for 3 examples"),
        (np.ones(3), "needs a matrix of floats"),
        (np.ones((3, 2), dtype=int), "needs a matrix of floats"),
        (np.array([[1.0, 0], [0, 0], [1, 1]]), r"row 1 \(from 0\) has no direction"),
        (np.array([[1.0, 0], [1, 1], [np.nan, 1]]), r"row 2 \(from 0\) has no direction"),
        (np.array([{"code": 1}], dtype=object), "not a numpy matrix"),
    ],
)
def test_a_matrix_that_does_not_fit_is_named(tmp_path, matrix, message):
    put(tmp_path, "test-de.npy", b"")
    np.save(tmp_path / "t" / "test-de.npy", matrix, allow_pickle=True)
    with pytest.raises(DataError, match=message):
        model(tmp_path).embed([SENTENCES])


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"PK\x03\x04 and no archive", archive()])
def test_a_file_that_is_no_matrix_is_named(tmp_path, content):
    put(tmp_path, "test-de.npy", content)
    with pytest.raises(DataError, match=r"test-de\.npy: not a numpy matrix"):
        model(tmp_path).embed([SENTENCES])


def test_two_files_of_one_language_are_an_error(tmp_path):
    put(tmp_path, "test-de.tsv", "a\nb\nc\n")
    put(tmp_path, "test-deu.txt", "a\nb\nc\n")
    with pytest.raises(DataError, match="are both for deu: remove one"):
        answers(tmp_path, TEXTS)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match="nowhere: no such folder of predictions"):
        model(tmp_path / "nowhere").identity()
    with pytest.raises(DataError, match=r"pass model\.checkpoint=FOLDER"):
        MODELS["predictions"](ModelSpec("p", "predictions"), tmp_path, {}).identity()


def test_identity_follows_content_and_names_and_not_the_place(tmp_path):
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
        put(tmp_path / place, "test-de.tsv", "a\n")
    here = model(tmp_path / "here").identity()
    assert here == model(tmp_path / "there").identity()
    put(tmp_path / "there", "test-de.tsv", "b\n")
    changed = model(tmp_path / "there").identity()
    put(tmp_path / "there", "test-en.tsv", "b\n")
    assert len({str(value) for value in (here, changed, model(tmp_path / "there").identity())}) == 3


tags = st.lists(st.lists(st.sampled_from(["O", "B-X", "I-X"]), min_size=1, max_size=5), min_size=1, max_size=5)


@given(tags)
def test_what_was_written_is_read_back(tmp_path_factory, sentences):
    folder = tmp_path_factory.mktemp("predictions")
    put(folder, "test-deu.txt", "\n\n".join("\n".join(sentence) for sentence in sentences) + "\n")
    one = corpus(*(TaggedWords(str(i), "", tuple(s), tuple(s)) for i, s in enumerate(sentences)))
    assert answers(folder, one) == [tuple(sentence) for sentence in sentences]


def test_xtremes_own_submission_is_read_and_scored(real_data, tmp_path):
    labels = real_data / "xtreme_mock" / "mock_test_data" / "labels" / "udpos" / "test-de.tsv"
    if not labels.is_file():
        pytest.skip("no xtreme_mock in the folder of real data")
    gold = [tuple(block.split("\n")) for block in labels.read_text().strip().split("\n\n")]
    examples = tuple(TaggedWords(str(i), str(i), tags, tags) for i, tags in enumerate(gold))
    submission = model(labels.parents[2] / "predictions")
    tags = tuple(sorted({tag for sentence in gold for tag in sentence}))
    submission.train(TrainingSet(Shape.WORDS, (), tags), Training(), 0, tmp_path)
    (found,) = submission.predict(tmp_path, [Corpus("udpos", "deu", "test", examples, "x")])
    score = evaluate(metric("accuracy"), gold, found)
    right = [
        a == b
        for a, b in zip(
            labels.read_text().split(), (submission.root / "udpos" / labels.name).read_text().split(), strict=True
        )
    ]
    assert score == pytest.approx(sum(right) / len(right))


def test_xtremes_own_labels_of_pawsx_are_refused_by_name(real_data, tmp_path):
    folder = real_data / "xtreme_mock" / "mock_test_data" / "predictions"
    if not (folder / "pawsx" / "test-de.tsv").is_file():
        pytest.skip("no xtreme_mock in the folder of real data")
    lines = (folder / "pawsx" / "test-de.tsv").read_text().split()
    names = ("different", "paraphrase")
    examples = tuple(LabelledText(str(i), str(i), "x", "y", names[0]) for i in range(len(lines)))
    submission = model(folder)
    submission.train(TrainingSet(Shape.TEXT, (), names), Training(), 0, tmp_path)
    with pytest.raises(DataError, match=r"test-de\.tsv, line 1: '[01]' is not one of different, paraphrase"):
        submission.predict(tmp_path, [Corpus("pawsx", "deu", "test", examples, "x")])
