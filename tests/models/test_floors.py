import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from harness.data.examples import (
    Answer,
    Corpus,
    LabelledText,
    Options,
    Question,
    Sentence,
    Shape,
    TaggedWords,
    ValuedText,
)
from harness.engine.similarity import aligned_ranks
from harness.errors import DataError, HarnessError
from harness.models.base import MODELS, TrainingSet
from harness.spec import ModelSpec, Training

TRAINING = Training(epochs=1)


def corpus(*examples, language="eng"):
    return Corpus("t", language, "test", examples, language)


def words(id, tags):
    return TaggedWords(id, id, tuple("w" * len(tags)), tuple(tags))


def question(id, context, answer):
    return Question(id, id, "what?", context, (Answer(answer, context.index(answer)),))


def trained(family, shape, tags, examples, folder, seed=0):
    model = MODELS[family](ModelSpec(family, family), folder, {})
    model.train(TrainingSet(shape, (corpus(*examples),), tags), TRAINING, seed, folder)
    return model


SENTENCES = [words("a", ["O", "O", "B-PER"]), words("b", ["O", "B-LOC"])]
LABELS = ("yes", "no", "maybe")
TEXTS = [LabelledText(str(i), str(i), "x", None, label) for i, label in enumerate(["no"] * 6 + ["yes"] * 3)]


def test_majority_gives_every_word_the_most_frequent_tag(tmp_path):
    model = trained("majority", Shape.WORDS, ("O", "B-PER", "B-LOC"), SENTENCES, tmp_path)
    assert model.predict(tmp_path, [corpus(words("c", ["B-PER"] * 4)), corpus()]) == [[("O",) * 4], []]


def test_majority_gives_every_text_the_most_frequent_label_and_of_equals_the_tasks_first(tmp_path):
    model = trained("majority", Shape.TEXT, LABELS, TEXTS, tmp_path)
    assert model.predict(tmp_path, [corpus(*TEXTS[:2])]) == [["no", "no"]]
    model = trained("majority", Shape.TEXT, LABELS, TEXTS[3:], tmp_path)  # three of each, `no` seen first
    assert model.predict(tmp_path, [corpus(TEXTS[0])]) == [["yes"]]


def test_majority_answers_with_as_many_first_words_as_answers_have_on_average(tmp_path):
    training = [question("a", "one two three four", "two three four"), question("b", "one two", "one")]
    model = trained("majority", Shape.PASSAGE, (), training, tmp_path)
    asked = [
        question("c", "In the  beginning was", "was"),
        question("d", "北京大学", "大学"),
        question("e", "Yes", "Yes"),
    ]
    assert model.predict(tmp_path, [corpus(*asked)]) == [["In the", "北京", "Yes"]]


VALUES = [ValuedText(f"{i}", f"{i}", "x", None, value) for i, value in enumerate([0.0, 0.5, 0.5, 5.0])]


def choice(id, *gains):
    return Options(id, id, "x", tuple("abcde"[: len(gains)]), gains)


def test_majority_gives_the_mean_value(tmp_path):
    model = trained("majority", Shape.VALUE, (), VALUES, tmp_path)
    assert model.predict(tmp_path, [corpus(*VALUES[:2])]) == [[1.5, 1.5]]


def test_majority_scores_an_option_by_how_often_the_best_stands_in_its_place(tmp_path):
    training = [choice("a", 0.0, 1.0), choice("b", 0.0, 1.0, 0.0), choice("c", 2.0, 2.0, 1.0), choice("d", 0.0, 3.0)]
    model = trained("majority", Shape.OPTIONS, (), training, tmp_path)
    asked = corpus(choice("e", 1.0, 0.0, 0.0, 0.0), choice("f", 1.0, 0.0))
    assert model.predict(tmp_path, [asked]) == [[(0.25, 0.75, 0.0, 0.0), (0.25, 0.75)]]


def test_chance_draws_values_and_scores_options_at_random(tmp_path):
    model = trained("chance", Shape.VALUE, (), VALUES, tmp_path / "values")
    many = corpus(*(ValuedText(f"{i}", "g", "x", None, 0.0) for i in range(400)))
    (found,) = model.predict(tmp_path / "values", [many])
    assert Counter(found)[0.5] == pytest.approx(200, abs=40)
    assert set(found) == {0.0, 0.5, 5.0}
    model = trained("chance", Shape.OPTIONS, (), [choice("a", 1.0, 0.0)], tmp_path / "options")
    asked = corpus(*(choice(f"{i}", 1.0, 0.0, 0.0) for i in range(600)))
    (scores,) = model.predict(tmp_path / "options", [asked])
    assert Counter(max(range(3), key=one.__getitem__) for one in scores)[0] == pytest.approx(200, abs=45)
    assert model.predict(tmp_path / "options", [asked.choose([5])]) == [[scores[5]]]


def test_majority_finds_a_translation_once_in_n(tmp_path):
    model = MODELS["majority"](ModelSpec("majority", "majority"), tmp_path, {})
    (vectors,) = model.embed([corpus(*(Sentence(str(i), str(i), f"text {i}") for i in range(5)))])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(5))
    assert aligned_ranks(vectors, vectors, ["cosine"])[0]["cosine"][0].tolist() == [1, 2, 3, 4, 5]


