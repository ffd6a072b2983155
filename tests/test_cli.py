"""The command line as people meet it: what it says to mistakes, and that it says it at once."""

import json

import pytest

MISTAKES = [
    ("task=mini_nre", "unknown task 'mini_nre': did you mean 'mini_ner'"),
    ("model=lexcal", "unknown model 'lexcal': did you mean 'lexical'"),
    ("strategy=zeroshot", "unknown strategy 'zeroshot': did you mean 'zero_shot'"),
    ("source=Germann", "German"),
    ("target=xyzzy", "xyzzy"),
    ("sead=1", "unknown key 'sead': did you mean 'seed'"),
    ("hydra/launcher=jobli", "Available options in 'hydra/launcher': basic, joblib"),
    ("train.epocs=3", "unknown key 'train.epocs': did you mean 'train.epochs'"),
    ("seed=one", "seed"),
    ("train.epochs=many", "'epochs'"),
    (
        "source=fra",
        "mini_ner from fra: no training data in mini_ner of the embedded benchmark. Sources there: deu, ell",
    ),
    ("target=[deu,fra]", "mini_ner has no fra (French); it has deu, ell"),
    ("source=germanc", "did you mean 'germanic'"),
    ("task=mini_ner,mini_pos", "add -m"),
    ("select=best", "last"),
    ("on_error=ignore", "expected one of record, raise"),
    ("suite=mini", "add -m"),
    ("strategy=multi_source", "needs several sources"),
    ("source=[eng,deu]", "strategy=multi_source"),
    ("task=udpos", "HARNESS_DATA"),
    ("model.option.init=none", "option"),
]


@pytest.mark.parametrize(("override", "words"), MISTAKES, ids=[override for override, _ in MISTAKES])
def test_a_mistake_is_answered_in_one_message_before_anything_runs(harness, tmp_path, override, words):
    done = harness("run", override, "tracking=none", code=2)
    assert words in done.stderr
    assert done.stderr.startswith("harness: ")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results" / "runs").exists()


BROKEN = [
    (
        b"type: ner\nfiles: {reader: conll\n",
        "mine.yaml, line 3: not YAML: while parsing a flow mapping that begins on line 2",
    ),
    (b"- a\n- b\n", "mine.yaml: expected `key: value` lines, found a list"),
    (b"type: ner\nlicence: \xe9\n", "mine.yaml, line 2: not UTF-8"),
    (b"type: ner\nlicence: \x07\n", "mine.yaml: not YAML"),
    (b"5\n", "mine.yaml: not YAML"),
    (b"", "task mine: field 'type' is missing"),
]


@pytest.mark.parametrize(("content", "words"), BROKEN, ids=["open", "list", "latin1", "control", "number", "empty"])
def test_a_file_of_ones_own_that_is_broken_is_named_in_one_line(harness, tmp_path, content, words):
    (tmp_path / "mine" / "task").mkdir(parents=True)
    (tmp_path / "mine" / "task" / "mine.yaml").write_bytes(content)
    own = ("--config-dir", str(tmp_path / "mine"))
    for arguments in (("list", "tasks", *own), ("run", *own, "task=mine"), ("plan", *own, "task=mine")):
        done = harness(*arguments, code=2)
        (line,) = done.stderr.splitlines()
        assert line.startswith("harness: ")
        assert words in line


def test_plan_and_run_refuse_alike(harness):
    assert harness("plan", "task=mini_nre").stderr == harness("run", "task=mini_nre", code=2).stderr


def test_a_plan_runs_nothing_and_counts_cells(harness, tmp_path):
    done = harness("plan", "-m", "task=mini_ner,mini_pos", "source=eng,deu", "target=eng,fin", "--json", code=0)
    content = json.loads(done.stdout)
    assert (len(content["jobs"]), content["cells"], content["to_do"]) == (4, 8, 8)
    assert content["seconds"].startswith("unknown")
    assert not (tmp_path / "results" / "runs").exists()


def test_a_set_of_sources_becomes_a_job_a_member(harness):
    content = json.loads(harness("plan", "-m", "source=germanic", "target=fin", "--json", code=0).stdout)
    assert [job["job"].split()[3] for job in content["jobs"]] == ["deu", "eng", "nld"]


def test_members_of_a_target_set_that_the_task_lacks_are_listed_once(harness):
    done = harness("plan", "-m", "source=eng,deu", "target=[germanic,fin]", "languages=xtreme40", "--json", code=0)
    assert json.loads(done.stdout)["skipped"] == {"no test data in mini_ner": ["target afr"]}
    whole = harness("plan", "source=eng", "target=all", "languages=xtreme40", "--json", code=0)
    assert json.loads(whole.stdout)["skipped"] == {}


def test_retrieval_does_not_ask_a_language_for_itself(harness):
    done = harness("plan", "task=mini_retrieval", "source=eng", "target=[eng,deu]", "--json", code=0)
    content = json.loads(done.stdout)
    assert content["cells"] == 1


@pytest.mark.parametrize("kind", ["tasks", "types", "models", "strategies", "languages", "suites", "experiments"])
def test_everything_can_be_listed_as_json(harness, kind):
    rows = json.loads(harness("list", kind, "--json", code=0).stdout)
    assert len(rows) > 0
    assert len({next(iter(row.values())) for row in rows}) == len(rows)


def test_the_users_own_groups_are_found_everywhere(harness, tmp_path):
    folder = tmp_path / "mine" / "task"
    folder.mkdir(parents=True)
    (folder / "own_ner.yaml").write_text(
        "type: ner\nlanguages: [eng]\nlabels: [PER]\nsplits: {train: train, test: test}\n"
        "files: {reader: conll, path: '{split}.txt', options: {delimiter: whitespace, word: 0, tag: 1, scheme: IOB2}}\n"
        "metrics: ['span_f1|mode:strict|scheme:IOB2']\nprotocol: {epochs: 1}\n"
    )
    lines = "Ada B-PER\nsmiles O\n\nTom B-PER\nsleeps O\n"
    for split in ("train", "test"):
        (tmp_path / f"{split}.txt").write_text(lines)
    mine = ("--config-dir", str(tmp_path / "mine"))
    assert "own_ner" in harness("list", "tasks", *mine, code=0).stdout
    harness("run", *mine, "task=own_ner", "model=majority", f"data.root={tmp_path}", "tracking=none", code=0)
    frame = json.loads(harness("scores", "--json", code=0).stdout)
    assert [(row["task"], row["target"], row["score"]) for row in frame] == [("own_ner", "eng", 0.0)]


@pytest.mark.parametrize("package", [True, False])
def test_folders_of_ones_own_that_are_called_as_the_harness_s_hide_nothing(harness, tmp_path, package):
    for name in ("conf", "tasks"):
        (tmp_path / name).mkdir()
        if package:
            (tmp_path / name / "__init__.py").touch()
    assert "mini_ner" in harness("list", "tasks", code=0).stdout
    assert json.loads(harness("plan", "task=mini_ner", "source=eng", "target=deu", "--json", code=0).stdout)["to_do"]


def test_scores_without_a_store_say_so(harness):
    assert "no store there yet" in harness("scores", code=2).stderr


def test_more_threads_than_cores_are_warned_of_before_they_stall(harness):
    sweep = ("run", "-m", "task=mini_pos", "model=majority", "source=eng,deu", "target=eng", "tracking=none")
    quiet = harness(*sweep, code=0)
    assert "expect stalls" not in quiet.stderr
    many = harness(*sweep, "seed=1", "+model.threads=64", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", code=0)
    assert "2 workers x 64 threads" in many.stderr
