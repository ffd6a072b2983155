import csv
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data.readers import READERS, Request
from harness.errors import DataError

CONLLU = """\
# newdoc id = n01001
# sent_id = n01001011
# text = Vámonos al mar
1-2\tVámonos\t_\t_\t_\t_\t_\t_\t_\t_
1\tVamos\tir\tVERB\t_\t_\t0\troot\t_\t_
2\tnos\tnosotros\tPRON\t_\t_\t1\tobj\t_\t_
2.1\tnada\t_\tNOUN\t_\t_\t_\t_\t_\t_
3\tal mar\tmar\tNOUN\t_\t_\t1\tobl\t_\t_

# sent_id = n01002017
# text = No
1\tNo\tno\tINTJ\t_\t_\t0\troot\t_\t_
"""


def read(reader, *paths, **options):
    return list(READERS[reader].rows(Request(paths, "spa", "es", "test", options)))


@pytest.fixture
def write(tmp_path):
    def to(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return to


def test_conllu_leaves_out_multiword_tokens_and_empty_nodes(write):
    first, second = read("conllu", write("a.conllu", CONLLU))
    assert first.fields["words"] == ["Vamos", "nos", "al mar"]
    assert first.fields["tags"] == ["VERB", "PRON", "NOUN"]
    assert first.fields["id"] == "n01001011"
    assert second.fields["words"] == ["No"]


def test_conllu_gives_text_and_document(write):
    rows = read("conllu", write("a.conllu", CONLLU), group="document", text=True)
    assert [row.fields for row in rows] == [
        {"id": "n01001011", "group": "n01001", "text": "Vámonos al mar"},
        {"id": "n01002017", "group": "n01002", "text": "No"},
    ]


def test_conllu_ids_of_pooled_treebanks_stay_apart(write):
    paths = write("es_a-ud-test.conllu", CONLLU), write("es_b-ud-test.conllu", CONLLU)
    ids = [row.fields["id"] for row in read("conllu", *paths)]
    assert len(set(ids)) == 4
    assert ids[0] == "es_a-ud-test/n01001011"


def test_a_truncated_conllu_file_names_file_and_line(write):
    cut = CONLLU[: CONLLU.index("mar\tmar\tNOUN") + 6]
    with pytest.raises(DataError, match=r"es/a\.conllu, line 8: 3 columns where CoNLL-U has 10"):
        read("conllu", write("es/a.conllu", cut))


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("# sent_id = x1\n1\tNo\tno\tINTJ\t_\t_\t0\troot\t_\t_\n", {"group": "document"}, "'x1' names no document"),
        ("# sent_id = 1\n1\tNo\tno\tINTJ\t_\t_\t0\troot\t_\t_\n", {"text": True}, "no `# text` comment"),
        ("# sent_id = 1\n\n", {}, "without words"),
        ("x\tNo\tno\tINTJ\t_\t_\t0\troot\t_\t_\n", {}, "line 1: 'x' is no word index"),
    ],
)
def test_conllu_faults(write, content, options, message):
    with pytest.raises(DataError, match=message):
        read("conllu", write("a.conllu", content), **options)


def test_conll_reads_columns_comments_ids_and_groups(write):
    content = "# file\n\n# newdoc id = n01001\n# sent_id = n01001-0001\n1\tIn\tO\n2\tUlm\tB-LOC\n\n"
    content += "# sent_id = batch-1\n1\tx\t-\n"
    options = {"delimiter": "tab", "word": 1, "tag": 2, "comment": "#", "group": r"n\d{5}(?=-)", "outside": ["-"]}
    first, second = read("conll", write("de/a.iob2", content), **options)
    assert first.fields["words"] == ["In", "Ulm"]
    assert first.fields["tags"] == ["O", "B-LOC"]
    assert (first.fields["id"], first.fields["group"]) == ("n01001-0001", "n01001")
    assert first.fields["places"] == ["de/a.iob2, line 5", "de/a.iob2, line 6"]
    assert second.fields["tags"] == ["O"]
    assert "group" not in second.fields