def test_chance_draws_as_training_is_distributed(tmp_path):
    model = trained("chance", Shape.TEXT, LABELS, TEXTS, tmp_path)
    many = [LabelledText(f"q{i}", "", "x", None, "no") for i in range(3000)]
    drawn = Counter(model.predict(tmp_path, [corpus(*many)])[0])
    assert set(drawn) == {"yes", "no"}  # never what training does not have
    assert drawn["no"] / 3000 == pytest.approx(2 / 3, abs=0.04)


def test_chance_tags_words_one_by_one(tmp_path):
    model = trained("chance", Shape.WORDS, ("O", "B-PER", "B-LOC"), SENTENCES, tmp_path)
    ((tags,),) = model.predict(tmp_path, [corpus(words("long", ["O"] * 2000))])
    assert len(tags) == 2000
    assert tags.count("O") / 2000 == pytest.approx(3 / 5, abs=0.05)


def test_chance_answers_with_a_span_of_a_length_seen_in_training(tmp_path):
    context = "one two three four five six seven"
    training = [question("a", context, "two three"), question("b", context, "four five six")]
    model = trained("chance", Shape.PASSAGE, (), training, tmp_path)
    asked = [question(str(i), context, "one") for i in range(300)]
    answers = model.predict(tmp_path, [corpus(*asked)])[0]
    assert {len(answer.split()) for answer in answers} == {2, 3}
    assert all(answer in context for answer in answers)
    starts = Counter(context.split().index(answer.split()[0]) for answer in answers)
    assert set(starts) == {0, 1, 2, 3, 4, 5}  # every start that leaves room
    assert model.predict(tmp_path, [corpus(question("x", "short", "short"))]) == [["short"]]


def test_an_empty_answer_in_training_is_drawn_as_one_word(tmp_path):
    model = trained("chance", Shape.PASSAGE, (), [question("a", "one two", "")], tmp_path)
    ((answer,),) = model.predict(tmp_path, [corpus(question("b", "one two", "one"))])
    assert answer in {"one", "two"}


def test_chance_depends_on_seed_and_example_and_on_nothing_else(tmp_path):
    one = trained("chance", Shape.TEXT, LABELS, TEXTS, tmp_path / "0")
    trained("chance", Shape.TEXT, LABELS, TEXTS, tmp_path / "1", seed=1)
    here = corpus(*(LabelledText(str(i), "", "x", None, "no") for i in range(50)))
    there = Corpus("t", "deu", "test", here.examples[::-1], "deu")
    (first, second), (again,) = one.predict(tmp_path / "0", [here, there]), one.predict(tmp_path / "0", [here])
    assert first == again == second[::-1]
    assert one.predict(tmp_path / "1", [here]) != [first]


def test_random_vectors_are_unit_and_differ_by_sentence_and_language(tmp_path):
    model = MODELS["chance"](ModelSpec("chance", "chance"), tmp_path, {})
    sentences = [Sentence(str(i), str(i), "same") for i in range(300)]
    here, there, none = model.embed([corpus(*sentences), corpus(*sentences, language="deu"), corpus()])
    assert none.shape == (0, here.shape[1])
    assert np.linalg.norm(here, axis=1) == pytest.approx(np.ones(300), abs=1e-5)
    assert (model.embed([corpus(*sentences)])[0] == here).all()
    found = aligned_ranks(here, there, ["cosine"])[0]["cosine"][0]
    assert 100 < found.mean() < 200
    assert (found == 1).mean() < 0.03


@pytest.mark.parametrize("family", ["majority", "chance"])
def test_a_checkpoint_is_one_json_file_of_equal_bytes(tmp_path, family):
    for name in ("a", "b"):
        trained(family, Shape.WORDS, ("O", "B-PER", "B-LOC"), SENTENCES, tmp_path / name)
    (file,) = (tmp_path / "a").iterdir()
    assert json.loads(file.read_text())["answers"] == [["O", 3], ["B-PER", 1], ["B-LOC", 1]]
    assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


@pytest.mark.parametrize("family", ["majority", "chance"])
def test_what_cannot_be_counted_or_read_is_an_error(tmp_path, family):
    with pytest.raises(DataError, match="the training set is empty"):
        trained(family, Shape.TEXT, LABELS, [], tmp_path)
    with pytest.raises(DataError, match="training has 'B-LOC', which is not one of O, B-PER"):
        trained(family, Shape.WORDS, ("O", "B-PER"), SENTENCES, tmp_path)
    with pytest.raises(HarnessError, match="no checkpoint of a floor model"):
        MODELS[family](ModelSpec("m", family), Path(), {}).predict(tmp_path, [corpus(*TEXTS)])


def test_only_the_examples_in_use_are_counted_and_answered(tmp_path):
    model = MODELS["majority"](ModelSpec("majority", "majority"), tmp_path, {})
    part = corpus(*TEXTS).choose([0, 6, 7])
    model.train(TrainingSet(Shape.TEXT, (part,), LABELS), TRAINING, 0, tmp_path)
    assert model.predict(tmp_path, [part]) == [["yes"] * 3]
