"""Errors that a person caused and a person can mend: the command line prints them without a traceback."""

from __future__ import annotations

from collections.abc import Iterable

MANY = 40  # names that one can still read in a message


class HarnessError(Exception):
    """What was wrong, where, and what to do, in words for the one who runs the harness.

    The command line prints the message after ``harness:`` and exits with 2.
    """


class DataError(HarnessError):
    """A data file that is missing, malformed, or not what its task declares; the message names file and line."""


class NotApplicableError(HarnessError):
    """A combination that makes no sense, as training data is missing or a need unmet.

    Listed where a sweep came upon it, an error where it was asked for by name.
    """


class TimeLimitError(BaseException):
    """A job that a cluster cut short again and again, and that came no further.

    A signal's handler raises it wherever the job happens to be: no ``except`` on the way that means another error may
    take it for that one.
    """


def nearest(name: str, known: Iterable[str]) -> str:
    """The sentence part that helps after a misspelt name: ``did you mean 'x'?`` or the list of what is known."""
    from rapidfuzz import fuzz, process  # an error's own need: whoever makes none can do without it

    choices = sorted(known)
    found = process.extract(name, choices, scorer=fuzz.ratio, limit=3)
    close = [match for match, score, _ in found if score >= max(55, found[0][1] - 10)]
    if close:
        return "did you mean " + " or ".join(repr(match) for match in close) + "?"
    if len(choices) > MANY:
        return f"{len(choices)} are known, none of them near; `harness list KIND` shows them"
    return "known: " + ", ".join(choices)
