"""The table beside a cell: one row an example, as Parquet whose bytes depend on its content alone."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.storage.atomic import write_whole
from harness.storage.records import DamageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

TEXTS = ("example_id", "group_id", "gold", "prediction")


def write_examples(path: Path, examples: pd.DataFrame, n: int) -> str:
    """The sha256 of the file that now holds the four text columns and every ``<signature>::<column>`` of counts.

    Raises:
        HarnessError: columns are missing or of a wrong kind, a count is NaN, there are not ``n`` rows, or the disk
            refuses.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    if len(examples) != n:
        raise HarnessError(f"{path}: the record counts {n} examples, the table has {len(examples)} rows")
    counts = [str(name) for name in examples.columns if name not in TEXTS]
    if missing := [name for name in TEXTS if name not in examples.columns]:
        raise HarnessError(f"{path}: columns missing: {', '.join(missing)}")
    if strange := [name for name in counts if "::" not in name]:
        raise HarnessError(f"{path}: columns that are no '<signature>::<column>': {', '.join(strange)}")
    schema = pa.schema([(name, pa.string()) for name in TEXTS] + [(name, pa.float64()) for name in counts])
    columns = []
    for field in schema:
        try:
            column = pa.array(examples[field.name].tolist(), field.type)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise HarnessError(f"{path}: column {field.name} is of a wrong kind: {error}") from error
        if column.null_count or (field.name in counts and not np.isfinite(column.to_numpy()).all()):
            raise HarnessError(f"{path}: column {field.name} has values that are missing or no number")
        columns.append(column)
    content = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), content, compression="zstd", store_schema=False)
    write_whole(path, content.getvalue())
    return hashlib.sha256(content.getvalue()).hexdigest()


def read_examples(path: Path, digest: str) -> pd.DataFrame:
    """The table as it was written, byte for byte.

    Raises:
        DamageError: it is not there, cannot be read, or is not the file of this sha256.
    """
    import pyarrow.parquet as pq

    frame: pd.DataFrame = pq.read_table(io.BytesIO(_content(path, digest))).to_pandas()
    return frame


def read_columns(path: Path, digest: str, columns: Sequence[str]) -> Any:
    """Some columns of the table, as Arrow's; several times faster than all of it as a frame.

    Raises:
        DamageError: as of the whole table, or it has no such columns.
    """
    import pyarrow.parquet as pq

    file = pq.ParquetFile(io.BytesIO(_content(path, digest)))
    if missing := [name for name in columns if name not in file.schema_arrow.names]:
        raise DamageError(f"columns missing: {', '.join(missing)}")
    return file.read(columns=list(columns), use_threads=False)


def _content(path: Path, digest: str) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise DamageError("the examples are missing") from error
    except OSError as error:
        raise DamageError(f"the examples cannot be read ({error.strerror})") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise DamageError("the examples are not those that the record was made with")
    return content
