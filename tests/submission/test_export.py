"""Stored predictions written as a submission: what was stored comes back to the last digit, and nothing is guessed."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from harness.errors import HarnessError
from harness.spec import Suite, SuiteTask
from harness.storage.store import Store
from harness.submission.export import export
from harness.submission.forms import forms
from tests.conftest import cell_record

SUITE = """\
tasks:
  mini_ner: {form: tags, languages: [de, en], metrics: ["span_f1|mode:strict|scheme:IOB2"]}
  mini_pos: {form: tags, languages: [de, en], metrics: [accuracy]}
  mini_nli: {form: labels, languages: [de, en]}
  mini_qa: {form: answers, languages: [de, en], metrics: [squad_em, squad_f1]}
  mini_retrieval: {form: indices, languages: [de], metrics: ["retrieval_accuracy|direction:both"]}
"""
TRAINED = "mini_ner,mini_pos,mini_nli,mini_qa"


def gold(store, folder):
    """The gold answers of the store's examples, laid out as labels are."""
    codes = {"deu": "de", "eng": "en"}
    for cell in store.cells():
        table = store.examples(cell.task, cell.predict_key, cell.target)
        answers = [json.loads(answer) for answer in table["gold"]]
        file = folder / cell.task / f"test-{codes[cell.target]}"
        file.parent.mkdir(parents=True, exist_ok=True)
        if cell.task == "mini_qa":
            questions = [
                {"id": id, "question": "?", "answers": [{"text": text} for text in texts]}
                for id, texts in zip(table["example_id"], answers, strict=True)
            ]
            content = json.dumps({"data": [{"paragraphs": [{"context": "", "qas": questions}]}]})
            file.with_name(f"{file.name}.json").write_text(content)
        elif cell.task == "mini_retrieval":
            file.with_name(f"{file.name}.tsv").write_text("".join(f"{i}\n" for i in range(len(answers))))
        elif cell.task == "mini_nli":
            file.with_name(f"{file.name}.tsv").write_text("".join(f"{label}\n" for label in answers))
        else:
            file.with_name(f"{file.name}.tsv").write_text("\n\n".join("\n".join(tags) for tags in answers))


def test_what_is_exported_scores_as_it_was_stored_and_can_be_imported(harness, tmp_path):
    (tmp_path / "mine" / "suite").mkdir(parents=True)
    (tmp_path / "mine" / "suite" / "own.yaml").write_text(SUITE)
    own = ("--config-dir", "mine", "--suite", "own")
    languages = ("source=eng", "target=[deu,eng]", "tracking=none")
    harness("run", "-m", f"task={TRAINED},mini_retrieval", "model=lexical", *languages, code=0)
    done = harness("export", "out", *own, "--model", "lexical", code=0)
    assert "9 files written to out" in done.stdout
    store = Store(tmp_path / "results")
    gold(store, tmp_path / "gold")

    harness("score", "out", "gold", *own, "--json", "scores.json", code=0)
    found = json.loads((tmp_path / "scores.json").read_text())
    stored = {(cell.task, cell.target): cell.scores for cell in store.cells()}
    for language, code in (("de", "deu"), ("en", "eng")):
        for task, key, signature in [
            ("mini_ner", "f1", "span_f1|mode:strict|scheme:IOB2"),
            ("mini_pos", "accuracy", "accuracy"),
            ("mini_nli", "accuracy", "accuracy"),
            ("mini_qa", "f1", "squad_f1"),
            ("mini_qa", "exact_match", "squad_em"),
        ]:
            assert found[task][key][language] == 100 * stored[task, code][signature]["score"]
    table = store.examples("mini_retrieval", *next((c.predict_key, c.target) for c in store.cells() if "ret" in c.task))
    first = [json.loads(answer)["cosine"][0] == 1 for answer in table["prediction"]]
    assert found["mini_retrieval"]["accuracy"]["de"] == pytest.approx(100 * sum(first) / len(first))

    read = ("model=predictions", f"model.checkpoint={tmp_path / 'out'}", "results=again")
    harness("run", "-m", f"task={TRAINED}", *read, *languages, code=0)
    again = {(cell.task, cell.target): cell.scores for cell in Store(tmp_path / "again").cells()}
    assert again == {key: scores for key, scores in stored.items() if key[0] != "mini_retrieval"}


