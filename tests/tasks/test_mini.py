"""The embedded benchmark is parallel, deterministic, complete in every language, and says what its YAML declares."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml

from harness.data.readers import READERS, Request
from harness.errors import DataError
from tasks.mini import inventory, lexicon, meanings, questions, realise
from tasks.mini.lexicon import FOLDER
from tasks.mini.reader import KINDS, version
from tasks.mini.tokens import Token, joined

CONF = Path(__file__).parents[2] / "conf"
CODES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
ITEMS = {
    "ner": {"train": 300, "dev": 60, "test": 120},
    "pos": {"train": 300, "dev": 60, "test": 120},
    "nli": {"train": 360, "dev": 63, "test": 153},
    "qa": {"train": 240, "dev": 48, "test": 120},
    "retrieval": {"test": 150},
    "parallel": {"train": 1200},
}
SPLITS = [(kind, split) for kind, sizes in ITEMS.items() for split in sizes]


@cache
def fields(kind: str, code: str, split: str) -> list[dict]:
    return [dict(row.fields) for row in READERS["mini"].rows(Request((), code, code, split, {"kind": kind}))]


def declared(kind: str) -> dict:
    return yaml.safe_load((CONF / "task" / f"mini_{kind}.yaml").read_text(encoding="utf-8"))


def test_it_has_the_languages_that_its_yaml_files_name():
    assert len(CODES) == 16
    assert yaml.safe_load((CONF / "languages" / "mini.yaml").read_text())["members"] == CODES
    for kind in KINDS:
        task = declared(kind)
        assert task["languages"] == CODES
        assert task["provenance"] == "synthetic"
        assert set(task["splits"]) == set(ITEMS[kind])


@pytest.mark.parametrize(("kind", "split"), SPLITS)
def test_every_language_has_the_same_items_in_the_same_groups(kind, split):
    keys = {code: [(row["id"], row["group"], row.get("label")) for row in fields(kind, code, split)] for code in CODES}
    assert len(keys["eng"]) == ITEMS[kind][split]
    assert len({key[0] for key in keys["eng"]}) == ITEMS[kind][split]
    assert all(other == keys["eng"] for other in keys.values())


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("kind", ["ner", "pos"])
def test_there_is_one_declared_tag_for_every_word_and_iob2_is_valid(kind, code):
    labels = declared(kind)["labels"]
    used = set()
    for split in ITEMS[kind]:
        for row in fields(kind, code, split):
            assert len(row["words"]) == len(row["tags"])
            assert all(word and not word.isspace() and "/" not in word for word in row["words"])
            for before, tag in zip(["O", *row["tags"]], row["tags"], strict=False):
                used.add(tag)
                assert not tag.startswith("I-") or before in (tag, "B" + tag[1:])
    allowed = set(labels) if kind == "pos" else {"O"} | {f"{p}-{label}" for p in "BI" for label in labels}
    assert used <= allowed
    assert kind == "pos" or {"O", "B-PER", "B-LOC", "B-ORG"} <= used


def test_every_declared_part_of_speech_occurs():
    used = {tag for code in CODES for row in fields("pos", code, "train") for tag in row["tags"]}
    assert used == set(declared("pos")["labels"])


@pytest.mark.parametrize("code", CODES)
def test_every_answer_stands_at_its_offset_and_answers_what_was_asked(code):
    language = lexicon.lexicon(code)
    persons = [joined(row.form("nom"), language.spaced)[0] for row in language.tables["persons"].values()]
    for split in ITEMS["qa"]:
        asked = [ask for paragraph in questions.paragraphs(split) for ask in paragraph.asked]
        for row, (_, kind, _) in zip(fields("qa", code, split), asked, strict=True):
            ((text, start),) = row["answers"]
            assert text
            assert row["context"][start : start + len(text)] == text
            if kind.startswith("who"):
                assert any(text in person for person in persons)
                assert text not in row["question"]


@pytest.mark.parametrize("code", CODES)
def test_text_is_spaced_as_its_script_is(code):
    texts = [row["text"] for row in fields("retrieval", code, "test")]
    texts += [row[name] for row in fields("qa", code, "test") for name in ("question", "context")]
    for text in texts:
        assert text == text.strip()
        assert "  " not in text
        assert "/" not in text
        assert not any(f" {mark}" in text for mark in (".", ",", "?", ";", "।", "。", "，", "、"))
        assert text[0] == text[0].upper()
        assert code not in ("zho-Hans", "jpn") or " " not in text
    questions_asked = [row["question"] for row in fields("qa", code, "test")]
    ends = {"ell": ";", "zho-Hans": "？", "jpn": "。"}.get(code, "?")
    assert all(question.endswith(ends) for question in questions_asked)
    assert code != "spa" or all(question.startswith("¿") for question in questions_asked)
    stop = {"hin": "।", "zho-Hans": "。", "jpn": "。"}.get(code, ".")
    assert all(row["text"].endswith(stop) for row in fields("retrieval", code, "test"))


@pytest.mark.parametrize("code", CODES)
def test_every_form_that_a_template_asks_for_exists(code):
    """All that can be said, not only what the seed happens to draw."""
    language, reference = lexicon.lexicon(code), lexicon.lexicon("eng")
    assert {t: list(rows) for t, rows in language.tables.items()} == {
        t: list(rows) for t, rows in reference.tables.items()
    }
    assert set(language.templates) == set(reference.templates)
    persons, orgs = (tuple(language.tables[table]) for table in ("persons", "orgs"))
    cities = tuple(language.tables["cities"])
    spoken = [
        meanings.Clause("event", who, verb, thing, form, "ten" * (form == "counted"), cities[0], persons[0], "may")
        for subjects, verbs, things in (
            ((*persons, *inventory.JOBS), inventory.VERBS, inventory.OBJECTS),
            (orgs, inventory.COMPANY_VERBS, inventory.BUILDINGS),
        )
        for who in subjects
        for verb in verbs
        for thing in things
        for form in ("one", "new", "old", "counted", "none")
        if form != "none" or who not in orgs
    ]
    spoken += [meanings.Clause("live", who, city=city) for who in (*persons, *inventory.JOBS) for city in cities]
    spoken += [meanings.Clause("work", who, org=org) for who in (*persons, *inventory.JOBS) for org in orgs]
    spoken += [meanings.Clause("job", who, job=job) for who in persons for job in inventory.JOBS]
    spoken += [meanings.Clause("event", persons[0], "buy", "book", number=n, form="counted") for n in inventory.NUMBERS]
    spoken += [meanings.Clause("event", persons[0], "buy", "book", time=time) for time in inventory.TIMES]
    spoken += [meanings.Clause("event", persons[0], "buy", "book", friend=friend) for friend in persons]
    for clause in spoken:
        assert realise.clause(language, clause)
        if clause.subject in persons:
            assert realise.clause(language, clause, pronoun=True)
            for kind in questions.asked(clause) if clause.form != "none" else ():
                assert realise.question(language, kind, clause)


@pytest.mark.parametrize("wrong", [{"kind": "mnli"}, {}])
def test_an_unknown_kind_is_an_error_that_names_the_known_ones(wrong):
    with pytest.raises(DataError, match="kind"):
        list(READERS["mini"].rows(Request((), "eng", "eng", "test", wrong)))


def test_a_split_or_a_language_that_is_not_there_is_an_error():
    with pytest.raises(DataError, match="no split 'train'"):
        list(READERS["mini"].rows(Request((), "eng", "eng", "train", {"kind": "retrieval"})))
    with pytest.raises(DataError, match=r"no language 'fra'.*eng"):
        list(READERS["mini"].rows(Request((), "fra", "fra", "test", {"kind": "ner"})))


def test_a_missing_form_is_an_error_that_names_file_and_row():
    row = lexicon.lexicon("deu").row("objects", "book")
    with pytest.raises(DataError, match=r"deu\.yaml, objects: book has no form 'dat'"):
        row.form("dat")


def test_a_row_with_a_missing_cell_is_an_error(tmp_path, monkeypatch):
    text = (FOLDER / "eng.yaml").read_text(encoding="utf-8").replace("book: book | books", "book: book")
    (tmp_path / "eng.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(lexicon, "FOLDER", tmp_path)
    with pytest.raises(DataError, match=r"eng\.yaml, objects: book: 1 cells under 2 headings"):
        lexicon.lexicon.__wrapped__("eng")


def test_words_are_joined_with_their_offsets():
    words = [Token(word, "") for word in ("¿", "Vive", "l'", "anno", ",", "Ana", "?")]
    text, starts = joined(words, spaced=True)
    assert text == "¿Vive l'anno, Ana?"
    assert [text[start:].startswith(word.word) for start, word in zip(starts, words, strict=True)] == [True] * 7


# written down by hand, independently of the data files
BOUGHT = meanings.Clause("event", "maria", "buy", "lamp", "counted", "six", "athens", "peter", "monday")
NEVER = meanings.Clause("event", "viktor", "lose", "key", "none", city="vienna")
GOLDEN = {
    "eng": ("On Monday Maria bought six lamps with Peter in Athens.", "Viktor did not lose a key in Vienna."),
    "deu": ("Am Montag kaufte Maria mit Peter in Athen sechs Lampen.", "Viktor verlor in Wien keinen Schlüssel."),
    "nld": ("Op maandag kocht Maria met Peter in Athene zes lampen.", "Viktor verloor in Wenen geen sleutel."),
    "spa": ("El lunes María compró seis lámparas con Peter en Atenas.", "Víctor no perdió ninguna llave en Viena."),
    "ita": ("Lunedì Maria ha comprato sei lampade con Peter ad Atene.", "Viktor non ha perso nessuna chiave a Vienna."),
    "rus": ("В понедельник Мария купила шесть ламп вместе с Петром в Афинах.", "Виктор не потерял ключ в Вене."),
    "ukr": ("У понеділок Марія купила шість ламп разом з Петром в Афінах.", "Віктор не загубив ключ у Відні."),
    "hin": ("सोमवार को मारिया ने एथेंस में पीटर के साथ छह लैंप खरीदे।", "विक्टर ने वियना में कोई चाबी नहीं खोई।"),
    "ell": (
        "Τη Δευτέρα η Μαρία αγόρασε έξι λάμπες μαζί με τον Πέτρο στην Αθήνα.",
        "Ο Βίκτορας δεν έχασε κανένα κλειδί στη Βιέννη.",
    ),
    "tur": (
        "Pazartesi günü Maria Atina'da Peter ile birlikte altı lamba satın aldı.",
        "Viktor Viyana'da anahtar kaybetmedi.",
    ),
    "fin": ("Maanantaina Maria osti kuusi lamppua Peterin kanssa Ateenassa.", "Viktor ei kadottanut avainta Wienissä."),
    "est": ("Esmaspäeval ostis Maria kuus lampi koos Peteriga Ateenas.", "Viktor ei kaotanud võtit Viinis."),
    "ind": (
        "Pada hari Senin Maria membeli enam lampu bersama Peter di Athena.",
        "Viktor tidak kehilangan kunci di Wina.",
    ),
    "swh": (
        "Siku ya Jumatatu Maria alinunua taa sita pamoja na Peter mjini Athens.",
        "Viktor hakupoteza ufunguo mjini Vienna.",
    ),
    "zho-Hans": ("星期一，玛丽亚和彼得一起在雅典买了六盏灯。", "维克托在维也纳没有弄丢钥匙。"),
    "jpn": (
        "月曜日に、マリアはアテネでピーターと一緒にランプを六台買いました。",
        "ヴィクトルはウィーンで鍵をなくしませんでした。",
    ),
}


@pytest.mark.parametrize("code", CODES)
def test_cases_agreement_and_word_order_are_those_of_the_language(code):
    language = lexicon.lexicon(code)
    said = (meanings.Utterance((BOUGHT,), "time"), meanings.Utterance((NEVER,)))
    assert tuple(joined(realise.sentence(language, one), language.spaced)[0] for one in said) == GOLDEN[code]


def test_two_processes_with_different_hash_seeds_make_the_same_bytes():
    program = (
        "import hashlib\n"
        "from harness.data.readers import Request\n"
        "from tasks.mini.reader import KINDS, rows, version\n"
        "seen = hashlib.sha256(version().encode())\n"
        "for kind, made in KINDS.items():\n"
        "    for split in made.splits:\n"
        "        for row in rows(Request((), 'rus', 'ru', split, {'kind': kind})):\n"
        "            seen.update(repr(sorted(row.fields.items())).encode())\n"
        "print(seen.hexdigest())\n"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=CONF.parent,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_the_version_is_a_digest_of_every_language_and_module(monkeypatch):
    read: list[str] = []
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(path.name) or b"")
    assert len(version.__wrapped__()) == 64
    assert {f"{code}.yaml" for code in CODES} | {"reader.py", "meanings.py", "inventory.py"} <= set(read)
