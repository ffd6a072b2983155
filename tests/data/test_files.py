import hashlib
import os
from pathlib import Path

import pytest

from harness.data import files
from harness.errors import DataError
from harness.spec import Files, TaskSpec


def task(path, exclude="", **options):
    spec = Files("conll", path, exclude, options=options)
    return TaskSpec("t", "ner", {"deu": "de", "eng": "en", "zho-Hans": "zh"}, splits={"test": "dev"}, files=spec)


@pytest.fixture
def root(tmp_path):
    def make(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(name)
        return tmp_path

    return make


def found(spec, root, language="deu", beside=""):
    return [path.relative_to(root).as_posix() for path in files.find(spec, language, "test", root, beside)]


def test_any_number_of_folders_may_stand_above(root):
    folder = root(
        "a/b/UD_X/de_x-dev.txt", "UD_Y/de_y-dev.txt", "UD_Y/den_y-dev.txt", "UD_Y/deep/de_y-dev.txt", "de_z-dev.txt"
    )
    assert found(task("**/UD_*/{code}_*-{split}.txt"), folder) == ["UD_Y/de_y-dev.txt", "a/b/UD_X/de_x-dev.txt"]


def test_a_star_stays_within_a_folder_and_a_dot_is_a_dot(root):
    folder = root("x/de.txt", "x/y/de.txt", "x/deAtxt")
    assert found(task("*/{code}.txt"), folder) == ["x/de.txt"]
    assert found(task("*/{code}?txt"), folder) == ["x/de.txt", "x/deAtxt"]
    assert found(task("*/[cd]e.[!a]xt"), folder) == ["x/de.txt"]


def test_excluded_matches_are_left_out(root):
    folder = root("UD_A/de.txt", "UD_A-PUD/de.txt")
    assert found(task("**/UD_*/{code}.txt", "**/UD_*-PUD/*"), folder) == ["UD_A/de.txt"]


@pytest.mark.parametrize(("placeholder", "name"), [("{iso3}", "zho"), ("{iso1}", "zh"), ("{code}", "zh")])
def test_placeholders_are_filled_from_the_language(root, placeholder, name):
    assert found(task(f"{placeholder}.txt"), root(f"{name}.txt"), "zho-Hans") == [f"{name}.txt"]


def test_a_pair_names_the_language_beside_the_pivot(root):
    folder = root("de-en.de", "de-en.en", "zh-en.en")
    spec = task("{pair}-en.{code}", pivot="en")
    assert found(spec, folder) == ["de-en.de"]
    assert found(spec, folder, "deu", "eng") == ["de-en.de"]
    assert found(spec, folder, "eng", "deu") == ["de-en.en"]
    assert found(spec, folder, "eng", "zho-Hans") == ["zh-en.en"]


def test_hidden_folders_are_not_searched_and_links_are(root, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "de.txt").write_text("x")
    folder = root(".git/de.txt", "a/en.txt")
    (folder / "linked").symlink_to(elsewhere)
    (folder / "a" / "loop").symlink_to(folder)
    assert found(task("**/{code}.txt"), folder) == ["linked/de.txt"]


def test_a_missing_root_says_what_to_set(tmp_path):
    with pytest.raises(DataError, match=r"set data\.root or the variable HARNESS_DATA"):
        files.find(task("{code}"), "deu", "test", None)
    with pytest.raises(DataError, match="no such folder"):
        files.find(task("{code}"), "deu", "test", tmp_path / "nowhere")


def test_digests_follow_the_content(tmp_path):
    path = tmp_path / "a"
    for content, moment in ((b"one", 1), (b"two", 2)):
        path.write_bytes(content)
        os.utime(path, ns=(moment, moment))
        assert files.sha256(path) == hashlib.sha256(content).hexdigest()


def test_messages_name_the_folder_and_the_line():
    assert files.place(Path("/data/ner/swh/test.txt"), 412) == "swh/test.txt, line 412"


def test_lines_end_at_newlines_only(tmp_path):
    path = tmp_path / "a"
    path.write_bytes("\ufeffone\r\ntw\u2028o\n\nthree".encode())
    assert files.read_lines(path) == ["one", "tw\u2028o", "", "three"]


def test_a_folder_in_place_of_a_file_is_named(tmp_path):
    (tmp_path / "words.tsv").mkdir()
    with pytest.raises(DataError, match=r"words\.tsv: cannot be read: Is a directory"):
        files.read_text(tmp_path / "words.tsv")
