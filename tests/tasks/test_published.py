"""Tasks of the new types on small files of our own in the published layout, and in the hub's."""

import json
from dataclasses import replace

import pytest

from harness.data import hub
from harness.data.examples import LabelledText, Options, ValuedText
from harness.data.load import available, load
from harness.errors import DataError
from harness.sweep import build
from harness.sweep.options import Options as Read

READ = Read()


def task(name):
    return build.task(name, READ.read("task", name), READ)


def put(root, name, text):
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")


def lines(*records):
    return "".join(json.dumps(record) + "\n" for record in records)


COPA = {"premise": "It rained.", "choice1": "It was wet.", "choice2": "It was dry.", "question": "effect"}


def test_xcopa_asks_as_xtreme_r_does_and_shares_its_groups_with_copa(tmp_path):
    put(tmp_path, "xcopa/et/test.et.jsonl", lines({**COPA, "label": 0, "idx": 4, "changed": False}))
    put(tmp_path, "xcopa/et/val.et.jsonl", lines({**COPA, "question": "cause", "label": 1, "idx": 7, "changed": False}))
    put(tmp_path, "COPA/val.jsonl", lines({**COPA, "label": 1, "idx": 7}))
    options = ("It was wet.", "It was dry.")
    (found,) = load(task("xcopa"), "est", "test", tmp_path)
    assert found == Options("4", "copa:test/4", "It rained. What was the effect?", options, (1.0, 0.0))
    (found,) = load(task("xcopa_dev"), "est", "train", tmp_path)
    assert found == Options("7", "copa:val/7", "It rained. What was the cause?", options, (0.0, 1.0))
    (other,) = load(task("copa"), "eng", "dev", tmp_path)
    assert other.group == found.group
    assert available(task("xcopa"), "test", tmp_path) == ("est",)


def test_siqa_has_letters_for_its_three_answers(tmp_path):
    record = {"context": "A met B.", "question": "Why?", "answerA": "x", "answerB": "y", "answerC": "z", "correct": "C"}
    put(tmp_path, "socialIQa_v1.4_trn.jsonl", lines(record))
    (found,) = load(task("siqa"), "eng", "train", tmp_path)
    assert (found.first, found.options, found.gains) == ("A met B. Why?", ("x", "y", "z"), (0.0, 0.0, 1.0))


def test_semrel_has_both_sentences_in_one_cell(tmp_path):
    put(
        tmp_path,
        "semrel2024/Track C/esp_test_with_labels.csv",
        'PairID,Text,Score\nESP-1,"Una ""casa"", grande.\nOtra casa.",0.25\nESP-2,"a\nb",1.0\n',
    )
    first, second = load(task("semrel2024"), "spa", "test", tmp_path)
    assert first == ValuedText("ESP-1", "semrel2024:test_with_labels/ESP-1", 'Una "casa", grande.', "Otra casa.", 0.25)
    assert second.value == 1.0


@pytest.mark.parametrize(
    ("name", "file", "text", "expected"),
    [
        ("xglue_nc", "NC/xglue.nc.de.test", "Titel\tText\tsports\n", ("Titel", "Text", "sports")),
        ("xglue_qadsm", "QADSM/xglue.qadsm.de.test", "q\tTitel\tmehr\tBad\n", ("q", "Titel mehr", "Bad")),
        ("xglue_qam", "QAM/xglue.qam.de.test", "Frage?\tText\t1\n", ("Frage?", "Text", "1")),
    ],
)
def test_xglue_classifies_pairs(tmp_path, name, file, text, expected):
    put(tmp_path, file, text)
    assert list(load(task(name), "deu", "test", tmp_path)) == [
        LabelledText("0", f"{name}:test/0", *expected[:2], expected[2])
    ]


def test_xglue_ranks_the_pages_of_a_query(tmp_path):
    put(tmp_path, "WPR/xglue.wpr.zh.test", "甲\tt1\ts1\t4\n甲\tt2\t\t0\n乙\tt3\ts3\t2\n")
    first, second = load(task("xglue_wpr"), "zho-Hans", "test", tmp_path)
    assert first == Options("0", "xglue_wpr:test/0", "甲", ("t1 s1", "t2"), (4.0, 0.0))
    assert (second.id, second.options) == ("1", ("t3 s3",))


def test_xglue_s_test_as_it_was_released_has_no_grades(tmp_path):
    put(tmp_path, "WPR/xglue.wpr.zh.test", "甲\tt1\ts1\n甲\tt2\ts2\n")
    with pytest.raises(DataError, match="task xglue_wpr, zho-Hans test: labels hidden"):
        load(task("xglue_wpr"), "zho-Hans", "test", tmp_path)


def in_the_hub_s_layout(name, folder, config, split, columns, classes=None):
    """The task with a local folder in place of its data set: one split of one configuration."""
    datasets = pytest.importorskip("datasets")
    data = datasets.Dataset.from_dict(columns)
    for column, names in (classes or {}).items():
        data = data.cast_column(column, datasets.ClassLabel(names=names))
    data.to_parquet(folder / "data.parquet")
    where = f"- config_name: {config}\n  data_files:\n  - split: {split}\n    path: data.parquet\n"
    (folder / "README.md").write_text(f"---\nconfigs:\n{where}---\n", encoding="utf-8")
    found = task(name)
    return replace(found, hub=replace(found.hub, path=str(folder)))


def test_the_hub_s_columns_and_classes_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "online", lambda: False)
    columns = {key: [value] for key, value in COPA.items()} | {"idx": [3], "label": [1]}
    copa = in_the_hub_s_layout("copa", tmp_path, "copa", "train", columns, {"label": ["choice1", "choice2"]})
    (found,) = load(copa, "eng", "train", None)
    assert (found.first, found.gains, found.group) == ("It rained. What was the effect?", (0.0, 1.0), "copa:train/3")
    semrel = in_the_hub_s_layout(
        "semrel2024", tmp_path, "esp", "test", {"sentence1": ["a"], "sentence2": ["b"], "label": [0.5]}
    )
    (found,) = load(semrel, "spa", "test", None)
    assert (found.first, found.second, found.value) == ("a", "b", 0.5)


def test_the_hub_keeps_xglue_s_languages_in_splits(tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "online", lambda: False)
    columns = {"query": ["q", "q"], "web_page_title": ["t", "u"], "web_page_snippet": ["s", "v"]}
    classes = {"relavance_label": ["Bad", "Fair", "Good", "Excellent", "Perfect"]}
    wpr = in_the_hub_s_layout("xglue_wpr", tmp_path, "wpr", "test.zh", columns | {"relavance_label": [0, 3]}, classes)
    (found,) = load(wpr, "zho-Hans", "test", None)
    assert (found.options, found.gains) == (("t s", "u v"), (0.0, 3.0))
    assert available(wpr, "test", None) == ("zho-Hans",)
