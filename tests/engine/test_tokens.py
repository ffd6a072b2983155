import logging
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from harness.data.examples import Answer, LabelledText, Options, Question, Sentence, Shape, TaggedWords, ValuedText
from harness.engine import tokens
from harness.engine.rows import longest_first, rows_of
from harness.engine.subwords import Subwords
from harness.engine.tokenizer import Frame
from harness.engine.tokens import pool, tally, tokens_of
from harness.errors import HarnessError
from tests.engine.conftest import Letters

WORDS = st.lists(st.text("ab1", min_size=1, max_size=9), max_size=12)


def sentence(i, text):
    return Sentence(f"s{i}", f"g{i}", text)


def tagged(i, words):
    return TaggedWords(f"s{i}", f"g{i}", tuple(words), ("O",) * len(words))


def words_rows(sentences, letters, max_length):
    return rows_of([tagged(i, s) for i, s in enumerate(sentences)], Shape.WORDS, letters, max_length, 1, "", "toy")


def lines(rows):
    return [rows.ids[a:b].tolist() for a, b in zip(rows.offsets[:-1], rows.offsets[1:], strict=True)]


class TestWords:
    def test_a_long_sentence_is_split_between_words(self, letters):
        rows = words_rows([["aaa", "bb", "a"]], letters, 6)
        assert lines(rows) == [[1, 97, 97, 97, 2], [1, 98, 98, 97, 2]]
        assert rows.word.tolist() == [-1, 0, -1, -1, -1, -1, 1, -1, 2, -1]

    def test_a_word_without_tokens_is_the_unknown_token(self, letters):
        assert lines(words_rows([["a", "123"]], letters, 8)) == [[1, 97, 3, 2]]

    def test_a_word_longer_than_a_row_keeps_its_first_tokens(self, letters):
        assert lines(words_rows([["b", "a" * 20, "b"]], letters, 6)) == [[1, 98, 2], [1, *[97] * 4, 2], [1, 98, 2]]

    @given(sentences=st.lists(WORDS, max_size=5), max_length=st.integers(6, 12))
    def test_every_word_starts_once_and_in_order(self, letters, sentences, max_length):
        rows = words_rows(sentences, letters, max_length)
        spans = list(zip(rows.offsets[:-1], rows.offsets[1:], strict=True))
        assert all(b - a <= max_length for a, b in spans)
        for i, words in enumerate(sentences):
            mine = [rows.word[t] for (a, b), e in zip(spans, rows.example, strict=True) if e == i for t in range(a, b)]
            assert [w for w in mine if w >= 0] == list(range(len(words)))


class TestTexts:
    @given(st.integers(0, 40), st.integers(0, 40), st.integers(2, 30))
    def test_pairs_are_cut_as_the_tokenizers_library_cuts_them(self, first, second, room):
        reference = Tokenizer(models.WordLevel({"a": 0, "b": 1}, unk_token="a"))
        reference.pre_tokenizer = pre_tokenizers.Whitespace()
        reference.enable_truncation(room, strategy="longest_first")
        found = reference.encode("a " * first, "b " * second).ids
        assert longest_first(first, second, room) == (found.count(0), found.count(1))

    def test_a_pair_has_its_special_tokens_and_a_text_alone_has_others(self, letters):
        examples = [LabelledText("1", "1", "ab", "c", "x"), LabelledText("2", "2", "ab", None, "x")]
        rows = rows_of(examples, Shape.TEXT, letters, 20, 1, "", "toy")
        assert lines(rows) == [[1, 97, 98, 2, 2, 99, 2], [1, 97, 98, 2]]

    def test_a_text_with_a_value_has_the_rows_of_one_with_a_label(self, letters):
        valued = [ValuedText("1", "1", "ab", "c", 0.5), ValuedText("2", "2", "ab", None, 1.0)]
        assert lines(rows_of(valued, Shape.VALUE, letters, 20, 1, "", "toy")) == [
            [1, 97, 98, 2, 2, 99, 2],
            [1, 97, 98, 2],
        ]

    def test_an_option_is_a_row_with_the_text(self, letters, caplog):
        choices = [
            Options("1", "1", "a", ("b", "cc", "b"), (1.0, 0.0, 0.0)),
            Options("2", "2", "bb", ("aaaaaa",), (1.0,)),
        ]
        with caplog.at_level(logging.WARNING):
            rows = rows_of(choices, Shape.OPTIONS, letters, 9, 1, "", "toy")
        assert lines(rows) == [
            [1, 97, 2, 2, 98, 2],
            [1, 97, 2, 2, 99, 99, 2],
            [1, 97, 2, 2, 98, 2],
            [1, 98, 98, 2, 2, 97, 97, 97, 2],
        ]
        assert rows.example.tolist() == [0, 0, 0, 1]
        assert caplog.messages == ["toy: 1 of 4 texts are longer than 9 tokens and were cut, '2' first"]

    def test_special_tokens_and_segments_are_those_of_the_checkpoint(self):
        backend = Tokenizer(models.WordLevel({"[CLS]": 0, "[SEP]": 1, "a": 2, "b": 3, "[UNK]": 4}, unk_token="[UNK]"))
        backend.pre_tokenizer = pre_tokenizers.Whitespace()
        backend.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 0), ("[SEP]", 1)]
        )
        ours = Subwords(PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]", pad_token="[SEP]"), "toy")
        rows = rows_of([LabelledText("1", "1", "a b", "b", "x")], Shape.TEXT, ours, 16, 1, "", "toy")
        reference = backend.encode("a b", "b")
        assert (lines(rows)[0], rows.segments.tolist()) == (reference.ids, reference.type_ids)


