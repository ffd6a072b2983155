"""A small submission of every form, right in every line, beside its gold; and XTREME's own example."""

import json

import pytest

from harness.spec import Suite, SuiteTask
from harness.submission.score import score
from harness.sweep.options import Options

LANGUAGES = {"deu": "de", "eng": "en"}
SQUAD = {
    "data": [
        {
            "paragraphs": [
                {
                    "context": "Ada wrote to Charles.",
                    "qas": [
                        {"id": "q1", "question": "Who wrote?", "answers": [{"text": "Ada", "answer_start": 0}]},
                        {"id": "q2", "question": "To whom?", "answers": [{"text": "Charles", "answer_start": 13}]},
                    ],
                }
            ]
        }
    ]
}
Q1, Q2 = '{\n "q1": "Ada",', '\n "q2": "Babbage"\n}\n'
LABELS = '{"label": 0}\n{"label": 1}\n', '{"label": 0}\n{"label": 0}\n'
RANKED = '{\n "m1": ["Q1"],\n "m2": ["Q2"]\n}', '{\n "m1": ["Q1", "Q9"]\n}'
SPANS = ["span_f1|mode:legacy|scheme:IOB2"]
# form: task (whose labels are asked for), metrics, file, gold, a prediction that is half right
FORMS = {
    "labels": ("xnli", ["accuracy"], "tsv", "neutral\nentailment\n", "neutral\nneutral\n"),
    "tags": ("panx", SPANS, "tsv", "B-PER\nO\n\nB-LOC\nI-LOC\n", "B-PER\nO\n\nB-LOC\nO\n"),
    "answers": ("xquad", ["squad_em", "squad_f1"], "json", json.dumps(SQUAD), Q1 + Q2),
    "pairs": ("bucc2018", ["mining_f1"], "tsv", "de-1\ten-1\nde-2\ten-2\n", "de-1\ten-1\nde-2\ten-9\n"),
    "indices": ("tatoeba", ["retrieval_accuracy|direction:forward"], "tsv", "1\n0\n", "1\n1\n"),
    "choices": ("xcopa", ["choice_accuracy"], "jsonl", *LABELS),
    "rankings": ("mewslix", ["mrr_at|k:20"], "json", *RANKED),
}


def suite(*forms):
    """A suite of a task of each form."""
    tasks = {form: FORMS[form][0] for form in forms}
    return Suite(
        "forms",
        {task: SuiteTask(task, LANGUAGES, tuple(FORMS[form][1]), (), task, form) for form, task in tasks.items()},
    )


class Folders:
    """A submission and its gold on disk, to be spoilt."""

    def __init__(self, root, forms=tuple(FORMS)):
        self.predictions, self.gold = root / "predictions", root / "gold"
        self.suite = suite(*forms)
        for task, _, suffix, gold, prediction in map(FORMS.__getitem__, forms):
            for language in LANGUAGES.values():
                for folder, content in ((self.gold, gold), (self.predictions, prediction)):
                    path = folder / task / f"test-{language}.{suffix}"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(content, encoding="utf-8")

    def file(self, form, language="de", gold=False):
        """The file of a form."""
        task, _, suffix, *_ = FORMS[form]
        return (self.gold if gold else self.predictions) / task / f"test-{language}.{suffix}"

    def score(self):
        return score(self.predictions, self.gold, self.suite, Options())


@pytest.fixture
def folders(tmp_path):
    return Folders(tmp_path)


@pytest.fixture
def mock(real_data):
    folder = real_data / "xtreme_mock" / "mock_test_data"
    if not folder.is_dir():
        pytest.skip("no xtreme_mock in the folder of real data")
    return folder
