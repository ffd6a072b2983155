"""Passwords and keys kept out of whatever is stored, shown or logged: they live in the environment alone."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit, urlunsplit

from harness.errors import HarnessError

HIDDEN = "***"

# variables whose values are secrets, by how they end: HF_TOKEN, MLFLOW_TRACKING_PASSWORD, AWS_SECRET_ACCESS_KEY ...
_SECRET_NAME = re.compile(r"(PASSWORD|PASSWD|PASSPHRASE|TOKEN|SECRET|ACCESS_KEY|API_KEY|SECRET_KEY)$", re.IGNORECASE)
_SHORTEST = 6  # characters; a shorter value (`true`, `1`) stands in too many words
_IN_URI = re.compile(r"""(\b[a-z][\w+.-]*://[^:@/\s"']*):[^\s"']*@""", re.IGNORECASE)
_IN_QUERY = re.compile(
    r"""([?&][^=&\s"']*(?:token|signature|password|secret|credential)[^=&\s"']*=)[^&\s"']+""", re.IGNORECASE
)

_USER, _PASSWORD, _TOKEN = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"
_DATABASE = "PGPASSWORD"
# where the driver of a URI looks for its password; the user stays in the URI of a database
_VARIABLE = {"http": _PASSWORD, "https": _PASSWORD, "postgresql": _DATABASE, "postgres": _DATABASE}
_HUB = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_ENDPOINT")
_BUCKET = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION",
           "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")  # fmt: skip
# what a worker needs that inherits no environment; to be handed on in memory, never in a file
CREDENTIALS = (_USER, _PASSWORD, _TOKEN, _DATABASE, *_HUB, *_BUCKET)


def redacted(text: str) -> str:
    """``text`` with ``***`` for passwords in URIs, signatures in queries and what secret variables hold."""
    text = _IN_QUERY.sub(rf"\1{HIDDEN}", _IN_URI.sub(rf"\1:{HIDDEN}@", text))
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST and _SECRET_NAME.search(name):
            text = text.replace(value, HIDDEN)
    return text


def without_password(uri: str) -> str:
    """``uri`` without its password, which now stands in the environment, where the driver looks for it.

    Worker processes inherit it there, and no file or message holds it.

    Raises:
        HarnessError: the URI is malformed, or of a kind whose driver takes a password from nowhere else.
    """
    if not _IN_URI.match(uri):
        return uri
    try:
        parts = urlsplit(uri)
        port, user, password = parts.port, parts.username or "", parts.password or ""
    except ValueError:
        port, user, password = None, "", ""
    scheme = parts.scheme.split("+")[0] if password else ""
    if not password:
        raise HarnessError(f"{redacted(uri)}: this is no URI; write / @ : and % of a password as %2F %40 %3A %25")
    if scheme not in _VARIABLE:
        raise HarnessError(f"{redacted(uri)}: its password would be stored; use an MLflow server, or postgresql://")
    os.environ[_VARIABLE[scheme]] = unquote(password)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    host += f":{port}" if port else ""
    if _VARIABLE[scheme] == _PASSWORD:
        os.environ[_USER] = unquote(user)
    else:
        host = f"{user}@{host}"
    return urlunsplit(parts._replace(netloc=host))


def without_user(uri: str) -> str:
    """``uri`` without its user and password, for comparing it with others."""
    return re.sub(r"(?<=://)[^/@]*@", "", redacted(uri))


def without_passwords(arguments: Iterable[str]) -> tuple[str, ...]:
    """A command line without its tracking URI's password, which stands in the environment before the line is stored."""
    return tuple(_argument(one) for one in arguments)


def _argument(argument: str) -> str:
    name, equals, value = argument.partition("=")
    if name.lstrip("+") != "tracking.uri" or not equals:
        return argument
    quote = value[:1] if value[:1] in ("'", '"') else ""
    bare = value.strip(quote) if quote else value
    return f"{name}={quote}{without_password(bare)}{quote}"


class Redacting(logging.Formatter):
    """A log line, and the traceback below it, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        """The line as it is written."""
        return redacted(super().format(record))
