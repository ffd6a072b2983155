"""XGLUE's layout and the habits of its scorer, against the libraries that it calls."""

import json

import numpy as np
import pytest
from seqeval.metrics import f1_score, precision_score
from sklearn.metrics import ndcg_score

from harness.submission import official
from harness.submission.score import score
from harness.suites import read_suite
from harness.sweep.options import Options
from tests.submission.conftest import SQUAD

NER_GOLD = [["B-PER", "I-PER", "O"], ["O", "B-LOC"], ["I-ORG", "O"]]
NER = [["B-PER", "O", "O"], ["O", "B-LOC"], ["I-ORG", "I-ORG"]]
POS_GOLD = [["NOUN", "VERB", "PUNCT"], ["DET", "NOUN"]]
POS = [["NOUN", "NOUN", "PUNCT"], ["DET", "NOUN"]]


def words(sentences):
    return "-DOCSTART- -X- O\n\n" + "\n".join("".join(f"word {tag}\n" for tag in sentence) for sentence in sentences)


def tags(sentences):
    return "\n".join("".join(f"{tag}\n" for tag in sentence) for sentence in sentences)


GOLD = {
    "NER/de.test": words(NER_GOLD),
    "POS/de.test": words(POS_GOLD),
    "NC/xglue.nc.de.test": "a\tb\tsports\na\tb\tnews\n",
    "MLQA/MLQA_V1/test/test-context-de-question-de.json": json.dumps(SQUAD),
    "XNLI/de.test": "p\th\tneutral\np\th\tentailment\n",
    "PAWSX/de/test_2k.tsv": "id\tsentence1\tsentence2\tlabel\n1\ta\tb\t0\n2\ta\tb\t1\n\n",
    "QADSM/xglue.qadsm.de.test": "q\tt\td\tGood\nq\tt\td\tBad\n",
    "WPR/xglue.wpr.de.test": "".join(f"q{q}\tt\ts\t{n}\n" for q, n in ("14", "10", "11", "23", "30", "32", "40", "40")),
    "QAM/xglue.qam.de.test": "q\ta\t1\nq\ta\t0\n",
}  # fmt: skip
PREDICTIONS = {
    "NER": tags(NER),
    "POS": tags(POS),
    "NC": "sports\nsports\n",
    "MLQA": '{"q1": "Ada", "q2": "to Charles"}',
    "XNLI": "neutral\nneutral\n",
    "PAWSX": "0\n0\n",
    "QADSM": "Good\nGood\n",
    "WPR": "2\n2\n3\n0\n1\n0\n4\n1\n",
    "QAM": "0\n0\n",
}


@pytest.fixture
def folders(tmp_path):
    for name, content in GOLD.items():
        path = tmp_path / "gold" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    for name, content in PREDICTIONS.items():
        path = tmp_path / "predictions" / name / "de.prediction"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path


def scored(folders, mode=None):
    options = Options()
    return score(folders / "predictions", folders / "gold", read_suite("xglue", options), options, mode)


def german(found):
    return {task: of["de"] for task, of in official.as_json(found).items()}


def test_each_task_has_the_score_that_the_official_calls_give(folders):
    pages = [([4, 0, 1], [2, 2, 3]), ([0, 2], [1, 0]), ([0, 0], [4, 1])]  # q2 has one page and is left out
    ndcg = np.mean([ndcg_score([gold], [guess]) for gold, guess in pages])
    found = scored(folders)
    assert german(found) == pytest.approx(
        {
            "NER": f1_score(NER_GOLD, NER),
            "POS": 0.75,  # of four chunks that were predicted, one is NOUN NOUN
            "NC": 0.5,
            "MLQA": 100 * (1 + 2 / 3) / 2,
            "XNLI": 0.5,
            "PAWSX": 0.5,
            "QADSM": 0.5,
            "WPR": ndcg,
            "QAM": 0.5,
        }
    )
    assert found.notes == ()
    assert german(scored(folders, "lenient"))["POS"] == pytest.approx(precision_score(POS_GOLD, POS))


def test_an_average_is_null_while_languages_are_missing(folders):
    found = official.as_json(scored(folders))["QAM"]
    assert found["avg"] is None
    assert found["coverage"] == {"scored": 1, "of": 3, "missing": ["en", "fr"]}
    for language in ("en", "fr"):
        (folders / "predictions" / "QAM" / f"{language}.prediction").write_text("1\n0\n")
        (folders / "gold" / "QAM" / f"xglue.qam.{language}.test").write_text(GOLD["QAM/xglue.qam.de.test"])
    assert official.as_json(scored(folders))["QAM"] == {"de": 0.5, "en": 1.0, "fr": 1.0, "avg": 2.5 / 3}


def test_short_sentences_are_filled_up_and_long_ones_refused(folders):
    file = folders / "predictions" / "NER" / "de.prediction"
    file.write_text("B-PER\nI-PER\n\nO\n\nI-ORG\nO\n")
    found = scored(folders)
    filled = [["B-PER", "I-PER", "O"], ["O", "O"], ["I-ORG", "O"]]
    assert german(found)["NER"] == pytest.approx(f1_score(NER_GOLD, filled))
    (note,) = found.notes
    assert note.startswith(f"{file}, line 1: 2 sentences have fewer tags than gold")
    file.write_text("B-PER\nI-PER\nO\nO\n\nO\n\nI-ORG\nO\n")
    found = scored(folders)
    assert "NER" not in german(found)
    assert any(line.startswith(f"{file}, line 1: sentence 1 has 4 tags where gold has 3") for line in found.errors)


WRONG = [
    ("WPR", "good\n" * 8, "line 1: 'good' is no grade"),
    ("WPR", "1\n" * 7 + "nan\n", "line 8: 'nan' is no grade"),
    ("WPR", "1\n" * 7, "line 7: 7 grades where gold has 8"),
    ("QAM", "1\n", "line 1: 1 labels where gold has 2"),
    ("MLQA", "[]", "found a list"),
    (
        "POS",
        "NOUN\n",
        "line 1: sentence 1 has 1 tags where gold has 3; each word needs one (1 sentences where gold has 2)",
    ),
]


@pytest.mark.parametrize(("task", "content", "words"), WRONG)
def test_a_malformed_file_is_named_and_the_rest_scored(folders, task, content, words):
    whole = german(scored(folders))
    file = folders / "predictions" / task / "de.prediction"
    file.write_text(content)
    found = scored(folders)
    (error,) = [line for line in found.errors if "/de." in line]
    assert error.startswith(f"{file}")
    assert words in error
    assert german(found) == {name: value for name, value in whole.items() if name != task}


HIDDEN = [
    ("NER/de.test", "Ada\nwrote\n\nBonn\n", "the labels are hidden"),
    ("NER/de.test", "Ada O\n\n" * 51, "the labels are hidden"),
    ("QAM/xglue.qam.de.test", "q\ta\nq\ta\n", "none of 0, 1"),
    ("PAWSX/de/test_2k.tsv", "id\tsentence1\tsentence2\tlabel\n", "no line with a label"),
]


@pytest.mark.parametrize(("name", "content", "words"), HIDDEN)
def test_gold_files_without_labels_are_named(folders, name, content, words):
    (folders / "gold" / name).write_text(content)
    (error,) = [line for line in scored(folders).errors if str(folders / "gold" / name) in line]
    assert words in error


def test_a_labels_file_in_the_place_of_a_prediction_is_asked_about(folders):
    file = folders / "predictions" / "NER" / "de.prediction"
    file.rename(file.with_name("de.test"))
    assert scored(folders).errors[0] == f"{file}: no such file; de.test is there: are the two folders swapped?"