class TestPassages:
    def rows(self, letters, context, max_length=16, stride=128):
        example = Question("q", "g", "why", context, (Answer(context[:1], 0),))
        return rows_of([example], Shape.PASSAGE, letters, max_length, stride, "", "toy")

    def test_offsets_point_at_the_context(self, letters):
        context = "ab, cd."
        rows = self.rows(letters, context)
        got = [(chr(t), context[s:e]) for t, s, e in zip(rows.ids, rows.start, rows.end, strict=True) if s >= 0]
        assert got == [(c, c) for c in "abcd"]

    @given(size=st.integers(1, 80), max_length=st.integers(12, 40), stride=st.integers(1, 40))
    def test_windows_cover_the_context_and_overlap(self, letters, size, max_length, stride):
        rows = self.rows(letters, "x" * size, max_length, stride)
        windows = []
        for a, b in zip(rows.offsets[:-1], rows.offsets[1:], strict=True):
            assert b - a <= max_length
            windows.append([s for s in rows.start[a:b] if s >= 0])
        assert sorted({s for w in windows for s in w}) == list(range(size))
        for one, two in pairwise(windows):
            assert two[0] - one[0] <= stride
            assert two[0] <= one[-1]


def example_of(shape, text):
    """An example whose texts are all this one; its words are of ten letters."""
    words = tuple(text[i : i + 10] for i in range(0, len(text), 10))
    return {
        Shape.WORDS: TaggedWords("e", "g", words, ("O",) * len(words)),
        Shape.TEXT: LabelledText("e", "g", text, None, "x"),
        Shape.VALUE: ValuedText("e", "g", text, text, 1.0),
        Shape.OPTIONS: Options("e", "g", text, (text, "b"), (1.0, 0.0)),
        Shape.PASSAGE: Question("e", "g", text, text, (Answer(text[:1], 0),)),
        Shape.SENTENCE: Sentence("e", "g", text),
    }[shape]


class Unframed(Letters):
    """No special tokens, as in models that generate."""

    frame = Frame(((), ()), ((), (), ()))


@pytest.mark.parametrize("shape", Shape)
class TestOddSizes:
    def rows(self, shape, text, tokenizer, max_length=128):
        return rows_of([example_of(shape, text)], shape, tokenizer, max_length, 64, "", "toy")

    @pytest.mark.parametrize("tokenizer", [Letters(), Unframed()], ids=["framed", "unframed"])
    def test_a_text_of_nothing_is_a_row_of_something(self, shape, tokenizer):
        rows = self.rows(shape, "", tokenizer)
        assert len(rows.example) == (2 if shape is Shape.OPTIONS else 1)
        assert all(lines(rows))
        aligned = {Shape.WORDS: (rows.word,), Shape.PASSAGE: (rows.start, rows.end)}.get(shape, ())
        assert all(list(part) == [-1] * len(rows.ids) for part in aligned)  # no word, and no character of the context

    def test_fifty_thousand_tokens_are_split_or_cut_and_told(self, shape, letters, caplog):
        with caplog.at_level(logging.WARNING):
            rows = self.rows(shape, "a" * 50_000, letters)
        lengths = np.diff(rows.offsets)
        assert lengths.max() <= 128
        if shape is Shape.WORDS:
            assert [word for word in rows.word if word >= 0] == list(range(5_000))
            assert (lengths[:-1] == 122).all()  # twelve whole words
        elif shape is Shape.PASSAGE:
            assert {start for start in rows.start if start >= 0} == set(range(50_000))
        else:
            assert len(lengths) == (2 if shape is Shape.OPTIONS else 1)
            assert lengths[0] == 128
        assert len(caplog.messages) == (shape is not Shape.WORDS)  # of a passage, the question was cut


