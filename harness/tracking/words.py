"""What went wrong with a tracking server, in one plain line: MLflow names every layer that a request went through."""

from __future__ import annotations

import re
import socket
import ssl
from typing import TYPE_CHECKING

from harness.secrets import redacted

if TYPE_CHECKING:
    from collections.abc import Iterator

_NO_SERVER = "what answers there is no MLflow server"
_ANSWERED = {
    401: "it does not accept this user and password (401): MLFLOW_TRACKING_USERNAME, ..._PASSWORD",
    403: "it lets nobody of this user or host in (403)",
    404: f"{_NO_SERVER} (404)",
}
_UNREACHED: tuple[tuple[type[BaseException], str], ...] = (
    (ConnectionRefusedError, "nobody listens there: is the server up?"),
    (socket.gaierror, "no machine has that name: is the address what you mean?"),
    (TimeoutError, "no answer in time: is the server well?"),
    (ssl.SSLError, "no TLS there: is it http:// or another certificate?"),
    (ConnectionError, "the connection is cut: is that the server you mean?"),
)
_STATUS = re.compile(r"^API request .*(?:too many (\d{3}) error responses|with error code (\d{3}))", re.DOTALL)
_NO_JSON, _REQUEST = "not in a valid JSON format", "API request to "


def words(error: BaseException) -> str:
    """What went wrong, without passwords: drivers print whole URIs."""
    text = str(error)
    if found := _STATUS.search(text):
        status = int(found[1] or found[2])
        return _ANSWERED.get(status, f"it answers with an error of its own ({status})")
    causes = list(_causes(error))
    if said := next((said for kind, said in _UNREACHED if any(isinstance(one, kind) for one in causes)), None):
        return said
    if _NO_JSON in text:
        return _NO_SERVER
    if _REQUEST in text:
        return "it cannot be reached from here"
    return redacted((text.strip().splitlines() or [type(error).__name__])[0])[:200]


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """All that an error came of, without the wrappers of requests, which are OSErrors whatever they wrap."""
    while error is not None:
        found = [one for one in (error, *error.args) if isinstance(one, BaseException)]
        yield from (one for one in found if not type(one).__module__.startswith("requests"))
        error = error.__cause__ or error.__context__
