import hashlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from harness.errors import HarnessError
from harness.models.base import TrainingSet
from harness.models.hashed import Hashed
from harness.models.tiny import Tiny
from harness.spec import ModelSpec, Training

QUICK = Training(learning_rate=2e-3, batch_size=16, epochs=10, warmup=0.1)
SCRIPTS = {"lat": "abcdefghijklmnoprstuvz", "cyr": "абвгдежзиклмнопрстуфхц", "heb": "אבגדהוזחטיכלמנסעפצקרשת"}
KINDS = ("person", "verb", "thing")
MEANINGS = [f"{kind}{i}" for kind in KINDS for i in range(15)]


def lexicon(language):
    draw = np.random.default_rng(sorted(SCRIPTS).index(language))
    return {m: "".join(draw.choice(list(SCRIPTS[language]), draw.integers(4, 8))) for m in MEANINGS}


LEXICON = {language: lexicon(language) for language in SCRIPTS}


def facts(seed, count):
    """Meanings (person, verb, thing) of as many sentences."""
    draw = np.random.default_rng(seed)
    return [[f"{kind}{draw.integers(15)}" for kind in KINDS] for _ in range(count)]


def corpus(language, examples):
    return Corpus(
        "toy", language, "train", tuple(examples), hashlib.sha256(repr((language, examples)).encode()).hexdigest()
    )


def said(language, fact):
    return " ".join(LEXICON[language][m] for m in fact)


def parallel(language, seed=0, count=300):
    return corpus(language, [Sentence(f"{i:04}", f"g{i}", said(language, f)) for i, f in enumerate(facts(seed, count))])


def tagged(language, seed, count):
    def item(i, fact):
        return TaggedWords(
            f"{i}", f"g{i}", tuple(said(language, fact).split()), tuple(m.rstrip("0123456789") for m in fact)
        )

    draw = np.random.default_rng(seed)
    return corpus(language, [item(i, draw.permutation(f)) for i, f in enumerate(facts(seed, count))])


PARALLEL = {language: parallel(language) for language in SCRIPTS}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def tiny(cache):
    def make(pretraining=None, **options):
        spec = ModelSpec("tiny", "tiny", max_length=64, options={"width": 32, "buckets": 2**12, **options})
        return Tiny(spec, cache, PARALLEL if pretraining is None else pretraining)

    return make


def hits(model):
    """Share of unseen sentences whose translation is the nearest."""
    first, second = model.embed([parallel("lat", 9, 60), parallel("cyr", 9, 60)])
    return float(np.mean(aligned_ranks(first, second, ["cosine"])[0]["cosine"][0] == 1))


def right(predictions, corpus_):
    pairs = [
        (p, g) for answer, e in zip(predictions, corpus_, strict=True) for p, g in zip(answer, e.tags, strict=True)
    ]
    return float(np.mean([p == g for p, g in pairs]))


class TestTokens:
    @pytest.mark.parametrize(
        ("text", "tokens"),
        [
            ("Don't stop, 3.5!", ["Don", "'", "t", "stop", ",", "3", ".", "5", "!"]),
            ("我爱北京。", ["我", "爱", "北", "京", "。"]),
            ("東京でラーメン", ["東", "京", "で", "ラ", "ー", "メ", "ン"]),
            ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
            ("Привіт, світе", ["Привіт", ",", "світе"]),
            ("ภาษา", ["ภ", "า", "ษ", "า"]),
            ("iPhone是我的", ["iPhone", "是", "我", "的"]),
        ],
    )
    def test_words_of_many_scripts(self, text, tokens):
        (found,) = Hashed(64, (1, 2)).encode([text])
        assert [text[a:b] for a, b in found.spans] == tokens

    @given(st.text(max_size=60))
    def test_every_visible_character_is_in_exactly_one_token(self, text):
        (found,) = Hashed(64, (1, 2)).encode([text])
        covered = [i for a, b in found.spans for i in range(a, b)]
        assert covered == sorted(set(covered))
        assert {i for i, c in enumerate(text) if c.isalnum()} <= set(covered)

    @given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=8))
    def test_types_do_not_depend_on_what_was_read_before(self, words):
        fresh, used = Hashed(64, (1, 2)), Hashed(64, (1, 2))
        used.encode_words([["something", *reversed(words), "else"]])
        got = [t.types(np.asarray([p for w in t.encode_words([words])[0] for p in w])) for t in (fresh, used)]
        assert all(np.array_equal(a, b) for a, b in zip(*got, strict=True))

    def test_hashes_are_those_of_every_process(self):
        code = (
            "from harness.models.hashed import Hashed; h = Hashed(4096, (2, 3));"
            "print(h.types(h.encode(['Straße'])[0].ids))"
        )
        runs = [
            subprocess.run(
                [sys.executable, "-c", code], env={"PYTHONHASHSEED": s}, capture_output=True, check=True
            ).stdout
            for s in "12"
        ]
        assert runs[0] == runs[1] != b""


