"""What the doctor finds: one finding a question, with a mend for each fault."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from threading import Thread

from harness.secrets import redacted

MEND = "Ask again; if it stays so, see whether its server is well."
REACH = 6.0  # seconds that all together may take who are asked over a network


class Status(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; ``mend`` says what to do where it is not ok."""

    name: str
    status: Status
    detail: str
    mend: str = ""


def asked(questions: Mapping[str, Callable[[], Finding]]) -> list[Finding]:
    """The answers to questions that are asked at once, in their order; a name look-up, say, knows no time limit.

    Args:
        questions: by the name of the finding that stands for an answer that is late.
    """
    answers: dict[str, Finding] = {}

    def ask(name: str) -> None:
        try:
            answers[name] = questions[name]()
        except Exception as error:  # noqa: BLE001  # one that cannot be asked hides no other
            answers[name] = Finding(name, Status.WARN, redacted(f"{type(error).__name__}: {error}"), MEND)

    threads = [Thread(target=ask, args=(name,), daemon=True) for name in questions]
    for thread in threads:
        thread.start()
    end = time.monotonic() + REACH
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    late = {name: Finding(name, Status.WARN, f"no answer within {REACH:g} s", MEND) for name in questions}
    return [answers.get(name, late[name]) for name in questions]
