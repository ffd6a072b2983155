"""Whatever is wrong with a file: one line that names file and line, and all other files are scored."""

import os

import pytest

from tests.submission.conftest import FORMS

LONG = "[" * 100_000
REFUSED = [
    ("labels", b"", "the file is empty"),
    ("labels", b"\n\n", "every line is blank"),
    ("labels", b"neutral\n", "line 1: 1 labels where gold has 2: 1 are missing"),
    ("labels", b"neutral\nneutral\nneutral\n", "line 3: 3 labels where gold has 2: 1 too many"),
    ("labels", b"neutral\n\nneutral\n", "line 2: no label"),
    ("labels", b"0\tneutral\n1\tneutral\n", "line 1: a tab, in '0\\tneutral'"),
    ("labels", b"neutral\nneu\xfftral\n", "line 2: not UTF-8"),
    ("labels", "neutral\nneutral\n".encode("utf-16"), "line 1: not UTF-8"),
    ("tags", b"", "the file is empty"),
    ("tags", b"B-PER\nO\n", "line 2: 1 sentences where gold has 2"),
    ("tags", b"B-PER\nO\n\nB-LOC\nO\n\nO\n", "line 7: 3 sentences where gold has 2"),
    ("tags", b"B-PER\nO\n\nB-LOC\n", "line 4: sentence 2 has 1 tags where gold has 2"),
    (
        "tags",
        b"B-PER\nO\nB-LOC\nO\n",
        "line 1: sentence 1 has 4 tags where gold has 2; each word needs one (1 sentences where gold has 2)",
    ),
    ("tags", b"Ada\tB-PER\nwrote\tO\n\nBonn\tB-LOC\nam\tO\n", "line 1: 'Ada\\tB-PER'; write one tag a line"),
    ("tags", b"B-PER\nO O\n\nB-LOC\nO\n", "line 2: 'O O'"),
    ("tags", b"B-PER\nO\n\nB-LOC\n\xfe\n", "line 5: not UTF-8"),
    ("tags", b"B-PER\nO\n\nB-LOC\nLOC\n", "line 5: tag 'LOC' is not one of B-LOC, B-ORG, B-PER"),
    ("tags", b"B-PER\nO\n\nB-LOC\n-LOC\n", "line 5: tag '-LOC' is not one of B-LOC, B-ORG, B-PER"),
    ("answers", b"", "the file is empty"),
    ("answers", b'{"q1": "Ada",\n "q2": ', "line 2: not JSON"),
    ("answers", b'["Ada", "Charles"]', "needs one JSON object, `{id: answer}`; found a list"),
    ("answers", b'"Ada"', "found a string"),
    ("answers", b'{"q1": "Ada",\n "q2": null}', "line 2: the answer to 'q2' must be a string, not null"),
    (
        "answers",
        b'{"q1": "Ada",\n "q2": {"text": "Ada"}}',
        "line 2: the answer to 'q2' must be a string, not an object",
    ),
    ("answers", b'{"q1": "Ada",\n "q2": "Ada",\n "q1": "Charles"}', "line 3: the key 'q1' stands twice"),
    ("answers", b'{"q1": NaN}', "NaN"),
    ("answers", b'{"q1": ' + b"9" * 5000 + b"}", "not JSON that can be read"),
    ("answers", LONG.encode(), "not JSON that can be read"),
    ("answers", b'{"q1": "\xe9"}', "line 1: not UTF-8"),
    ("pairs", b"de-1 en-1\nde-2\ten-2\n", "line 1: 'de-1 en-1' is not two ids"),
    ("pairs", b"de-1\ten-1\nde-2\ten-2\t0.93\n", "line 2: 'de-2\\ten-2\\t0.93' is not two ids"),
    ("pairs", b"de-1\ten-1\n\nde-2\ten-2\n", "line 2: '' is not two ids"),
    ("pairs", b"", "the file is empty"),
    ("indices", b"1\n", "line 1: 1 indices where gold has 2"),
    ("indices", b"1\nzero\n", "line 2: 'zero' is no index"),
    ("indices", b"1\n-1\n", "line 2: '-1' is no index"),
    ("indices", b"1.0\n0\n", "line 1: '1.0' is no index"),
    ("indices", "1\n٣\n".encode(), "line 2: '٣' is no index"),
    ("choices", b'{"label": 0}\n', "line 1: 1 labels where gold has 2"),
    ("choices", b'{"label": 0}\n{"answer": 1}\n', "line 2: needs an object with a `label`"),
    ("choices", b'{"label": 0}\n1\n', "line 2: needs an object with a `label`"),
    ("choices", b'{"label": 0}\n{"label": 1\n', "line 2: not JSON"),
    (
        "choices",
        b'{"label": 0}\n{"label": true}\n',
        "line 2: the label must be the number of an option, not a truth value",
    ),
    ("choices", b'{"label": 0}\n\n{"label": 1}\n', "line 2: the line is blank"),
    ("choices", b'{"label": 0}\n{"label": 1, "label": 0}\n', "line 2: the key 'label' stands twice"),
    ("rankings", b'{"m1": ["Q1"],\n "m2": "Q2"}', "line 2: 'm2' needs a list of ids (strings), not a string"),
    ("rankings", b'{"m1": ["Q1"],\n "m2": ["Q2", 3]}', "line 2: 'm2' needs a list of ids (strings), not a list with"),
    ("rankings", b'{"m1": ["Q1"],\n "m1": ["Q2"]}', "line 2: the key 'm1' stands twice"),
    ("rankings", b"[]", "found a list"),
]