def test_conll_gives_iob2_from_other_schemes(write):
    (row,) = read("conll", write("a.txt", "Ulm I-LOC\nBonn B-LOC\nam I-LOC\n"), scheme="IOB1")
    assert row.fields["tags"] == ["B-LOC", "B-LOC", "I-LOC"]
    with pytest.raises(DataError, match=r"a\.txt, line 1: tag 1, 'O', breaks BIOES"):
        read("conll", write("a.txt", "Ulm B-LOC\nist O\n"), scheme="BIOES")


def test_conll_strips_the_language_of_a_word_only_when_told(write):
    path = write("dev", "en:12:30\tO\nen::\tO\n")
    assert read("conll", path, delimiter="tab", word_prefix="colon")[0].fields["words"] == ["12:30", ":"]
    assert read("conll", path, delimiter="tab")[0].fields["words"] == ["en:12:30", "en::"]


def test_conll_counts_documents_between_docstart_lines(write):
    rows = read("conll", write("a.tsv", "-DOCSTART-\tO\n\na\tO\n\nb\tO\n\n-DOCSTART-\tO\n\nc\tO\n"), delimiter="tab")
    assert [(row.fields["words"], row.fields["document"]) for row in rows] == [(["a"], 1), (["b"], 1), (["c"], 2)]


def test_conll_reads_a_hash_as_a_word_unless_it_marks_comments(write):
    (row,) = read("conll", write("a.txt", "# O\nUlm B-LOC\n"), delimiter="space")
    assert row.fields["words"] == ["#", "Ulm"]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("Ulm\tB-LOC\nist\n", {"delimiter": "tab"}, "line 2: 1 columns, expected 2"),
        ("Ulm\tB-LOC\n\tO\n", {"delimiter": "tab"}, "line 2: the word is empty"),
        ("en:\tO\n", {"delimiter": "tab", "word_prefix": "colon"}, "line 1: the word is empty"),
        ("Ulm B-LOC\n", {"delimiter": "comma"}, "delimiter 'comma'"),
    ],
)
def test_conll_faults(write, content, options, message):
    with pytest.raises(DataError, match=message):
        read("conll", write("a.txt", content), **options)


def squad(answer="mar", start=7, **article):
    question = {"id": "q1", "question": "¿Dónde?", "answers": [{"text": answer, "answer_start": start}]}
    return json.dumps({"data": [{"paragraphs": [{"context": "Vamos al mar", "qas": [question]}], **article}]})


def test_squad_gives_questions_with_their_article(write):
    (row,) = read("squad", write("a.json", squad(start=9, title="Mar")))
    assert row.fields == {
        "id": "q1",
        "question": "¿Dónde?",
        "context": "Vamos al mar",
        "answers": [("mar", 9)],
        "group": "Mar",
    }
    assert read("squad", write("a.json", squad(start=9)))[0].fields["document"] == 1


def test_squad_knows_a_passage_in_another_file_and_article(write):
    def group(name, content):
        return read("squad", write(name, content), group="passage")[0].fields["group"]

    one = squad(start=9, title="Mar")
    assert group("a.json", one) == group("b.json", squad(start=9, title="Sol"))
    assert group("a.json", one) != group("c.json", one.replace("Vamos", "Vayan"))


@pytest.mark.parametrize("start", [7, -3, 10, 400])
def test_squad_refuses_an_answer_that_is_not_at_its_offset(write, start):
    with pytest.raises(
        DataError, match=rf"a\.json, question q1 \(spa\): the answer 'mar' does not stand at offset {start}"
    ):
        read("squad", write("a.json", squad(start=start)))


def test_squad_refuses_other_json(write):
    with pytest.raises(DataError, match=r"a\.json, line 1: no JSON"):
        read("squad", write("a.json", squad()[:-4]))
    with pytest.raises(DataError, match=r"not in SQuAD's form.*paragraphs"):
        read("squad", write("a.json", '{"data": [{}]}'))
    with pytest.raises(DataError, match=r"not in SQuAD's form.*answer_start"):
        read("squad", write("a.json", squad(start=9).replace("answer_start", "start")))