# -- stores made by hand

TASKS = {
    "pawsx": ("labels", {"deu": "de", "fra": "fr"}),
    "udpos": ("tags", {"deu": "de"}),
    "tatoeba": ("indices", {"deu": "de"}),
    "bucc2018": ("pairs", {"deu": "de"}),
    "xcopa": ("choices", {"est": "et"}),
    "mewslix": ("rankings", {"deu": "de"}),
}


def suite(*names):
    spelt = {"different": "0", "paraphrase": "1"}
    return Suite(
        "own", {name: SuiteTask(name, TASKS[name][1], ("accuracy",), (), name, TASKS[name][0], spelt) for name in names}
    )


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results")


def put(store, task, predictions, target="deu", **changes):
    """A cell with these predictions."""
    ids = [f"s{i}" for i in range(len(predictions))]
    table = pd.DataFrame(
        {"example_id": ids, "group_id": ids, "gold": "0", "prediction": list(map(json.dumps, predictions))}
    )
    number = sum(1 for _ in store.cells())
    fields = {"task": task, "target": target, "predict_key": f"p{number}", "n": len(ids), "groups": len(ids), **changes}
    store.write_cell(cell_record(**fields), table)


def write(store, out, *names, conditions=("model=tiny",)):
    return export(store, suite(*names), conditions, out)


PREDICTIONS = [
    ("pawsx", ["paraphrase", "different"], ["1", "0"]),
    ("xcopa", [[0.1, 0.9], [0.5, 0.5]], ["1", "0"]),
    ("udpos", [["NOUN", "VERB"], ["X"]], [["NOUN", "VERB"], ["X"]]),
    ("tatoeba", [{"cosine": [1, 1], "found": "s0"}, {"cosine": [2, 1], "found": "s0"}], ["0", "0"]),
    ("bucc2018", [["e7"], [], ["e1"]], [("s0", "e7"), ("s2", "e1")]),
    ("mewslix", [["Q1", "Q2"], {"all": ["Q3"], "own": []}], {"s0": ["Q1", "Q2"], "s1": ["Q3"]}),
]


@pytest.mark.parametrize(("task", "predictions", "expected"), PREDICTIONS, ids=[task for task, *_ in PREDICTIONS])
def test_a_file_says_what_was_predicted_in_the_suites_spelling(store, tmp_path, task, predictions, expected):
    form, languages = TASKS[task]
    (target, *_), reader = languages, forms()[form]
    put(store, task, predictions, target=target)
    write(store, tmp_path / "out", task)
    read = reader.read(tmp_path / "out" / task / f"test-{languages[target]}{reader.suffix}")
    assert (read.sentences if form == "tags" else read) == expected


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 2}, "seed (1, 2)"),
        ({"sources": ("deu", "eng")}, "sources (deu+eng, eng)"),
        ({"strategy": "few_shot", "shots": 5}, "strategy (few_shot, zero_shot); shots (0, 5)"),
        ({"train_key": "t1"}, "train_key (t0, t1)"),
    ],
)
def test_several_runs_are_refused_with_what_they_differ_in(store, tmp_path, changes, words):
    put(store, "pawsx", ["different"])
    put(store, "pawsx", ["paraphrase"], **changes)
    with pytest.raises(HarnessError, match="several runs fit, which differ in") as error:
        write(store, tmp_path / "out", "pawsx")
    assert words in str(error.value)
    assert not (tmp_path / "out").exists()
    # each of the two can be named, also where they have different languages
    for field, value in changes.items():
        shown = "+".join(value) if isinstance(value, tuple) else value
        write(store, tmp_path / f"of {field}", "pawsx", conditions=("model=tiny", f"{field}={shown}"))
        assert (tmp_path / f"of {field}" / "pawsx" / "test-de.tsv").read_text() == "1\n"