@pytest.mark.parametrize(("form", "content", "words"), REFUSED, ids=[f"{f}-{w[:40]}" for f, _, w in REFUSED])
def test_a_file_out_of_form_is_named_and_the_rest_is_scored(folders, form, content, words):
    whole = folders.score()
    folders.file(form).write_bytes(content)
    found = folders.score()
    (error,) = found.errors
    assert error.startswith(str(folders.file(form)))
    assert words in error
    assert "\n" not in error
    task = FORMS[form][0]
    assert "deu" not in found.tallies[task]
    assert found.tallies[task]["eng"] == whole.tallies[task]["eng"]
    assert {name: of for name, of in found.tallies.items() if name != task} == {
        name: of for name, of in whole.tallies.items() if name != task
    }
    assert whole.complete
    assert not found.complete


NOTED = [
    (
        "labels",
        "neutral\nneutrall\n",
        "line 2: 'neutrall' is not a label of the task (contradiction, entailment, neutral)",
        0.5,
    ),
    ("tags", "B-PER\nO\n\nB-LOC\nI-MISC\n", "line 5: tag 'I-MISC' is not one of B-LOC, B-ORG", 0.4),
    ("answers", '{"q1": "Ada",\n "q9": "Ada"}', "line 2: 'q9' is the id of no question (1 such ids): ignored", 0.5),
    ("answers", '{"q1": "Ada"}', "no answer to 'q2', 1 of 2 in all: they score 0", 0.5),
    ("pairs", "de-1\ten-1\nde-1\ten-1\n", "1 lines repeat a pair", 2 / 3),
    ("indices", "1\n7\n", "line 2: '7' is beyond the last sentence, 1", 0.5),
    ("pairs", "de-1\ten-1\nde-7\ten-7\n", "line 2: neither 'de-7' nor 'en-7' is in any gold pair; 1 such pairs", 0.5),
    ("indices", f"1\n{'9' * 6000}\n", "is beyond the last sentence, 1", 0.5),
    ("choices", '{"label": 0}\n{"label": 2}\n', "line 2: '2' is not a label of the task (0, 1)", 0.5),
    ("rankings", '{"m1": ["Q1"],\n "m9": ["Q2"]}', "line 2: 'm9' is the id of no query (1 such ids): ignored", 0.5),
    ("rankings", '{"m1": ["Q3", "Q1"], "m2": []}', "", 0.25),
]


