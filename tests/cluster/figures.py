"""The embedded benchmark swept on 1, 2 and 3 nodes of a cluster: how long it takes, and what random kills cost.

``python -m tests.cluster.figures [ray] [slurm]`` prints what it finds and writes ``docs/cluster.json``; on a machine
where nothing else runs. Nodes have one processor each; where the machine has fewer than nodes, they share them, and
efficiency says so: it is beside the processor seconds of the whole machine that overhead can be read.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.storage.locks import holder
from tests.stored import cells

SOURCES = "deu,ell,eng,est,fin,hin,ind,ita,jpn,nld,rus,spa"
SWEEP = ("task=mini_ner,mini_nli,mini_pos,mini_qa", "model=lexical", f"source={SOURCES}", "target=all",
         "tracking=none", "analysis=none")  # fmt: skip
NODES = (1, 2, 3)
KILLS = 20
OUT = Path("docs/cluster.json")


@dataclass(frozen=True, slots=True)
class Site:
    """A cluster that is up: what a command line adds to run there, and what its environment adds."""

    words: tuple[str, ...]
    environment: Mapping[str, str]


Start = Callable[[int], AbstractContextManager[Site]]


@dataclass(frozen=True, slots=True)
class Course:
    """One sweep.

    Attributes:
        wall: seconds of the whole command.
        start: until the first job was done.
        computing: training, predicting and scoring, in all jobs together.
        tasks: of Slurm, each of which may have served several jobs; elsewhere as many as jobs.
        overhead: of a job beyond computing, once every node has done its first; waiting at the end included.
        processor: seconds that all processors of the machine were busy.
        work: computing of each job, in the order in which they ended.
    """

    nodes: int
    jobs: int
    tasks: int
    wall: float
    start: float
    computing: float
    overhead: float
    processor: float
    work: list[float]


@dataclass(frozen=True, slots=True)
class Kills:
    """A sweep whose workers and drivers were killed.

    Attributes:
        lost: cells that are missing at the end, or not those of an undisturbed sweep.
        twice: jobs that were complete, and run again.
    """

    workers: int = 0
    drivers: int = 0
    commands: int = 0
    lost: int = 0
    twice: int = 0


def start(site: Site, results: Path) -> subprocess.Popen[bytes]:
    """The sweep, begun."""
    command = [sys.executable, "-m", "harness", "run", "-m", *SWEEP, *site.words, f"results={results}"]
    return subprocess.Popen(
        command, env=os.environ | dict(site.environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        cwd=results.parent,
    )  # fmt: skip


def course(site: Site, nodes: int, results: Path) -> Course:
    """One undisturbed sweep."""
    results.parent.mkdir()
    busy, began, clock = _busy(), time.monotonic(), time.time()
    code = start(site, results).wait()
    wall = time.monotonic() - began
    processor = _busy() - busy
    assert code == 0, f"the sweep ended with {code}"
    done = sorted((path.stat().st_mtime, path) for path in results.glob("runs/*/*/job.json"))
    ends = [moment - clock for moment, _ in done]
    records = [json.loads(path.read_bytes()) for _, path in done]
    work = [sum(record["timings"].values()) for record in records]
    tasks = {found[1] for record in records if (found := re.search(r"Slurm job (\S+)", record["host"]))}
    later = len(done) - nodes
    overhead = (nodes * (ends[-1] - ends[nodes - 1]) - sum(work[nodes:])) / later
    count = len(tasks) or len(done)
    return Course(nodes, len(done), count, wall, ends[0], sum(work), overhead, processor, work)


def kills(site: Site, folder: Path, whole: Mapping[str, str]) -> Kills:
    """Sweeps in which processes in the middle of a job, and now and then the driver, are killed at random moments."""
    found, moments, sweeps = Kills(), random.Random(11), 0
    while found.workers + found.drivers < KILLS:
        results = folder / str(sweeps) / "results"
        results.parent.mkdir(parents=True)
        sweeps += 1
        found = _killed(site, results, whole, moments, found)
    return found


def _killed(site: Site, results: Path, whole: Mapping[str, str], moments: random.Random, so_far: Kills) -> Kills:
    """One such sweep, to its end."""
    workers, drivers, commands = so_far.workers, so_far.drivers, so_far.commands + 1
    complete: dict[Path, int] = {}
    driver = start(site, results)
    while (code := driver.poll()) != 0:
        if code is not None:  # killed, or jobs of it were killed too often: the same command again
            driver, commands = start(site, results), commands + 1
        time.sleep(moments.uniform(0.2, 2.0))
        at_work = working(results)
        complete = _jobs(results) | complete
        if at_work and workers + drivers < KILLS:
            by_driver = moments.random() < 0.25
            os.kill(driver.pid if by_driver else moments.choice(at_work), signal.SIGKILL)
            drivers, workers = drivers + by_driver, workers + (not by_driver)
            if by_driver:
                driver.wait()
    now, found = _jobs(results), cells(results)
    lost = so_far.lost + sum(found.get(name) != digest for name, digest in whole.items())
    twice = so_far.twice + sum(now[path] != inode for path, inode in complete.items())
    return Kills(workers, drivers, commands, lost, twice)


def working(results: Path) -> list[int]:
    """The processes of this machine that are in the middle of a job: they hold its lock."""
    names = (results / "cache" / "locks").glob("*.lock")
    locks = [path for path in names if re.fullmatch(r"[0-9a-f]{12}", path.stem)]  # no sweeps, no drafts
    return [int(found[1]) for path in locks if (found := re.search(r"process (\d+)", holder(path) or ""))]


def _jobs(results: Path) -> dict[Path, int]:
    """The records of complete jobs; another inode is another record."""
    return {path: path.stat().st_ino for path in results.glob("runs/*/*/job.json")}


def _busy() -> float:
    """Seconds that the processors have been busy since the machine started."""
    user, nice, system, _, _, *interrupts = map(int, Path("/proc/stat").read_text().splitlines()[0].split()[1:9])
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def ray(nodes: int) -> Iterator[Site]:
    """A Ray cluster of so many nodes."""
    from tests.cluster import ray_lab

    with ray_lab.cluster(nodes) as made:
        yield Site(("hydra/launcher=ray", f"hydra.launcher.address={made.address}", "hydra.launcher.retries=20"), {})


@contextmanager
def slurm(nodes: int) -> Iterator[Site]:
    """A Slurm of so many nodes."""
    from tests.cluster import slurm_lab

    with tempfile.TemporaryDirectory(prefix="slurm-") as folder, slurm_lab.slurm(Path(folder) / "lab", nodes) as made:
        yield Site(("hydra/launcher=submitit_slurm", "hydra.launcher.cpus_per_task=1"), made.environment)


def dispatch(tasks: int = 60) -> dict[str, float]:
    """Seconds of an array of tasks that do nothing, on three nodes: at most what the scheduler takes for them."""
    from tests.cluster import slurm_lab

    with tempfile.TemporaryDirectory(prefix="slurm-") as folder, slurm_lab.slurm(Path(folder) / "lab", 3) as lab:
        began = time.monotonic()
        lab.ask("sbatch", "--wait", f"--array=1-{tasks}", "--output=/dev/null", "--wrap", "true")
        found = {"tasks": tasks, "seconds": time.monotonic() - began}
    print(f"slurm: {found}", flush=True)
    return found


ENGINES: dict[str, Start] = {"ray": ray, "slurm": slurm}


def courses(name: str, folder: Path) -> list[Course]:
    """The undisturbed sweeps of an engine."""
    found: list[Course] = []
    for nodes in NODES:
        with ENGINES[name](nodes) as site:
            found.append(course(site, nodes, folder / f"{name}{nodes}" / "results"))
        one = found[-1]
        efficiency = (found[0].wall - found[0].start) / (one.wall - one.start) / nodes
        print(
            f"{name}, {nodes} nodes: {one.jobs} jobs, {one.wall:.1f} s (the first after {one.start:.1f} s), "
            f"computing {one.computing:.1f} s, overhead {one.overhead:.2f} s a job, efficiency {efficiency:.2f}, "
            f"processors {one.processor:.1f} s",
            flush=True,
        )
    return found


def main(names: Sequence[str]) -> None:
    """Measures the engines that are named, or all."""
    for name in names or ENGINES:
        if name == "slurm":
            record(name, dispatch=dispatch())
        with tempfile.TemporaryDirectory(prefix="figures-") as place:
            folder = Path(place)
            record(name, courses=[asdict(one) for one in courses(name, folder)])
            with ENGINES[name](2) as site:
                killed = kills(site, folder / f"{name}-killed", cells(folder / f"{name}1" / "results"))
            print(f"{name}: {killed}", flush=True)
            record(name, kills=asdict(killed))


def record(name: str, **found: object) -> None:
    """Adds figures of an engine, or of a tracking server, to the file; others stay."""
    there = json.loads(OUT.read_bytes()) if OUT.exists() else {}
    there[name] = {**there.get(name, {}), "processors": os.cpu_count(), **found}
    OUT.write_text(json.dumps(there, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