class TestVectors:
    def test_translations_in_other_scripts_are_neighbours_only_once_aligned(self, tiny):
        assert hits(tiny()) > 0.8
        assert hits(tiny(init="none")) < 0.2

    def test_more_sentences_align_better(self, tiny):
        few = hits(tiny(amounts={"lat": 300, "cyr": 10, "heb": 300}))
        assert few < hits(tiny()) - 0.2

    def test_vectors_are_made_once_and_the_same_every_time(self, tiny, tmp_path, cache):
        first = tiny().backbone.vectors.numpy()
        spec = tiny().spec
        again = Tiny(spec, tmp_path, PARALLEL)
        assert np.array_equal(first, again.backbone.vectors.numpy())
        written = [(f, f.stat().st_mtime_ns) for f in (tmp_path / "vectors").iterdir()]
        assert np.array_equal(first, Tiny(spec, tmp_path, PARALLEL).backbone.vectors.numpy())
        assert [(f, f.stat().st_mtime_ns) for f in (tmp_path / "vectors").iterdir()] == written
        assert len(written) == 1

    def test_identity_names_what_aligned_them(self, tiny):
        other = {**PARALLEL, "cyr": parallel("cyr", seed=5)}
        assert tiny().identity() != tiny(pretraining=other).identity()
        assert tiny(init="none").identity() == {}

    def test_words_of_an_unseen_script_are_told_apart(self, tiny):
        texts = [Sentence(str(i), str(i), t) for i, t in enumerate(["ქართული", "ენა"])]
        a, b = tiny().embed([corpus("kat", texts)])[0]
        assert a @ b < 0.9