@pytest.mark.parametrize(("form", "content", "words", "score"), NOTED, ids=[f"{f}-{w[:40]}" for f, _, w, _ in NOTED])
def test_an_answer_that_cannot_be_right_is_noted_and_counted(folders, form, content, words, score):
    folders.file(form).write_text(content)
    found = folders.score()
    assert found.errors == ()
    if words:
        assert any(line.startswith(str(folders.file(form))) and words in line for line in found.notes), found.notes
    task, metrics, *_ = FORMS[form]
    assert found.tallies[task]["deu"][metrics[0]].score == pytest.approx(score)


def test_an_index_is_beyond_a_cut_of_tatoeba_from_a_thousand_on(folders):
    folders.file("indices", gold=True).write_text("3\n870\n")
    folders.file("indices").write_text("3\n999\n")
    assert not any("tatoeba" in note for note in folders.score().notes)
    folders.file("indices").write_text("3\n99999\n")
    found = folders.score()
    words = "line 2: '99999' is beyond the last sentence, 999; 1 such lines: counted as wrong"
    assert any(words in note for note in found.notes)
    assert found.tallies["tatoeba"]["deu"][FORMS["indices"][1][0]].score == 0.5


def test_gold_in_the_place_of_predictions_is_asked_about(folders):
    folders.file("answers").write_text(folders.file("answers", gold=True).read_text())
    (error,) = folders.score().errors
    assert error.startswith(str(folders.file("answers")))
    assert error.endswith("are the two folders swapped?")


def test_what_is_no_file_of_a_task_is_noted_in_one_line(folders):
    folder = folders.file("labels").parent
    for name in ("test-xx.tsv", "notes.txt", ".DS_Store"):
        (folder / name).write_text("neutral\n")
    assert folders.score().notes[0] == f"{folder}: no file of the task, ignored: notes.txt, test-xx.tsv"
    for i in range(5):
        (folder / f"a{i}").write_text("")
    assert folders.score().notes[0] == f"{folder}: no file of the task, ignored: a0, a1, a2, a3, a4 and 2 more"


@pytest.mark.parametrize("name", ["test-DE.tsv", "test-de.jsonl", "test_de.tsv", "test-de.tsv.txt"])
@pytest.mark.parametrize("gold", [False, True])
def test_a_missing_file_names_the_one_that_may_be_meant(folders, name, gold):
    file = folders.file("labels", gold=gold)
    file.rename(file.with_name(name))
    assert folders.score().errors == (f"{file}: no such file; is it {name}?",)


def test_an_unanswered_question_is_wrong_even_where_an_empty_answer_would_be_right(folders):
    gold = folders.file("answers", gold=True)
    gold.write_text(gold.read_text().replace('"Charles"', '"The"'))  # nothing is left of it when it is normalised
    folders.file("answers").write_text('{"q1": "Ada", "q2": ""}')
    assert folders.score().tallies["xquad"]["deu"]["squad_em"].score == 1.0
    folders.file("answers").write_text('{"q1": "Ada"}')
    assert folders.score().tallies["xquad"]["deu"]["squad_em"].score == 0.5


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content.replace(b"\n", b"\r\n"),
        lambda content: content.replace(b"\n", b"\r"),
        lambda content: b"\xef\xbb\xbf" + content,
        lambda content: content + b"\n\n",
        lambda content: content.rstrip(b"\n"),
        lambda content: content.replace(b"\n", b" \n"),
    ],
    ids=["CRLF", "CR", "BOM", "blank lines at the end", "no newline at the end", "spaces at the ends of lines"],
)
def test_how_lines_end_changes_no_score(folders, form, spoil):
    whole = folders.score()
    for gold in (False, True):
        file = folders.file(form, gold=gold)
        file.write_bytes(spoil(file.read_bytes()))
        found = folders.score()
        assert (found.tallies, found.errors) == (whole.tallies, ())


@pytest.mark.parametrize("form", FORMS)
def test_a_missing_language_is_named_and_nothing_else_is_lost(folders, form):
    folders.file(form).unlink()
    found = folders.score()
    assert found.errors == (f"{folders.file(form)}: no such file",)
    assert sum(len(languages) for languages in found.tallies.values()) == 2 * len(FORMS) - 1