class TestCache:
    def test_nothing_is_tokenised_twice(self, tmp_path, letters, corpus_of):
        corpus = corpus_of([sentence(0, "ab"), sentence(1, "c")])
        first = tokens_of(corpus, Shape.SENTENCE, letters, 16, tmp_path)
        before = tally["made"], tally["read"]

        class Silent(type(letters)):  # stands for another process: same identity, and must not be asked
            def encode(self, texts):
                raise AssertionError("tokenised again")

        again = tokens_of(corpus.choose([1]), Shape.SENTENCE, Silent(), 16, tmp_path)
        assert (tally["made"], tally["read"]) == (before[0], before[1] + 1)
        assert again.ids.tolist() == first.ids.tolist() == [1, 97, 98, 2, 1, 99, 2]
        assert isinstance(again.ids, np.memmap)

    def test_equal_texts_are_encoded_once(self, tmp_path, letters, corpus_of):
        letters = type(letters)()
        tokens_of(corpus_of([sentence(i, "ab") for i in range(5)]), Shape.SENTENCE, letters, 16, tmp_path)
        assert letters.asked == ["ab"]

    def test_another_length_prefix_or_tokenizer_has_its_own_arrays(self, tmp_path, letters, corpus_of):
        corpus = corpus_of([sentence(0, "abcdefgh")])
        got = [
            tokens_of(corpus, Shape.SENTENCE, letters, 16, tmp_path),
            tokens_of(corpus, Shape.SENTENCE, letters, 7, tmp_path),
            tokens_of(corpus, Shape.SENTENCE, letters, 16, tmp_path, prefix="xy"),
            tokens_of(corpus, Shape.SENTENCE, type(letters)("other"), 16, tmp_path),
        ]
        assert [len(t.ids) for t in got] == [10, 7, 12, 10]
        assert len(list((tmp_path / "tokens").iterdir())) == 4

    def test_rows_made_by_other_code_are_made_again(self, tmp_path, letters, corpus_of, monkeypatch):
        corpus = corpus_of([sentence(0, "ab")])
        tokens_of(corpus, Shape.SENTENCE, letters, 16, tmp_path)
        monkeypatch.setattr(tokens, "VERSION", tokens.VERSION + 1)
        before = tally["made"]
        tokens_of(corpus, Shape.SENTENCE, letters, 16, tmp_path)
        assert tally["made"] == before + 1
        assert len(list((tmp_path / "tokens").iterdir())) == 2

    def test_a_writer_that_dies_leaves_nothing(self, tmp_path, letters, corpus_of, monkeypatch):
        corpus = corpus_of([sentence(0, "ab")])
        calls = []

        def dying(path, array):
            calls.append(path)
            if len(calls) == 2:
                raise OSError("disk full")

        with monkeypatch.context() as patch:
            patch.setattr(np, "save", dying)
            with pytest.raises(OSError, match="disk full"):
                tokens_of(corpus, Shape.SENTENCE, letters, 16, tmp_path)
        assert list((tmp_path / "tokens").iterdir()) == []
        assert tokens_of(corpus, Shape.SENTENCE, letters, 16, tmp_path).ids.tolist() == [1, 97, 98, 2]

    def test_two_writers_at_once_leave_one_whole_folder(self, tmp_path, letters, corpus_of, monkeypatch):
        corpus = corpus_of([sentence(0, "ab")])
        is_dir = Path.is_dir
        rival = tokens_of(corpus, Shape.SENTENCE, letters, 16, tmp_path)
        answers = iter([False])  # as if the rival had written after we looked
        monkeypatch.setattr(Path, "is_dir", lambda self: next(answers, None) is not False and is_dir(self))
        assert tokens_of(corpus, Shape.SENTENCE, letters, 16, tmp_path).ids.tolist() == rival.ids.tolist()
        assert len(list((tmp_path / "tokens").iterdir())) == 1

    def test_a_text_that_was_cut_is_told_once(self, tmp_path, letters, corpus_of, caplog):
        corpus = corpus_of([sentence(0, "a" * 30), sentence(1, "a"), sentence(2, "b" * 30)])
        with caplog.at_level(logging.WARNING):
            for _ in range(2):
                tokens_of(corpus, Shape.SENTENCE, letters, 16, tmp_path)
        assert [r.getMessage() for r in caplog.records] == [
            "toy, eng, test: 2 of 3 texts are longer than 16 tokens and were cut, 's0' first"
        ]

    def test_a_row_without_room_is_refused(self, tmp_path, letters, corpus_of):
        with pytest.raises(HarnessError, match="max_length"):
            tokens_of(corpus_of([sentence(0, "a")]), Shape.SENTENCE, letters, 5, tmp_path)


@given(
    sizes=st.lists(st.lists(WORDS, min_size=1, max_size=4), min_size=1, max_size=4),
    data=st.data(),
)
def test_a_pool_has_the_examples_in_use_in_their_order(letters, corpus_of, sizes, data):
    corpora = [corpus_of([tagged(i, words) for i, words in enumerate(part)]) for part in sizes]
    corpora = [
        c.choose(data.draw(st.lists(st.sampled_from(range(len(c.examples))), unique=True, min_size=0))) for c in corpora
    ]
    with TemporaryDirectory() as folder:
        pooled = pool(corpora, [tokens_of(c, Shape.WORDS, letters, 9, Path(folder)) for c in corpora])
        used = [example for c in corpora for example in c]
        for i, example in enumerate(used):
            mine = pooled.select(np.flatnonzero(pooled.example == i))
            marks = mine.word[mine.word >= 0].tolist()
            assert marks == list(range(len(example.words)))
            firsts = [next((ord(c) for c in word if c.isalpha()), letters.unknown) for word in example.words]
            assert mine.ids[mine.word >= 0].tolist() == firsts
        assert set(pooled.example.tolist()) == set(range(len(used)))
