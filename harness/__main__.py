"""``python -m harness``: the command line, where the console script is not on the path."""

import sys
from pathlib import Path

# `-m` looks into the folder that one is in before all others, where a `conf` or `tasks` of one's own would stand in for
# the harness's; the console script does not
if not sys.flags.safe_path and sys.path[0] == str(Path.cwd()) != str(Path(__file__).parents[1]):
    del sys.path[0]

from harness.cli import main

main()
