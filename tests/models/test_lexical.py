import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.linear_model import SGDClassifier

from harness.data.examples import Answer, Corpus, LabelledText, Question, Sentence, Shape, TaggedWords
from harness.engine.similarity import aligned_ranks
from harness.errors import DataError, HarnessError
from harness.models import lexical_features as features
from harness.models import lexical_spans as spans
from harness.models.base import MODELS, TrainingSet
from harness.models.lexical_linear import Linear, fit, load
from harness.spec import ModelSpec, Training

TRAINING = Training(learning_rate=1.0, epochs=10)


def corpus(examples, language="eng"):
    return Corpus("t", language, "test", tuple(examples), language)


def lexical(folder, **options):
    return MODELS["lexical"](ModelSpec("lexical", "lexical", options=options), folder, {})


def answers(folder, shape, tags, training, test, numbers=TRAINING):
    model = lexical(folder)
    model.train(TrainingSet(shape, (corpus(training),), tags), numbers, 0, folder)
    return model.predict(folder, [corpus(test)])[0]


def tagged(*pairs):
    words, tags = zip(*pairs, strict=True)
    return TaggedWords("x", "x", words, tags)


# words


def test_a_word_is_known_by_its_ending(tmp_path):
    random.seed(0)

    def word(ending):
        return "".join(random.choices("abdehklmnoprstu", k=5)) + ending

    def sentence():
        return tagged((word("ing"), "VERB"), (word("ful"), "ADJ"), (word("tion"), "NOUN"))

    test = [sentence() for _ in range(20)]
    found = answers(tmp_path, Shape.WORDS, ("VERB", "ADJ", "NOUN"), [sentence() for _ in range(60)], test)
    assert found == [example.tags for example in test]


def test_a_word_is_known_by_its_neighbours(tmp_path):
    training = [
        tagged(("the", "D"), ("run", "N"), ("ends", "V")),
        tagged(("they", "P"), ("run", "V"), ("home", "N")),
        tagged(("the", "D"), ("walk", "N"), ("ends", "V")),
        tagged(("they", "P"), ("walk", "V"), ("home", "N")),
    ] * 3
    test = [tagged(("the", "D"), ("jump", "N"), ("ends", "V")), tagged(("they", "P"), ("jump", "V"), ("home", "N"))]
    assert answers(tmp_path, Shape.WORDS, ("D", "N", "V", "P"), training, test) == [one.tags for one in test]


def test_rows_of_words_hold_their_own_features_and_those_beside_them():
    matrix = features.words([["a", "b"], ["b"]], (1, 2), 1024)
    assert matrix.shape == (3, 1024 + 256 + 256)
    dense = matrix.toarray()
    own, left, right = dense[:, :1024], dense[:, 1024:1280], dense[:, 1280:]
    assert (own[1] == own[2]).all()
    assert (own[0] != own[1]).any()
    assert (left[0] == left[2]).all()  # both begin a sentence
    assert (right[1] == right[2]).all()  # both end one
    assert (left[1] != left[2]).any()
    assert np.linalg.norm(own, axis=1) == pytest.approx(np.ones(3))


# texts


def overlap_pairs(vocabulary, n, seed):
    """Hypotheses that repeat the premise (yes), share half of it (maybe) or nothing (no)."""
    rng = random.Random(seed)
    pairs = []
    for i in range(n):
        words = rng.sample(vocabulary, 12)
        label, second = [("yes", words[:4]), ("maybe", words[:2] + words[8:10]), ("no", words[8:])][i % 3]
        pairs.append(LabelledText(str(i), str(i), " ".join(words[:8]), " ".join(second), label))
    return pairs


def test_overlap_transfers_to_another_script(tmp_path):
    latin = ["".join(p) for p in zip("bdfgklmnprst" * 3, "aeiou" * 8, "nmrtslkp" * 5, "oiaue" * 8, strict=False)]
    greek = [word.translate(str.maketrans("abdefgiklmnoprstu", "αβδεφγικλμνοπρστυ")) for word in latin]
    latin, greek = (sorted(set(words)) for words in (latin, greek))
    test = overlap_pairs(greek, 90, 1)
    found = answers(tmp_path, Shape.TEXT, ("yes", "maybe", "no"), overlap_pairs(latin, 240, 0), test)
    assert np.mean([a == b.label for a, b in zip(found, test, strict=True)]) > 0.8