def test_tsv_by_name_and_by_index(write):
    named = {"columns": {"first": "a", "second": "b", "label": "c"}}
    (row,) = read("tsv", write("a.tsv", 'b\ta\tc\n"zwei\teins\tx\r\n'), **named)
    assert row.fields == {"first": "eins", "second": '"zwei', "label": "x"}
    assert row.where.endswith("a.tsv, line 2")
    indexed = {"header": False, "columns": {"first": 0, "second": 1, "label": 2}}
    (row,) = read("tsv", write("a.tsv", "eins\tzwei\tx\n"), **indexed)
    assert row.fields == {"first": "eins", "second": "zwei", "label": "x"}


def test_a_line_separator_inside_a_text_does_not_end_a_line(write):
    columns = {"header": False, "columns": {"first": 0, "label": 1}}
    (row,) = read("tsv", write("a.tsv", "one\u2028two\x85\x0cthree\tx\n"), **columns)
    assert row.fields["first"] == "one\u2028two\x85\x0cthree"


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("a\tb\n1\n", {"columns": {"first": "a"}}, "line 2: 1 columns where line 1 has 2"),
        ("alpha\tb\n1\t2\n", {"columns": {"first": "alpa"}}, "no column 'alpa': did you mean 'alpha'"),
        ("1\t2\n", {"header": False, "columns": {"first": 2}}, "no column 2"),
        ("1\t2\n", {}, "needs the option `columns`"),
    ],
)
def test_tsv_faults(write, content, options, message):
    with pytest.raises(DataError, match=message):
        read("tsv", write("a.tsv", content), **options)


CSV = 'first,second,label\n"a, ""b""\nc",d,1\n\ne,f,2\n'


def test_csv_cells_may_be_quoted_over_several_lines_and_keep_their_line_numbers(write):
    columns = {"first": "first", "second": "second", "label": "label"}
    one, two = read("csv", write("a.csv", CSV), columns=columns)
    assert one.fields == {"first": 'a, "b"\nc', "second": "d", "label": "1"}
    assert two.fields == {"first": "e", "second": "f", "label": "2"}
    assert [row.where.rpartition(", ")[2] for row in (one, two)] == ["line 2", "line 5"]


def test_csv_takes_cells_longer_than_the_library_does(write):
    (row,) = read("csv", write("a.csv", f"{'x' * 200_000},y\n"), header=False, columns={"first": 0})
    assert len(row.fields["first"]) == 200_000


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=("Cs",))), min_size=2, max_size=2), min_size=1))
def test_csv_reads_what_the_csv_module_writes(tmp_path_factory, table):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([["a", "b"], *table])
    rows = read("csv", path, columns={"first": "a", "second": "b"})
    assert [[row.fields["first"], row.fields["second"]] for row in rows] == table


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1\n", r"line 2: 1 columns where line 1 has 2"),
        ('a,b\n1,2\n3,"4\n', r"line 3: no comma-separated record"),
        ("x,b\n1,2\n", r"line 1: no column 'a'"),
    ],
)
def test_csv_faults(write, content, message):
    with pytest.raises(DataError, match=message):
        read("csv", write("a.csv", content), columns={"first": "a"})


@pytest.mark.parametrize(
    ("reader", "content"),
    [
        ("tsv", "lang\ta\nes\tuno\nde\teins\n"),
        ("csv", "lang,a\nes,uno\nde,eins\n"),
        ("jsonl", '{"lang": "es", "a": "uno"}\n{"lang": "de", "a": "eins"}\n'),
    ],
)
def test_rows_of_one_language_are_told_by_a_column(write, reader, content):
    options = {"columns": {"first": "a"}, "where": {"lang": "{code}"}}
    assert [row.fields for row in read(reader, write("a", content), **options)] == [{"first": "uno"}]
    with pytest.raises(DataError, match="no column 'language'"):
        read(reader, write("a", content), **{**options, "where": {"language": "{code}"}})
    with pytest.raises(DataError, match="the option `where` maps columns to globs"):
        read(reader, write("a", content), **{**options, "where": "lang"})


