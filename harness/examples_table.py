"""The table beside a cell: one row an example, as Parquet whose bytes depend on its content alone."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from harness.atomic import write_whole
from harness.errors import HarnessError
from harness.records import DamageError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

TEXTS = ("example_id", "group_id", "gold", "prediction")


def write_examples(path: Path, examples: pd.DataFrame, n: int) -> None:
    """Stores the four text columns and every ``<signature>::<column>`` of counts, in the order given.

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


def read_examples(path: Path) -> pd.DataFrame:
    """The table as it was written.

    Raises:
        DamageError: it is not there or cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, partitioning=None)
    except (OSError, pa.ArrowException) as error:
        raise DamageError("the examples are missing" if not path.exists() else f"not Parquet ({error})") from error
    if missing := [name for name in TEXTS if name not in table.column_names]:
        raise DamageError(f"columns missing: {', '.join(missing)}")
    frame: pd.DataFrame = table.to_pandas()
    return frame