def test_a_single_text_and_two_labels_do_as_well(tmp_path):
    training = [
        LabelledText(str(i), "", text, None, label) for i, (text, label) in enumerate([("good", "+"), ("bad", "-")] * 5)
    ]
    test = [LabelledText("x", "", text, None, "+") for text in ("so good", "so bad", "good")]
    assert answers(tmp_path, Shape.TEXT, ("-", "+"), training, test) == ["+", "-", "+"]


# passages


def asked(n, seed, template="{} lives in {}. {} works in {}."):
    rng = random.Random(seed)
    names = ["Anna", "Boris", "Clara", "David", "Emil", "Frieda", "Gustav", "Hanna"]
    places = ["Rome", "Oslo", "Lima", "Cairo", "Tokio", "Quito", "Paris", "Delhi"]
    questions = []
    for i in range(n):
        (one, other), (here, there) = rng.sample(names, 2), rng.sample(places, 2)
        context = template.format(one, here, other, there)
        name, place = [(one, here), (other, there)][i % 2]
        question = f"Where does {name} live or work?"
        questions.append(Question(str(i), str(i), question, context, (Answer(place, context.index(place)),)))
    return questions


def test_the_answer_is_found_beside_what_the_question_names(tmp_path):
    test = asked(40, 1)
    found = answers(tmp_path, Shape.PASSAGE, (), asked(120, 0), test)
    assert np.mean([a == q.answers[0].text for a, q in zip(found, test, strict=True)]) > 0.9


def test_an_answer_in_a_script_without_spaces_is_cut_from_characters(tmp_path):
    context = "他住在北京。她住在上海。"
    (found,) = answers(
        tmp_path, Shape.PASSAGE, (), asked(50, 0), [Question("q", "q", "她住在哪里", context, (Answer("上海", 9),))]
    )
    assert found in context
    assert len(found) < len(context) // 2


def test_a_context_without_words_is_its_own_answer(tmp_path):
    (found,) = answers(tmp_path, Shape.PASSAGE, (), asked(20, 0), [Question("q", "q", "?", " !! ", (Answer("!!", 1),))])
    assert found == "!!"


contexts = st.text("ab Z1.,!?北京。", min_size=1, max_size=60).filter(str.strip)


@given(contexts, contexts)
def test_candidates_are_spans_of_one_sentence_with_one_value_of_each_feature(context, question):
    found = spans.candidates(spans.read(context), question)
    for start, end in zip(found.start, found.end, strict=True):
        text = context[start:end]
        assert text == text.strip() != ""
        assert text[0].isalnum()
        assert text[-1].isalnum()
        assert not spans.STOPS & {*text}
    values = found.columns - np.cumsum([0, *spans.SIZES[:-1]])
    assert (values >= 0).all()
    assert (values < np.array(spans.SIZES)).all()
    pairs = [*zip(found.start.tolist(), found.end.tolist(), strict=True)]
    assert len(set(pairs)) == len(pairs)
    assert bool(pairs) == any(map(str.isalnum, context)) or len(spans.read(context).sentence) > spans.KEPT


@given(contexts, st.data())
def test_right_candidates_are_those_that_share_most_characters_with_an_answer(context, data):
    found = spans.candidates(spans.read(context), "a")
    start = data.draw(st.integers(0, len(context) - 1))
    end = data.draw(st.integers(start + 1, len(context)))
    right = found.like((Answer(context[start:end], start),))
    gold = {*range(start, end)}
    shares = [
        len(gold & {*range(a, b)}) / len(gold | {*range(a, b)}) for a, b in zip(found.start, found.end, strict=True)
    ]
    best = max(shares, default=0)
    assert right.tolist() == [share == best and share > 0.5 for share in shares]


# sentences


def sentences(texts):
    return corpus([Sentence(str(i), str(i), text) for i, text in enumerate(texts)])


