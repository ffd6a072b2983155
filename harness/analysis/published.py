"""The long table of scores from a matrix that somebody published: a CSV file of sources by targets, or of pairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.analysis.stored import Scores
from harness.analysis.units import unit_of
from harness.data.files import read_lines
from harness.errors import DataError, HarnessError, nearest
from harness.languages import canonical, languages

if TYPE_CHECKING:
    import pandas as pd

SOURCE_WORDS = ("train", "source", "src", "transfer", "from")
TARGET_WORDS = ("test", "target", "tgt", "pred", "eval", "task", "to")
SCORE_WORDS = ("score", "value", "accuracy", "acc", "f1", "bleu")
WORDS = {"source": SOURCE_WORDS, "target": TARGET_WORDS, "score": SCORE_WORDS}
ROWS = ("source", "target")
EMPTY = ("", "na", "nan", "-")


def from_file(path: Path, *, rows: str = "", unit: str = "", namespace: str = "") -> Scores:
    """Every score of a matrix, in [0, 1].

    A matrix has languages in its first row and column. Its upper left cell says what the rows are (``lang_train``,
    ``source``, ``target`` ...). A table of pairs has a column each for source, target and score, named likewise.

    Args:
        rows: ``source`` or ``target``, where the file does not say.
        unit: ``percent`` or ``fraction``; by default percent where any score is above 1.
        namespace: whose spelling of languages it is (``ud``, ``wikiann`` ...).

    Raises:
        DataError: it is not clear what rows or columns are, a language is unknown or stands there twice, under one name
            or two, a cell is no number, or scores are in mixed units, or ranks.
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
        _refuse_pairs(path, table, named, namespace)
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
    scale, notes = unit_of(path, frame, unit)
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
    for role, words in WORDS.items():
        if any(part in words for part in parts) and not {"size", "dataset", "type", "name"} & set(parts):
            return role
    return name


def _refuse_pairs(path: Path, table: pd.DataFrame, named: Mapping[str, str], namespace: str) -> None:
    """Nothing, where a table that names no three roles may be a matrix: languages in its head, or numbers below.

    Raises:
        DataError: it is a table of pairs of which a column cannot be told.
    """
    heads = [str(column) for column in table.columns]
    if 2 * sum(_is_language(head, namespace) for head in heads[1:]) >= len(heads) - 1:
        return
    if all(_is_number(cell) for head in table.columns[1:] for cell in table[head]):
        return
    said = {role: named[role] for role in WORDS if role in named}
    lacking = [role for role in WORDS if role not in said]
    free = [head for head in heads if head not in said.values()]
    told = "; ".join(f"the {role} is {head!r}" for role, head in said.items()) or "none says which it is"
    ways = " ".join(
        f"The {role}: {nearest(role, free) if free else 'none is left'} Call it {role} in the first line, or any name "
        f"with {', '.join(WORDS[role])} in it." for role in lacking
    )  # fmt: skip
    raise DataError(
        f"{path}: which column is the {' and which the '.join(lacking)}? Columns: {', '.join(heads)} ({told}). {ways} "
        f"(A matrix has languages in its first line instead.)"
    )


def _is_language(head: str, namespace: str) -> bool:
    try:
        return bool(canonical(head.strip(), namespace))
    except HarnessError:
        return False


def _is_number(cell: str) -> bool:
    try:
        return cell.strip().casefold() in EMPTY or not np.isnan(float(cell))
    except ValueError:
        return False


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
            found.append(float(cell) if cell.strip().casefold() not in EMPTY else np.nan)
        except ValueError:
            hint = f"; write {cell.replace(',', '.')}" if cell.count(",") == 1 else ""
            raise DataError(f"{path}: {source} to {target}: {cell!r} is no number{hint}") from None
        if np.isinf(found[-1]):
            raise DataError(f"{path}: {source} to {target}: {cell} is no score")
    return found


def _kin(codes: Iterable[str]) -> list[str]:
    """A note where one language stands there in two scripts: they are two languages here."""
    by_iso: dict[str, list[str]] = {}
    for code in sorted(codes):
        by_iso.setdefault(languages()[code].iso639_3, []).append(code)
    return [f"{' and '.join(kin)} are one language in several scripts" for kin in by_iso.values() if len(kin) > 1]
