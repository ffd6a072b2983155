"""Tasks that no file was at hand for, loaded from small files of our own in the layouts that they are published in."""

import json

import pytest

from harness.data.load import available, load
from harness.errors import DataError
from harness.sweep import build
from harness.sweep.options import Options

OPTIONS = Options()


def spec(name):
    return build.task(name, OPTIONS.read("task", name), OPTIONS)


def squad_json(*questions):
    """SQuAD's form: ``(title, context, id, question, answer)`` each."""
    data = [
        {
            "title": title,
            "paragraphs": [
                {
                    "context": context,
                    "qas": [
                        {"id": id, "question": q, "answers": [{"text": answer, "answer_start": context.index(answer)}]}
                    ],
                }
            ],
        }
        for title, context, id, q, answer in questions
    ]
    return json.dumps({"version": "1.1", "data": data})


XNLI_HEADER = "language\tgold_label\tsentence1_binary_parse\tsentence1\tsentence2\tpromptID\tpairID\n"
XNLI_ROWS = "".join(
    f"{code}\t{label}\t\t{code} premise\t{code} {label}\t1\t{i}\n"
    for i, label in enumerate(("neutral", "entailment", "contradiction"))
    for code in ("ar", "de", "en")
)
WIKIANN = "de:Ulm\tB-LOC\nde:liegt\tO\n\nde:Ann\tB-PER\nde:Lee\tI-PER\n"
CONLL = "Ann B-PER\nlives O\nin O\nUlm B-LOC\n\nIt B-MISC\nrains O\n"
ULM = ("Ulm", "Ulm lies on the Danube.", "q1", "Where does Ulm lie?", "on the Danube")
MLQA = {
    "MLQA_V1/test/test-context-de-question-de.json": squad_json(ULM),
    "MLQA_V1/test/test-context-de-question-en.json": squad_json((*ULM[:3], "Where is Ulm?", ULM[4])),
}

# task: files below the root, language, split, number of items, and one field of the first
LAYOUTS = {
    "mnli": (
        {"XNLI-MT-1.0/multinli/multinli.train.en.tsv": "premise\thypo\tlabel\nRain .\tNo rain .\tcontradictory\n"},
        ("eng", "train", 1, ("label", "contradiction")),
    ),
    "xnli": ({"XNLI-1.0/xnli.test.tsv": XNLI_HEADER + XNLI_ROWS}, ("deu", "test", 3, ("first", "de premise"))),
    "pawsx": (
        {"x-final/de/test_2k.tsv": "id\tsentence1\tsentence2\tlabel\n1\tEs regnet .\tRegen fällt .\t1\n"},
        ("deu", "test", 1, ("label", "paraphrase")),
    ),
    "panx": ({"panx_dataset/de/test": WIKIANN}, ("deu", "test", 2, ("words", ("Ulm", "liegt")))),
    "wikiann": (
        {"panx_dataset/als/train": WIKIANN.replace("de:", "als:")},
        ("gsw", "train", 2, ("tags", ("B-LOC", "O"))),
    ),
    "squad": ({"train-v1.1.json": squad_json(ULM)}, ("eng", "train", 1, ("group", "squad-dev:Ulm"))),
    "mlqa": (MLQA, ("deu", "test", 1, ("id", "q1"))),
    "mlqa_cross": (MLQA, ("deu", "test", 2, ("id", "test-context-de-question-de/q1"))),
    "masakhapos": (
        {"masakhane-pos/data/swa/test.txt": "Juma PROPN\nanasoma VERB\n. PUNCT\n"},
        ("swh", "test", 1, ("tags", ("PROPN", "VERB", "PUNCT"))),
    ),
    "multiconer2": (
        {"multiconer/EN-English/en_dev.conll": "\n# id 4a-b\nann _ _ B-Artist\nlee _ _ I-Artist\n# _ _ O\n"},
        ("eng", "dev", 1, ("words", ("ann", "lee", "#"))),
    ),
    "flores200": (
        {"flores200_dataset/devtest/ace_Arab.devtest": "سات\nدوا\n"},
        ("ace-Arab", "test", 2, ("id", "1")),
    ),
    "sib200": (
        {"sib-200/data/annotated/eng_Latn/dev.tsv": "index_id\tcategory\ttext\n7\tscience/technology\tIt works.\n"},
        ("eng", "dev", 1, ("label", "science/technology")),
    ),
    "taxi1500": (
        {"Taxi1500-c_v1.0/eng/eng_test.tsv": "66018007\tGrace\tKindness is given .\n"},
        ("eng", "test", 1, ("id", "66018007")),
    ),
    "kinnews": (
        {"KINNEWS/cleaned/train.csv": '"label","title","content"\n"2","umupira","ikipe, ""APR""\nyatsinze"\n'},
        ("kin", "train", 1, ("second", 'ikipe, "APR"\nyatsinze')),
    ),
    "kirnews": (
        {"KIRNEWS/cleaned/test.csv": "label,title,content\n14,urugo,ubuzima\n"},
        ("run", "test", 1, ("label", "relationship")),
    ),
    "farstail": (
        {"FarsTail/data/Test-word.csv": "premise\thypothesis\tlabel\nباران می بارد\tهوا خشک است\tc\n"},
        ("pes", "test", 1, ("label", "contradiction")),
    ),
    "xglue_ner": (
        {"xglue_full_dataset/NER/de.test": CONLL},
        ("deu", "test", 2, ("tags", ("B-PER", "O", "O", "B-LOC"))),
    ),
    "xglue_pos": (
        {"xglue_full_dataset/POS/th.dev": "ฝน NOUN\nตก VERB\n\n"},
        ("tha", "dev", 1, ("words", ("ฝน", "ตก"))),
    ),
}
MISSING = {"xnli2"}  # a copy of the hub's data set: see test_hub_layouts