def test_translations_that_share_names_are_found(tmp_path):
    english = ["Anna visited Kathmandu", "Boris sold 4711 violins", "Philharmonics in Buenos Aires"]
    german = ["Anna besuchte Kathmandu", "Boris verkaufte 4711 Violinen", "Philharmoniker in Buenos Aires"]
    here, there = lexical(tmp_path).embed([sentences(english), sentences(german)])
    assert here.dtype == np.float32
    assert here.shape == (3, 512)
    assert np.linalg.norm(here, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    assert aligned_ranks(here, there, ["cosine"])[0]["cosine"][0].tolist() == [1, 1, 1]


def test_a_vector_does_not_depend_on_the_corpora_beside_it(tmp_path):
    one, other = sentences(["a house", "a garden"]), sentences(["ein Haus"])
    model = lexical(tmp_path)
    together, alone = model.embed([one, other]), model.embed([one])
    assert (together[0] == alone[0]).all()
    assert model.embed([sentences([])])[0].shape == (0, 512)


def test_rare_n_grams_weigh_more_than_common_ones():
    texts = ["common rare"] + ["common x"] * 30 + ["common", "rare"]
    vectors = features.sentences(texts, (1, 2, 3), 2**16, 4096)
    assert vectors[0] @ vectors[-1] > vectors[0] @ vectors[-2]


def test_folding_keeps_cosines():
    rng = np.random.default_rng(0)
    matrix = sparse.random(40, 2**16, 0.005, "csr", np.float32, rng=rng)
    folded, exact = features.fold(matrix, 512), (matrix @ matrix.T).toarray()
    norms = np.sqrt(np.diag(exact))
    error = (folded @ folded.T - exact) / np.outer(norms, norms)
    assert np.abs(error.mean()) < 0.01
    assert error.std() == pytest.approx(512**-0.5, rel=0.25)


# training


def problem(rows, classes, seed=0):
    rng = np.random.default_rng(seed)
    return sparse.random(rows, 50, 0.2, "csr", np.float32, rng=rng), rng.integers(classes, size=rows)


@pytest.mark.parametrize("classes", [2, 3])
def test_training_and_continuing_equal_scikit_learns_own(classes):
    matrix, gold = problem(40, classes)
    numbers = Training(learning_rate=0.5, epochs=1, weight_decay=0.01)
    first, _ = fit(Linear.zero(classes, 50), matrix, gold, numbers, 40, np.random.default_rng(1), None)
    kept = first.weights.copy()
    second, _ = fit(first, matrix, gold, numbers, 40, np.random.default_rng(2), None)
    oracle = SGDClassifier(loss="log_loss", alpha=0.01, learning_rate="constant", eta0=0.5, shuffle=False)
    for seed, found in ((1, first), (2, second)):
        order = np.random.default_rng(seed).permutation(40)
        oracle.partial_fit(matrix[order], gold[order], np.arange(classes))
        assert found.weights == pytest.approx(oracle.coef_, abs=1e-5)
        assert found.bias == pytest.approx(oracle.intercept_, abs=1e-5)
        assert found.best(matrix).tolist() == oracle.predict(matrix).tolist()
    assert (first.weights == kept).all()  # what is continued from stays as it was


def test_steps_are_batches_of_examples_and_not_of_words():
    matrix, gold = problem(40, 3)

    def trained(**length):
        numbers = Training(learning_rate=0.5, batch_size=5, **length)
        return fit(Linear.zero(3, 50), matrix, gold, numbers, 10, np.random.default_rng(0), None)[0].weights.tolist()

    assert trained(steps=4) == trained(epochs=2)
    assert trained(steps=1) == trained(epochs=0.5)
    assert trained(steps=1) != trained(epochs=1)


def test_the_best_pass_on_dev_is_kept_and_of_equals_the_first():
    matrix, gold = problem(30, 3)
    seen = []

    def dev(linear):
        seen.append(linear)
        return [0.1, 0.7, 0.7, 0.3][len(seen) - 1]

    numbers = Training(learning_rate=0.5, epochs=4)
    found, curve = fit(Linear.zero(3, 50), matrix, gold, numbers, 30, np.random.default_rng(0), dev)
    assert found is seen[1]
    assert [(point.name, point.step, point.value) for point in curve] == [
        ("dev", 1, 0.1),
        ("dev", 2, 0.7),
        ("dev", 3, 0.7),
        ("dev", 4, 0.3),
    ]
    assert not (seen[0].weights == seen[1].weights).all()


SETS = {
    Shape.WORDS: (("D", "N"), [tagged(("the", "D"), ("run", "N")), tagged(("a", "D"), ("walk", "N"))]),
    Shape.TEXT: (
        ("yes", "maybe", "no"),
        overlap_pairs(["ab", "cd", "ef", "gh", "ij", "kl", "mn", "op", "qr", "st", "uv", "wx"], 9, 0),
    ),
    Shape.PASSAGE: ((), asked(9, 0)),
}


@pytest.mark.parametrize("shape", SETS)
def test_equal_seeds_give_equal_bytes_and_a_dev_set_chooses(tmp_path, shape):
    tags, examples = SETS[shape]
    model, data = lexical(tmp_path), TrainingSet(shape, (corpus(examples),), tags, (corpus(examples),))
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        model.train(data, TRAINING, seed, tmp_path / name)
    first, second, third = ({f.name: f.read_bytes() for f in (tmp_path / name).iterdir()} for name in "abc")
    assert set(first) == {"weights.npz", "lexical.json"}
    assert first == second != third
    curve = model.train(data, Training(learning_rate=1.0, epochs=3, select="source_dev"), 0, tmp_path / "d")
    assert [point.step for point in curve] == [1, 2, 3]
    assert 0 <= max(point.value for point in curve) <= 1


def test_a_checkpoint_holds_plain_arrays_and_gives_back_what_was_trained(tmp_path):
    tags, examples = SETS[Shape.WORDS]
    lexical(tmp_path).train(TrainingSet(Shape.WORDS, (corpus(examples),), tags), TRAINING, 0, tmp_path / "a")
    with np.load(tmp_path / "a" / "weights.npz", allow_pickle=False) as arrays:
        assert {name: arrays[name].dtype.str for name in arrays} == {"weights": "<f4", "bias": "<f4"}
    (tmp_path / "a").rename(tmp_path / "moved")
    assert lexical(tmp_path).predict(tmp_path / "moved", [corpus(examples), corpus([])]) == [
        [e.tags for e in examples],
        [],
    ]


def test_few_shot_goes_on_from_the_earlier_weights(tmp_path):
    tags = ("D", "N", "V")
    source = [tagged(("the", "D"), ("house", "N"), ("stands", "V"))] * 5
    target = [tagged(("la", "D"), ("casa", "N"), ("sta", "V"))]
    model = lexical(tmp_path)
    model.train(TrainingSet(Shape.WORDS, (corpus(source),), tags), TRAINING, 0, tmp_path / "zero")
    steps = Training(learning_rate=1.0, steps=20, batch_size=2)
    model.train(TrainingSet(Shape.WORDS, (corpus(target),), tags), steps, 0, tmp_path / "few", tmp_path / "zero")
    model.train(TrainingSet(Shape.WORDS, (corpus(target),), tags), steps, 0, tmp_path / "alone")
    both = corpus([source[0], target[0]])
    assert model.predict(tmp_path / "few", [both]) == [[("D", "N", "V")] * 2]
    assert not (load(tmp_path / "few")[0].weights == load(tmp_path / "alone")[0].weights).all()


def test_what_does_not_fit_is_an_error(tmp_path):
    tags, examples = SETS[Shape.WORDS]
    model = lexical(tmp_path)
    data = TrainingSet(Shape.WORDS, (corpus(examples),), tags)
    with pytest.raises(DataError, match="training has 'N', which is not one of D, V"):
        model.train(TrainingSet(Shape.WORDS, (corpus(examples),), ("D", "V")), TRAINING, 0, tmp_path)
    with pytest.raises(HarnessError, match="needs dev data of every source"):
        model.train(data, Training(epochs=1, select="source_dev"), 0, tmp_path)
    with pytest.raises(HarnessError, match="no lexical model there"):
        model.predict(tmp_path, [corpus(examples)])
    model.train(data, TRAINING, 0, tmp_path / "a")
    with pytest.raises(HarnessError, match="cannot be continued for"):
        model.train(
            TrainingSet(Shape.WORDS, (corpus(examples),), ("N", "D")), TRAINING, 0, tmp_path / "b", tmp_path / "a"
        )
    weights = tmp_path / "a" / "weights.npz"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(HarnessError, match="delete the folder to train again"):
        model.predict(tmp_path / "a", [corpus(examples)])
    with pytest.raises(HarnessError, match="unknown option 'widht': did you mean 'width'"):
        lexical(tmp_path, widht=3)


@settings(max_examples=20)
@given(st.lists(st.sets(st.integers(0, 99), max_size=8), max_size=6))
def test_rows_have_unit_length_and_their_bag_of_columns(bags):
    matrix = features.rows(bags, 100)
    assert matrix.shape == (len(bags), 100)
    assert [{*row.indices.tolist()} for row in matrix] == bags
    assert np.linalg.norm(matrix.toarray(), axis=1) == pytest.approx([float(bool(bag)) for bag in bags], abs=1e-6)


def test_it_does_without_torch():
    code = "import sys, harness.models.lexical; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
