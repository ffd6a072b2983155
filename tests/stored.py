"""What a sweep has left in its results folder, to be compared with that of another."""

from __future__ import annotations

import hashlib
from pathlib import Path


def cells(results: Path) -> dict[str, str]:
    """Digest of every cell and table, and of every error record; the drafts of killed processes are hidden files."""
    files = [path for path in (results / "runs").rglob("[!.]*") if path.name != "job.json" and path.is_file()]
    return {str(path.relative_to(results)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
