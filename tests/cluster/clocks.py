"""Processes that see another time than this machine's; what they wait for takes as long, and files keep their stamps.

Debian's libfaketime is no help: what sleeps under it never wakes, from Python 3.11 on.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

OFFSET = "CLOCK_OFFSET"  # seconds
SOURCE = f"""\
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t offset(void) {{ const char *said = getenv("{OFFSET}"); return said ? atol(said) : 0; }}

int clock_gettime(clockid_t clock, struct timespec *now) {{
    int failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && clock == CLOCK_REALTIME) now->tv_sec += offset();
    return failed;
}}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {{
    int failed = syscall(SYS_gettimeofday, now, zone);
    if (!failed && now) now->tv_sec += offset();
    return failed;
}}

time_t time(time_t *to) {{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (to) *to = now.tv_sec;
    return now.tv_sec;
}}
"""


def shifted(folder: Path, minutes: int) -> dict[str, str]:
    """The variables of a process whose clock is so far ahead; nothing, where there is no compiler."""
    library, compiler = folder / "clock.so", shutil.which("cc")
    if compiler is None:
        return {}
    if not library.exists():
        command = [compiler, "-shared", "-fPIC", "-O", "-o", str(library), "-x", "c", "-"]
        subprocess.run(command, input=SOURCE, text=True, check=True)
    return {"LD_PRELOAD": str(library), OFFSET: str(60 * minutes)}