class TestTraining:
    def test_tags_are_learnt_and_travel_to_another_script_by_aligned_vectors_alone(self, tiny, tmp_path):
        data = TrainingSet(Shape.WORDS, (tagged("lat", 1, 200),), KINDS)
        there = tagged("cyr", 2, 60)
        scores = {}
        for init in ("svd", "none"):
            model = tiny(init=init)
            model.train(data, QUICK, 1, tmp_path / init)
            home, abroad = model.predict(tmp_path / init, [tagged("lat", 2, 60), there])
            assert right(home, tagged("lat", 2, 60)) > 0.95
            scores[init] = right(abroad, there)
        assert scores["svd"] > 0.8
        assert scores["none"] < 0.6

    @pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
    @pytest.mark.parametrize("shape", [Shape.WORDS, Shape.TEXT])
    def test_a_network_of_half_precision_answers_as_one_of_full(self, tiny, cache, tmp_path, dtype, shape):
        data = tagged("lat", 1, 100)
        if shape is Shape.TEXT:
            texts = [LabelledText(e.id, e.group, " ".join(e.words), None, e.tags[0]) for e in data]
            data = corpus("lat", texts)
        half = Tiny(replace(tiny().spec, dtype=dtype), cache, PARALLEL)
        found = []
        for model in (tiny(), half):
            model.train(TrainingSet(shape, (data,), KINDS, (data,)), QUICK, 1, tmp_path / model.spec.dtype)
            found.append(model.predict(tmp_path / model.spec.dtype, [data])[0])
        same = [a == b for a, b in zip(*found, strict=True)]
        assert np.mean(same) > 0.9
        (vectors,) = half.embed([PARALLEL["lat"]], tmp_path / dtype)
        assert np.allclose(vectors, tiny().embed([PARALLEL["lat"]])[0], atol=1e-2)

    def test_equal_seeds_give_equal_bytes_and_others_do_not(self, tiny, tmp_path):
        data = TrainingSet(Shape.WORDS, (tagged("lat", 1, 40),), KINDS)
        for name, seed in (("a", 1), ("b", 1), ("c", 2)):
            tiny().train(data, Training(epochs=2), seed, tmp_path / name)
        a, b, c = ((tmp_path / name / "weights.safetensors").read_bytes() for name in "abc")
        assert a == b != c

    def test_whether_a_text_says_the_same_is_learnt_and_travels(self, tiny, tmp_path):
        def pairs(language, seed, count):
            firsts, seconds = facts(seed, count), facts(seed + 1, count)
            return corpus(
                language,
                [
                    LabelledText(
                        str(i),
                        str(i),
                        said(language, a),
                        said(language, a[::-1] if i % 2 else b),
                        ["no", "yes"][i % 2],
                    )
                    for i, (a, b) in enumerate(zip(firsts, seconds, strict=True))
                ],
            )

        model = tiny()
        model.train(TrainingSet(Shape.TEXT, (pairs("lat", 1, 200),), ("yes", "no")), QUICK, 1, tmp_path / "out")
        for language in ("lat", "heb"):
            test = pairs(language, 50, 60)
            (found,) = model.predict(tmp_path / "out", [test])
            assert np.mean([a == e.label for a, e in zip(found, test, strict=True)]) > 0.9

    def test_the_answer_stands_where_the_question_says(self, tiny, tmp_path):
        def questions(language, seed, count):
            made = []
            for i in range(count):
                told = facts(seed + i, 3)
                context = ". ".join(said(language, f) for f in told) + "."
                fact = told[i % 3]
                answer = LEXICON[language][fact[2]]
                start = context.index(said(language, fact)) + len(said(language, fact)) - len(answer)
                made.append(Question(str(i), str(i), said(language, fact[:2]) + "?", context, (Answer(answer, start),)))
            return corpus(language, made)

        model = tiny()
        training = Training(learning_rate=3e-3, batch_size=16, epochs=16, warmup=0.1)
        model.train(TrainingSet(Shape.PASSAGE, (questions("lat", 100, 300),), ()), training, 1, tmp_path / "out")
        for language in ("lat", "heb"):
            test = questions(language, 5000, 60)
            (found,) = model.predict(tmp_path / "out", [test])
            assert np.mean([a == e.answers[0].text for a, e in zip(found, test, strict=True)]) > 0.75  # chance: 1 / 9

    def test_the_option_that_says_the_same_is_chosen_in_another_script(self, tiny, tmp_path):
        def choices(language, seed, count):
            made = []
            for i, fact in enumerate(facts(seed, count)):
                others = facts(seed + 1000 + i, 2 + i % 2)
                right = i % (len(others) + 1)
                options = [said(language, f) for f in others]
                options.insert(right, said(language, fact[::-1]))
                gains = tuple(float(j == right) for j in range(len(options)))
                made.append(Options(str(i), str(i), said(language, fact), tuple(options), gains))
            return corpus(language, made)

        model = tiny()
        data = TrainingSet(Shape.OPTIONS, (choices("lat", 1, 120),), (), (choices("lat", 3, 30),))
        curve = model.train(data, replace(QUICK, select="source_dev"), 1, tmp_path / "out")
        assert max(point.value for point in curve if point.name == "dev") > 0.9
        test = choices("heb", 5000, 60)
        (found,) = model.predict(tmp_path / "out", [test])
        assert np.mean([e.gains[int(np.argmax(scores))] for scores, e in zip(found, test, strict=True)]) > 0.9

    @pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
    def test_the_share_of_equal_words_is_learnt_and_travels(self, tiny, cache, tmp_path, dtype):
        def pairs(language, seed, count):
            made = []
            for i, (a, b) in enumerate(zip(facts(seed, count), facts(seed + 1, count), strict=True)):
                shared = i % 4
                value = sum(x == y for x, y in zip(a[:shared] + b[shared:], a, strict=True)) / 3
                made.append(
                    ValuedText(str(i), str(i), said(language, a), said(language, a[:shared] + b[shared:]), value)
                )
            return corpus(language, made)

        model = Tiny(replace(tiny().spec, dtype=dtype), cache, PARALLEL)
        data = TrainingSet(Shape.VALUE, (pairs("lat", 1, 200),), (), (pairs("lat", 3, 40),))
        model.train(data, replace(QUICK, select="source_dev"), 1, tmp_path / "out")
        for language in ("lat", "heb"):
            test = pairs(language, 50, 60)
            (found,) = model.predict(tmp_path / "out", [test])
            assert np.corrcoef(found, [e.value for e in test])[0, 1] > 0.85


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"wdith": 3}, "wdith"),
        ({"init": "random"}, "'svd' or 'none'"),
        ({"width": 30}, "heads"),
        ({"amounts": {"eng": 3}}, "eng.*amounts"),
        ({"width": 512}, "options.width"),
    ],
)
def test_wrong_options_are_named(tiny, options, message):
    with pytest.raises(HarnessError, match=message):
        tiny(**options).embed([PARALLEL["lat"]])


def test_transformers_is_not_imported():
    code = "import sys, harness.models.tiny; sys.exit('transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
