"""The long table of scores from a matrix that somebody published: a CSV file of sources by targets, or of pairs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.analysis.stored import Scores
from harness.data.files import read_lines
from harness.errors import DataError, HarnessError
from harness.languages import canonical, languages

if TYPE_CHECKING:
    import pandas as pd

SOURCE_WORDS = ("train", "source", "src", "transfer", "from")
TARGET_WORDS = ("test", "target", "tgt", "pred", "eval", "task", "to")
SCORE_WORDS = ("score", "value", "accuracy", "acc", "f1", "bleu")
ROWS = ("source", "target")


def from_file(path: Path, *, rows: str = "", unit: str = "", namespace: str = "") -> Scores:
    """Every score of a matrix, in [0, 1].

    A matrix has languages in its first row and column. Its upper left cell says what the rows are (``lang_train``,
    ``source``, ``target`` ...). A table of pairs has a column each for source, target and score, named likewise.

    Args:
        rows: ``source`` or ``target``, where the file does not say.
        unit: ``percent`` or ``fraction``; by default percent where any score is above 1.
        namespace: whose spelling of languages it is (``ud``, ``wikiann`` ...).

    Raises:
        DataError: it is not clear what rows are, a language is unknown or stands there twice, under one name or two,
            a cell is no number, or scores are in mixed units.
    """
    import pandas as pd

    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", sep=_separator(path))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as CSV: {error}") from error
    if table.empty or table.shape[1] < 2:
        raise DataError(f"{path}: holds no scores; expected a matrix of sources by targets, or a table of pairs")
    named = {_role(str(column)): str(column) for column in reversed(table.columns)}
    if {"source", "target", "score"} <= named.keys():
        pairs = table[[named["source"], named["target"], named["score"]]]
        pairs = pairs.set_axis(["source", "target", "score"], axis=1)
    else:
        pairs = _melted(path, table, rows)
    codes = _codes(path, pairs, namespace)
    frame = pairs.assign(
        source=pairs["source"].map(codes), target=pairs["target"].map(codes), score=_numbers(path, pairs)
    )
    twins = frame[frame.duplicated(["source", "target"])]
    if len(twins):
        first = twins.iloc[0]
        raise DataError(f"{path}: {first['source']} to {first['target']} stands there twice; one score a pair")
    empty = int(frame["score"].isna().sum())
    frame = frame.dropna(subset="score")
    scale, notes = _unit(path, frame, unit)
    notes += [f"{empty} cells of {path.name} are empty"] if empty else []
    notes += _kin(set(frame["source"]) | set(frame["target"]))
    plain: dict[str, Any] = {
        "task": path.stem, "model": "published", "strategy": "zero_shot", "seed": 0,
        "metric": named.get("score", "score"), "n": np.nan, "low": np.nan, "high": np.nan, "floor": np.nan,
        "provenance": "", "train_size": np.nan, "shots": 0, "predict_key": "", "select": "last",
    }  # fmt: skip
    return Scores(frame.assign(score=frame["score"] / scale, **plain).reset_index(drop=True), tuple(notes))


def _separator(path: Path) -> str:
    first = read_lines(path)[0]
    return max(",;\t", key=first.count)


def _role(name: str) -> str:
    """What a column holds, by its name: source, target, score, or its own name where that does not say."""
    parts = name.casefold().replace("-", "_").replace(" ", "_").split("_")
    for role, words in (("source", SOURCE_WORDS), ("target", TARGET_WORDS), ("score", SCORE_WORDS)):
        if any(part in words for part in parts) and not {"size", "dataset", "type", "name"} & set(parts):
            return role
    return name


def _melted(path: Path, table: pd.DataFrame, rows: str) -> pd.DataFrame:
    corner = str(table.columns[0])
    said = _role(corner.replace("\\", "_").replace("/", "_").split("_to_")[0])
    said = said if said in ROWS else ""
    if rows and said and rows != said:
        raise DataError(f"{path}: its upper left cell {corner!r} says that rows are {said}s, --orientation {rows}s")
    if not (rows or said):
        # pandas gives an empty head a name
        shown = "is empty" if corner.startswith("Unnamed:") else f"({corner!r}) does not say"
        raise DataError(
            f"{path}: are its rows sources or targets? Its upper left cell {shown}. "
            f"Pass --orientation sources (rows are what was trained on) or --orientation targets."
        )
    heads, lines = [str(column) for column in table.columns[1:]], table.iloc[:, 0].str.strip().tolist()
    # pandas renames a column that comes twice: de, de.1
    renamed = [head.rpartition(".")[0] for head in heads if head.rpartition(".")[2].isdigit()]
    twice = [name for name in lines if lines.count(name) > 1] + [head for head in renamed if head in heads]
    if twice:
        raise DataError(f"{path}: {twice[0]!r} stands there twice; one row and one column a language")
    long = table.set_axis(["row", *heads], axis=1).melt("row", var_name="column", value_name="score")
    first, second = ("source", "target") if (rows or said) == "source" else ("target", "source")
    return long.rename(columns={"row": first, "column": second})[["source", "target", "score"]]


def _codes(path: Path, pairs: pd.DataFrame, namespace: str) -> dict[str, str]:
    found: dict[str, str] = {}
    unknown: list[str] = []
    for side in ROWS:
        seen: dict[str, str] = {}
        for spelling in dict.fromkeys(pairs[side]):
            try:
                code = canonical(spelling.strip(), namespace)
            except HarnessError as error:
                unknown.append(f"{side} {error}")
                continue
            if seen.setdefault(code, spelling) != spelling:
                raise DataError(
                    f"{path}: {side}s {seen[code]!r} and {spelling!r} are one language, {code} (a macro-language and "
                    f"the member that stands for it, or two spellings): keep one of them"
                )
            found[spelling] = code
    if unknown:
        shown = "; ".join(unknown[:3])
        raise DataError(f"{path}: {shown} ({len(unknown)} in all): mend them, or leave them out of the file")
    return found


def _numbers(path: Path, pairs: pd.DataFrame) -> list[float]:
    found = []
    for source, target, cell in zip(pairs["source"], pairs["target"], pairs["score"], strict=True):
        try:
            found.append(float(cell) if cell.strip().casefold() not in ("", "na", "nan", "-") else np.nan)
        except ValueError:
            raise DataError(f"{path}: {source} to {target}: {cell!r} is no number") from None
        if np.isinf(found[-1]):
            raise DataError(f"{path}: {source} to {target}: {cell} is no score")
    return found


def _unit(path: Path, frame: pd.DataFrame, unit: str) -> tuple[float, list[str]]:
    """What to divide by, and what must be said of it."""
    if frame.empty:
        raise DataError(f"{path}: every cell is empty")
    scores = frame["score"]
    low, high = float(scores.min()), float(scores.max())
    if not unit:
        unit = "percent" if high > 1 else "fraction"
        for side in ROWS:
            tops = frame.groupby(side)["score"].agg(["max", "size"])
            odd = tops[(tops["max"] <= 1) & (tops["size"] >= 3)]
            if unit == "percent" and len(odd):
                raise DataError(
                    f"{path}: mixed units? The best score is {high:g}, but no score of {side} {odd.index[0]} is above "
                    f"1. Mend the file, or pass --unit percent if it is right."
                )
    top = {"percent": 100.0, "fraction": 1.0}[unit]
    if high > top or low < -top:
        raise DataError(f"{path}: scores from {low:g} to {high:g} are no {unit}s")
    notes = [f"scores of {path.name} are read as {unit}s ({low:g} to {high:g})"]
    few = int((scores.abs() <= 1).sum())
    if unit == "percent" and few:
        notes.append(f"{few} of {len(scores)} scores are at most 1 %; they are taken to be percents like the others")
    return top, notes


def _kin(codes: Iterable[str]) -> list[str]:
    """A note where one language stands there in two scripts: they are two languages here."""
    by_iso: dict[str, list[str]] = {}
    for code in sorted(codes):
        by_iso.setdefault(languages()[code].iso639_3, []).append(code)
    return [f"{' and '.join(kin)} are one language in several scripts" for kin in by_iso.values() if len(kin) > 1]