def test_a_folder_where_a_file_should_be(folders):
    folders.file("labels").unlink()
    folders.file("labels").mkdir()
    (error,) = folders.score().errors
    assert error == f"{folders.file('labels')}: is a folder where a file should be"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(folders):
    folders.file("labels").chmod(0)
    (error,) = folders.score().errors
    assert "cannot be read: Permission denied" in error


def test_a_link_to_nowhere_is_a_missing_file_and_a_pipe_is_not_waited_for(folders):
    folders.file("labels").unlink()
    folders.file("labels").symlink_to("nowhere")
    folders.file("tags").unlink()
    os.mkfifo(folders.file("tags"))
    assert folders.score().errors == (
        f"{folders.file('labels')}: no such file",
        f"{folders.file('tags')}: is something else where a file should be",
    )


def test_a_misspelt_task_folder_is_pointed_out(folders):
    folders.file("labels").parent.rename(folders.predictions / "xnlii")
    found = folders.score()
    assert found.errors == (f"{folders.predictions / 'xnli'}: no such folder; xnli is not scored",)
    assert found.notes[0] == f"{folders.predictions / 'xnlii'}: not a task of forms, ignored; did you mean 'xnli'?"


HIDDEN = [
    ("labels", "X\nX\n"),
    ("labels", "\n\n"),
    ("labels", "-1\n-1\n"),
    ("tags", "X\n\nX\n"),
    ("tags", "O\n\n" * 51),
    ("indices", "0\n0\n"),
    ("choices", '{"label": -1}\n{"label": -1}\n'),
    ("choices", '{"label": 0}\n' * 51),
    ("answers", '{"data": [{"paragraphs": [{"context": "", "qas": [{"id": "q1", "question": "", "answers": []}]}]}]}'),
    ("answers", '{"data": [{"paragraphs": [{"context": "", "qas": [{"id": "q1", "question": ""}]}]}]}'),
    ("rankings", '{"m1": [], "m2": [""]}'),
]


@pytest.mark.parametrize(("form", "content"), HIDDEN)
def test_hidden_labels_are_named_and_not_scored(folders, form, content):
    file = folders.file(form, gold=True)
    file.write_text(content)
    (error,) = folders.score().errors
    assert error.startswith(str(file))
    assert "hidden" in error


def test_few_sentences_without_an_entity_may_be_real(folders):
    folders.file("tags", gold=True).write_text("O\nO\n\nO\nO\n")
    assert folders.score().errors == ()


GOLD = [
    ("answers", "{}", "not in SQuAD's form, no `data` in it; its keys are others"),
    ("answers", '{"q1": "Ada"}', "no `data` in it; it looks like predictions: are the two folders swapped?"),
    ("answers", '{"data": [{"title": "Ada"}]}', "a 'paragraphs' is missing"),
    ("rankings", '{"m1": ["Q1", "Q2"], "m2": ["Q2", "Q1"]}', "several candidates, as in predictions: are the two fol"),
    ("answers", '{"data": 3}', "not in SQuAD's form"),
    ("answers", '{"data": [{"paragraphs": [{"qas": [{"id": 3}]}]}]}', "not in SQuAD's form"),
    ("rankings", '{"m1": ["Q1"],\n "m2": []}', "line 2: the query 'm2' has no gold answer"),
    ("pairs", "de-1\n", "line 1: 'de-1' is not two ids"),
]


@pytest.mark.parametrize(("form", "content", "words"), GOLD)
def test_a_broken_gold_file_is_named_too(folders, form, content, words):
    folders.file(form, gold=True).write_text(content)
    (error,) = folders.score().errors
    assert error.startswith(str(folders.file(form, gold=True)))
    assert words in error


def test_a_key_that_stands_once_in_each_of_two_objects_is_no_clash(folders):
    folders.file("choices").write_text('{"label": 0, "of": {"label": 1}}\n{"label": 0}\n')
    assert folders.score().errors == ()


def test_the_message_about_a_line_is_short_and_printable(folders):
    folders.file("indices").write_text("1\n" + "\x1b[31m" + "x" * 10_000)
    (error,) = folders.score().errors
    assert len(error) < 300 + len(str(folders.predictions))
    assert error.isprintable()
