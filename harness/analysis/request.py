"""What is asked of `harness analyze`, by its command line or by a sweep that ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.sweep.options import Options

if TYPE_CHECKING:
    from harness.storage.records import CellRecord
    from harness.studied import Studied


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for.

    Attributes:
        results: the store.
        out: where tables and figures go.
        matrix: a published matrix instead of the store.
        rows: what its rows are, ``source`` or ``target``, where it does not say.
        unit: ``percent`` or ``fraction``, where that is unclear.
        spelling: whose spelling of languages the files use.
        distances: names and kinds of distances, and CSV files; some that are cheap when empty.
        data: folder of the real tasks' files.
        parallel: a task with parallel sentences, for distances that need them.
        families: a file; None for the harness's table.
        pretrained: a file with the languages that the models saw.
        populations: a file with speakers.
        strategies: which cells of the store.
        where: conditions on them.
        lambdarank: rank sources by trees as well; slow, and needs lightgbm.
        only: analyses; all when empty.
        keep: which cells of the store are looked at at all.
        made: what they were made with, by task and model; None to find out from the store.
        options: where tasks and models are described.
    """

    results: Path = Path("results")
    out: Path = Path("results/analysis")
    matrix: Path | None = None
    rows: str = ""
    unit: str = ""
    spelling: str = ""
    distances: Sequence[str] = ()
    data: Path | None = None
    parallel: str = ""
    families: Path | None = None
    pretrained: Path | None = None
    populations: Path | None = None
    strategies: Sequence[str] = ("zero_shot",)
    where: Sequence[str] = ()
    lambdarank: bool = False
    only: Sequence[str] = ()
    replicates: int = 1000
    permutations: int = 9999
    seed: int = 0
    keep: Callable[[CellRecord], bool] = lambda _: True
    made: Mapping[tuple[str, str], Studied] | None = None
    options: Options = field(default_factory=Options)


def request(
    *, results: Path, out: Path | None, orientation: str | None, unit: str | None, distances: Sequence[str],
    resamples: int, strategy: Sequence[str], parallel: str | None, config_dir: Path | None, **asked: Any,
) -> Request:  # fmt: skip
    """What the options of the command line ask for; a matrix has a folder of its own beside the store's analyses.

    Raises:
        HarnessError: an option is about the store where there is a matrix, or the other way round.
    """
    matrix = asked.get("matrix")
    if matrix is None and (orientation or unit):
        said = "--orientation" if orientation else "--unit"
        raise HarnessError(f"{said} says how a --matrix FILE is to be read; the scores of a store need no such word")
    if matrix is not None and asked.get("where"):
        raise HarnessError("--where narrows a store; a --matrix is analysed whole: leave out of the file what you mean")
    return Request(
        results=results,
        out=out or (results / "analysis" if matrix is None else results / "analysis" / Path(matrix).stem),
        rows=(orientation or "").removesuffix("s"),
        unit=unit or "",
        distances=[name.strip() for item in distances for name in item.split(",") if name.strip()],
        replicates=resamples,
        strategies=strategy,
        parallel=parallel or "",
        options=Options.beside(config_dir),
        **asked,
    )
