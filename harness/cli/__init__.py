"""The command line: one verb a function, thin; heavy imports happen inside the verb that needs them."""

import os

# before torch is imported anywhere: two processes with two spinning threads each stall twentyfold on two cores
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_DYNAMIC", "FALSE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

from harness.cli.group import main

from harness.cli import running, reading, submitting, keeping  # isort: skip  # the order of `harness --help`

__all__ = ["keeping", "main", "reading", "running", "submitting"]
