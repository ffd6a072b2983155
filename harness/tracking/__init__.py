"""MLflow runs written from stored records: one child run a job below one parent run a sweep, never twice the same.

The store is the truth and MLflow a copy of it. A server that is down or slow costs a warning and a few seconds. What
it has missed is noted in the store; the end of the sweep writes it, or ``harness sync``.
"""

from harness.tracking.client import connected, mend
from harness.tracking.job_runs import CONFIG, KEY, log_job, prepare
from harness.tracking.other_runs import log_analysis, log_report
from harness.tracking.replay import Synced, catch_up, sync
from harness.tracking.sweep_runs import PARENT, sweep

__all__ = [
    "CONFIG",
    "KEY",
    "PARENT",
    "Synced",
    "catch_up",
    "connected",
    "log_analysis",
    "log_job",
    "log_report",
    "mend",
    "prepare",
    "sweep",
    "sync",
]