def put(root, files):
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")
    return root


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_published_layout_loads(name, tmp_path):
    contents, (language, split, n, (field, value)) = LAYOUTS[name]
    corpus = load(spec(name), language, split, put(tmp_path, contents))
    assert len(corpus) == n
    assert getattr(next(iter(corpus)), field) == value
    assert language in available(spec(name), split, tmp_path)


def test_every_task_without_files_at_hand_has_a_layout():
    mine = {name for name in OPTIONS.names("task") if spec(name).checked == "format_only"}
    elsewhere = {
        "copa",
        "siqa",
        "semrel2024",
        "xglue_nc",
        "xglue_qadsm",
        "xglue_qam",
        "xglue_wpr",
        "bucc2018",
        "mewslix",
    }
    assert mine - elsewhere <= set(LAYOUTS) | MISSING


def test_rows_of_other_languages_are_left_out_and_three_share_a_premise(tmp_path):
    corpus = load(spec("xnli"), "arb", "test", put(tmp_path, LAYOUTS["xnli"][0]))
    assert [(e.id, e.group, e.label) for e in corpus] == [
        (str(i), "xnli-test:0", label) for i, label in enumerate(("neutral", "entailment", "contradiction"))
    ]


def test_only_the_english_training_data_of_pawsx_are_read(tmp_path):
    header = "id\tsentence1\tsentence2\tlabel\n"
    put(tmp_path, {f"x-final/{name}.tsv": header + "1\ta\tb\t0\n" for name in ("en/train", "de/translated_train")})
    assert available(spec("pawsx"), "train", tmp_path) == ("eng",)


def test_the_versions_of_a_question_in_seven_languages_are_one_group(tmp_path):
    corpus = load(spec("mlqa_cross"), "deu", "test", put(tmp_path, MLQA))
    assert [(e.id, e.group) for e in corpus] == [
        ("test-context-de-question-de/q1", "mlqa-questions:q1"),
        ("test-context-de-question-en/q1", "mlqa-questions:q1"),
    ]


def test_the_first_masakhaner_is_not_the_second(tmp_path):
    files = ("masakhane-ner/data/hau", "masakhane-ner/data/amh", "masakhane-ner/MasakhaNER2.0/data/hau")
    put(tmp_path, {f"{folder}/test.txt": f"{folder[-7:-4]} O\n" for folder in files})
    one, two = spec("masakhaner1"), spec("masakhaner2")
    assert load(one, "hau", "test", tmp_path).files == ("masakhane-ner/data/hau/test.txt",)
    assert load(two, "hau", "test", tmp_path).files == ("masakhane-ner/MasakhaNER2.0/data/hau/test.txt",)
    assert available(one, "test", tmp_path) == ("amh", "hau")


def test_chinese_entities_stay_in_their_script(tmp_path):
    sets = {"Chinese-GSD": "zh_gsd", "Chinese-GSDSIMP": "zh_gsdsimp", "Chinese-PUD": "zh_pud"}
    line = "# sent_id = {}\n1\t字\tB-LOC\t-\t-\n"
    put(tmp_path, {f"UNER_{name}/{code}-ud-test.iob2": line.format(code) for name, code in sets.items()})
    files = {code: load(spec("uner"), code, "test", tmp_path).files for code in ("zho-Hans", "zho-Hant")}
    assert files == {
        "zho-Hans": ("UNER_Chinese-GSDSIMP/zh_gsdsimp-ud-test.iob2",),
        "zho-Hant": ("UNER_Chinese-GSD/zh_gsd-ud-test.iob2", "UNER_Chinese-PUD/zh_pud-ud-test.iob2"),
    }


@pytest.mark.parametrize(
    ("name", "language", "file", "content", "message"),
    [
        (
            "xnli",
            "deu",
            "XNLI-1.0/xnli.test.tsv",
            "language\tgold_label\nde\tneutral\n",
            r"line 1: no column 'sentence1'",
        ),
        ("xnli", "deu", "XNLI-1.0/xnli.test.tsv", XNLI_HEADER + XNLI_ROWS + "de\tneutral\n", r"line 11: 2 columns"),
        ("xnli", "tha", "XNLI-1.0/xnli.test.tsv", XNLI_HEADER + XNLI_ROWS, r"no item in XNLI-1\.0/xnli\.test\.tsv"),
        ("kinnews", "kin", "KINNEWS/cleaned/test.csv", 'label,title,content\n1,"a,b\n', r"test\.csv, line 2: no comma"),
        (
            "kinnews",
            "kin",
            "KINNEWS/cleaned/test.csv",
            "label,title,content\n15,a,b\n",
            r"line 2: label '15' is not one",
        ),
        ("panx", "deu", "panx_dataset/de/test", "de:Ulm\tB-MISC\n", r"de/test, line 1: tag 'B-MISC'"),
        ("panx", "deu", "panx_dataset/de/test", "de:\tO\n", r"line 1: the word is empty"),
        (
            "sib200",
            "eng",
            "sib200/eng_Latn/test.tsv",
            "index_id\tcategory\ttext\n1\tsports\t\n",
            r"line 2: the field 'first'",
        ),
        ("multiconer2", "eng", "multiconer/en_test.conll", "a _ _ B-Painter\n", r"line 1: tag 'B-Painter'"),
        ("mlqa", "deu", "MLQA_V1/test/test-context-de-question-de.json", '{"data": [', r"de\.json, line 1: no JSON"),
    ],
)
def test_a_fault_is_named_with_file_and_line(name, language, file, content, message, tmp_path):
    with pytest.raises(DataError, match=message):
        load(spec(name), language, "test", put(tmp_path, {file: content}))
