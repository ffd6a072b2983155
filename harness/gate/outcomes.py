"""Outcomes: the counts of every example of a cell, as a stored table holds them and as a lock keeps them beside it.

The file beside a lock is a Parquet table of one row a stored table and metric, its counts one column after the other.
Few different numbers and columns that recur from run to run compress well: some ten bytes an example and cell in a
stored table are a fraction of one here. Ids and groups are not kept but their digest, since what is compared with them
has them, or is incomparable.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.metrics.base import Counts

if TYPE_CHECKING:
    import pandas as pd

Held = dict[tuple[str, str], "Outcomes"]
"""Outcomes by sha256 of the table they stood in, and metric."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of each example by one metric.

    Attributes:
        digest: of the ids and groups, in order; equal digests mean the same examples.
        counts: (examples, columns).
    """

    digest: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class Examples(Outcomes):
    """Outcomes with all that a stored table says of them.

    Attributes:
        groups: of each example, (examples,).
        columns: what is counted.
    """

    groups: NDArray[Any]
    columns: tuple[str, ...]


def of_table(table: pd.DataFrame, metric: str) -> Examples | None:
    """The outcomes that a stored table holds of a metric; None where it holds none."""
    names = [name for name in table.columns if name.rpartition("::")[0] == metric]
    if not names:
        return None
    ids, groups = table["example_id"].tolist(), table["group_id"].tolist()
    return Examples(
        digest=digest(ids, groups),
        counts=table[names].to_numpy(np.float64),
        groups=np.asarray(groups),
        columns=tuple(name.rpartition("::")[2] for name in names),
    )


def digest(ids: Sequence[str], groups: Sequence[str]) -> str:
    """One of the ids and groups of examples in their order."""
    return hashlib.sha256(json.dumps([list(ids), list(groups)]).encode()).hexdigest()[:16]


def pack(held: Mapping[tuple[str, str], Outcomes]) -> bytes:
    """The file's content, in the order given; equal outcomes give equal bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = [outcomes.counts.T.ravel() for outcomes in held.values()]
    offsets = np.cumsum([0, *map(len, columns)])
    flat = np.concatenate(columns) if columns else np.empty(0)
    table = pa.table(
        {
            "table": pa.array([table for table, _ in held], pa.string()),
            "metric": pa.array([metric for _, metric in held], pa.string()),
            "examples": pa.array([outcomes.digest for outcomes in held.values()], pa.string()),
            "n": pa.array([len(outcomes.counts) for outcomes in held.values()], pa.int64()),
            "counts": pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), pa.array(flat, pa.float64())),
        }
    )
    content = io.BytesIO()
    pq.write_table(table, content, compression="zstd", compression_level=9, store_schema=False)
    return content.getvalue()


def unpack(content: bytes) -> Held:
    """What ``pack`` packed.

    Raises:
        ValueError: it is no such file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(io.BytesIO(content))
        keys = zip(table["table"].to_pylist(), table["metric"].to_pylist(), strict=True)
        names, sizes = table["examples"].to_pylist(), table["n"].to_pylist()
        counts = table["counts"].combine_chunks()
    except (pa.ArrowException, KeyError) as error:
        raise ValueError(str(error)) from error
    flat = counts.flatten().to_numpy()
    rows = [flat[start:end] for start, end in pairwise(counts.offsets.to_numpy())]
    return {
        key: Outcomes(name, row.reshape(-1, n).T if n else row.reshape(0, 0))
        for key, name, n, row in zip(keys, names, sizes, rows, strict=True)
    }
