"""How much disk a sweep needs: its records, and the weights that lie there at one time."""

from __future__ import annotations

import itertools
import statistics
from pathlib import Path

from harness.doctor.here import cores
from harness.sweep.plan import Plan

RECORD = 2**16  # bytes of a cell with its table, where the store has none to go by
SMALL = 2**23  # bytes of the weights of a model without a checkpoint of its own


def needed(planned: Plan) -> int:
    """Bytes that the open jobs of a plan will take.

    Weights that are fetched from the hub count as small ones: their size is not known before they are there.
    """
    every = planned.setting.store.root.glob("runs/*/*/*.parquet") if planned.to_do else iter(())
    tables = itertools.islice(every, 1000)
    sizes = [table.stat().st_size for table in tables]
    records = planned.to_do * int(statistics.mean(sizes) if sizes else RECORD)
    weights = {
        one.train_key: _weights(one.job.model.checkpoint)
        for one in planned.jobs
        if one.job.trained and one.predict_key in planned.open
    }
    if planned.setting.keep == "all":
        return records + sum(weights.values())
    # a worker drops the weights of its job when the job is done
    return records + sum(sorted(weights.values(), reverse=True)[: cores()])


def _weights(checkpoint: str) -> int:
    folder = Path(checkpoint).expanduser()
    if not checkpoint or not folder.is_dir():
        return SMALL
    return sum(file.stat().st_size for file in folder.iterdir() if file.suffix in (".safetensors", ".bin")) or SMALL