def test_languages_of_two_runs_are_not_mixed(store, tmp_path):
    put(store, "pawsx", ["different"], target="deu")
    put(store, "pawsx", ["paraphrase"], target="fra", seed=2)
    with pytest.raises(HarnessError, match=r"seed \(1, 2\)"):
        write(store, tmp_path / "out", "pawsx")


def test_the_targets_of_a_few_shot_run_belong_together_though_each_was_trained_for(store, tmp_path):
    put(store, "pawsx", ["different"], target="deu", train_key="t1", shots=5)
    put(store, "pawsx", ["paraphrase"], target="fra", train_key="t2", shots=5)
    assert write(store, tmp_path / "out", "pawsx").files == {"pawsx": 2}


def test_a_limited_run_is_left_out_unless_it_is_asked_for(store, tmp_path):
    put(store, "pawsx", ["different"], limit=10)
    with pytest.raises(HarnessError, match="no cell of a task of own with model=tiny"):
        write(store, tmp_path / "out", "pawsx")
    assert write(store, tmp_path / "out", "pawsx", conditions=("model=tiny", "limit=10")).files == {"pawsx": 1}


def test_what_is_missing_is_said_and_the_rest_written(store, tmp_path):
    put(store, "pawsx", ["different"])
    put(store, "tatoeba", [[1, 1]])
    done = write(store, tmp_path / "out", "pawsx", "udpos", "tatoeba")
    assert done.files == {"pawsx": 1, "udpos": 0, "tatoeba": 0}
    (fra, tatoeba, udpos) = sorted(done.problems, key=lambda line: line.split()[0] == "udpos:")
    assert fra == "pawsx: no stored predictions for fra"
    assert udpos == "udpos: no stored predictions for deu"
    assert tatoeba.startswith("tatoeba, deu: its stored predictions do not say what a file of indices needs")
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["pawsx"]


def test_a_folder_that_is_there_is_not_written_into(store, tmp_path):
    put(store, "pawsx", ["different"])
    (tmp_path / "out").mkdir()
    write(store, tmp_path / "out", "pawsx")  # an empty one is filled
    before = sorted(tmp_path.rglob("out/*"))
    with pytest.raises(HarnessError, match="is there already"):
        write(store, tmp_path / "out", "pawsx")
    assert sorted(tmp_path.rglob("out/*")) == before


def test_nothing_is_left_behind_where_the_disk_refuses(store, tmp_path, monkeypatch):
    put(store, "pawsx", ["different"])
    put(store, "pawsx", ["different"], target="fra")
    calls = []

    def full(source, target):
        calls.append(target)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        return rename(source, target)

    import os

    rename = os.replace
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(HarnessError, match="No space left"):
        write(store, tmp_path / "out", "pawsx")
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_an_unknown_column_is_answered_with_the_nearest(store, tmp_path):
    put(store, "pawsx", ["different"])
    with pytest.raises(HarnessError, match="did you mean 'seed'"):
        write(store, tmp_path / "out", "pawsx", conditions=("sead=1",))
    with pytest.raises(HarnessError, match="write COLUMN=VALUE"):
        write(store, tmp_path / "out", "pawsx", conditions=("seed",))


def test_a_suite_of_other_folders_is_written_as_xglue_is_laid_out(store, tmp_path):
    put(store, "pawsx", ["different"])
    xglue = replace(suite("pawsx"), name="xglue")
    task = replace(xglue.tasks["pawsx"], folder="PAWSX")
    export(store, replace(xglue, tasks={"pawsx": task}), ("model=tiny",), tmp_path / "out")
    assert (tmp_path / "out" / "PAWSX" / "de.prediction").read_text() == "0\n"