def test_squad_questions_of_pooled_files_stay_apart_and_may_be_groups(write):
    asked = {"id": "q1", "question": "?", "answers": [{"text": "no", "answer_start": 4}]}
    content = json.dumps({"data": [{"title": "t", "paragraphs": [{"context": "yes no", "qas": [asked]}]}]})
    paths = write("de-es.json", content), write("de-en.json", content)
    rows = read("squad", *paths, group="question")
    assert [(row.fields["id"], row.fields["group"]) for row in rows] == [("de-es/q1", "q1"), ("de-en/q1", "q1")]
    assert [row.fields["id"] for row in read("squad", paths[0])] == ["q1"]


def test_jsonl_and_parquet_give_the_same_rows(write, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    records = [{"n": 7, "p": "eins", "h": "zwei", "l": "e"}, {"n": 8, "p": "drei", "h": "vier", "l": "c"}]
    columns = {"id": "n", "first": "p", "second": "h", "label": "l"}
    lines = write("a.jsonl", "".join(json.dumps(record) + "\n" for record in records))
    parquet.write_table(pyarrow.Table.from_pylist(records), tmp_path / "a.parquet")
    from_lines = [row.fields for row in read("jsonl", lines, columns=columns)]
    assert from_lines == [row.fields for row in read("parquet", tmp_path / "a.parquet", columns=columns)]
    assert from_lines[1] == {"id": 8, "first": "drei", "second": "vier", "label": "c"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"p": "a"}\n{"p": \n', "line 2: no JSON"),
        ('{"p": "a"}\n[1]\n', "line 2: expected an object"),
        ('{"q": 1}\n', "no column 'p'"),
    ],
)
def test_jsonl_faults(write, content, message):
    with pytest.raises(DataError, match=message):
        read("jsonl", write("a.jsonl", content), columns={"first": "p"})


def test_a_file_that_is_no_parquet_is_an_error(write):
    with pytest.raises(DataError, match=r"a\.parquet: no Parquet file"):
        read("parquet", write("a.parquet", "eins"), columns={"first": "p"})


def test_parallel_numbers_lines_and_names_documents(write):
    path, groups = write("a.es", "uno\ndos\ntres\n"), write("ids.tsv", "d1\nd1\nd2\n")
    rows = read("parallel", path, groups=str(groups))
    assert [(row.fields["id"], row.fields["text"], row.fields["group"]) for row in rows] == [
        ("1", "uno", "d1"),
        ("2", "dos", "d1"),
        ("3", "tres", "d2"),
    ]
    with pytest.raises(DataError, match=r"2 lines, but .*ids\.tsv names 3"):
        read("parallel", write("a.es", "uno\ndos\n"), groups=str(groups))
    with pytest.raises(DataError, match=r"a\.es, line 2: the line is empty"):
        read("parallel", write("a.es", "uno\n \ntres\n"))


READABLE = {
    "conllu": {},
    "conll": {},
    "squad": {},
    "csv": {"columns": {"first": "a"}},
    "tsv": {"columns": {"first": "a"}},
    "jsonl": {"columns": {"first": "a"}},
    "parallel": {},
}


@pytest.mark.parametrize("reader", READABLE)
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "es/bad: the file is empty"),
        (b" \n\n", "empty"),
        (b"ab\ncd\xff\n", "es/bad, line 2: not UTF-8"),
        (None, "no such file"),
    ],
)
def test_every_reader_refuses_files_that_are_empty_missing_or_not_utf8(write, tmp_path, reader, content, message):
    path = tmp_path / "es" / "bad" if content is None else write("es/bad", content)
    with pytest.raises(DataError, match=message):
        read(reader, path, **READABLE[reader])
