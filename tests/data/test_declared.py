"""What a task says of its files and its data set is understood, or refused with the word that was meant."""

import dataclasses

import pytest

from harness.data import declared
from harness.data.load import available, load
from harness.errors import DataError
from harness.spec import Files, Hub, TaskSpec

TASK = TaskSpec("mine", "nli", {"deu": "de"}, labels=("yes", "no"), splits={"train": "train", "test": "test"})
COLUMNS = {"first": 0, "second": 1, "label": 2}
GOOD = Files("tsv", "{code}/{split}.tsv", options={"header": False, "columns": COLUMNS, "group_every": 3})


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            Files("conll", "{code}", options={"delimter": "tab"}),
            "conll has no option 'delimter': did you mean 'delimiter'",
        ),
        (Files("squad", "{code}", options={"grop": "passage"}), "squad has no option 'grop': did you mean 'group'"),
        (Files("jsonl", "{code}", options={"header": False}), "jsonl has no option 'header'"),
        (Files("conllu", "{code}", options={"group_evry": 3}), "did you mean 'group_every'"),
        (
            Files("tsv", "{code}", options={"columns": {"first": 0, "secnd": 1}}),
            "files.options.columns: no field 'secnd': did you mean 'second'",
        ),
        (Files("conll", "{code}/{splt}.txt"), r"files.path: unknown placeholder \{splt\} .*known: \{code\}, \{split\}"),
        (Files("bucc", "{code}", gold="{cod}.gold"), r"files.gold: unknown placeholder \{cod\}"),
    ],
)
def test_a_misspelt_word_of_files_is_refused_wherever_the_task_is_read(tmp_path, files, message):
    task = dataclasses.replace(TASK, files=files)
    with pytest.raises(DataError, match=f"task mine.*{message}"):
        available(task, "test", tmp_path)
    with pytest.raises(DataError, match=message):
        load(task, "deu", "test", tmp_path)


@pytest.mark.parametrize(
    ("hub", "message"),
    [
        (Hub("a/b", columns={"frist": "premise"}), "hub.columns: no field 'frist': did you mean 'first'"),
        (Hub("a/b", config="{lang}"), r"hub.config: unknown placeholder \{lang\}.*known: \{code\}, \{pair\}, \{name\}"),
        (Hub("a/b", config="{split}"), "unknown placeholder"),
    ],
)
def test_a_misspelt_word_of_hub_is_refused(hub, message):
    with pytest.raises(DataError, match=message):
        declared.check(dataclasses.replace(TASK, hub=hub))


def test_what_is_spelt_well_passes():
    declared.check(dataclasses.replace(TASK, files=GOOD, hub=Hub("a/b", "{code}-{pair}", columns={"pivot": "en"})))
    choice = {"first": "premise", "option1": "a", "option12": "b", "answer": "label"}
    declared.check(dataclasses.replace(TASK, files=Files("jsonl", "a", options={"columns": choice})))
