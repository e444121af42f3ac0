"""Asking a port of this machine: HTTP and TCP, loopback only, with limits of time and of bytes.

Refused, broken off and silent are told apart, for each has another cause: nobody has the port; somebody has it (the
engine's port forwarding, say) and nobody is behind it; packets go nowhere.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from urllib.parse import urlsplit

from tutor.lab.observations import CouldNot, HttpSeen, TcpSeen

BODY = 256 << 10
"""Bytes of an answer's body that are read."""

LIMIT = 1.5
"""Seconds that one probe may take."""

_LOOPBACK = {"localhost": "127.0.0.1", "127.0.0.1": "127.0.0.1", "::1": "::1"}
_HANG_UP = 0.2
"""Seconds in which a forwarder with nobody behind it hangs up."""


def ask_http(url: str, limit: float = LIMIT) -> HttpSeen | CouldNot:
    """One GET; redirects are not followed, no proxy is used.

    Args:
        url: Its host must be localhost, 127.0.0.1 or ::1 (names under localhost lead to 127.0.0.1).
        limit: Seconds.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return CouldNot(reason=f"{url} is no URL")
    host = (parts.hostname or "").lower()
    address = "127.0.0.1" if host.endswith(".localhost") else _LOOPBACK.get(host)
    if address is None or parts.scheme not in {"http", "https"}:
        return CouldNot(reason="only addresses of this machine are asked")
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    deadline = time.monotonic() + limit
    connection = _connection(parts.scheme, address, port, limit)
    try:
        connection.request("GET", path, headers={"Host": parts.netloc.rpartition("@")[2], "Connection": "close"})
        response = connection.getresponse()
        body = _body(response, connection, deadline)
        return HttpSeen(
            status=response.status,
            body=body.decode("utf-8", "replace"),
            headers={key.lower(): value for key, value in response.getheaders()},
        )
    except (http.client.HTTPException, ValueError, OSError) as error:
        return HttpSeen(failure=_failure(error))
    finally:
        connection.close()


def try_tcp(port: str, limit: float = LIMIT) -> TcpSeen | CouldNot:
    """Whether somebody listens on a port: who accepts and hangs up at once is a forwarder with nobody behind it."""
    plain = port.rpartition(":")[2]
    if not plain.isdigit() or not 0 < int(plain) < 65536:
        return CouldNot(reason=f"{port} is no port")
    try:
        with socket.create_connection(("127.0.0.1", int(plain)), limit) as connection:
            connection.settimeout(min(_HANG_UP, limit))
            try:
                if not connection.recv(1):
                    return TcpSeen(open=False, failure="reset")
            except TimeoutError:
                pass  # It waits for us to speak first.
            return TcpSeen(open=True)
    except OSError as error:
        return TcpSeen(open=False, failure=_failure(error))


def _connection(scheme: str, address: str, port: int, limit: float) -> http.client.HTTPConnection:
    if scheme == "http":
        return http.client.HTTPConnection(address, port, timeout=limit)
    # A lesson's server signs its own certificate; nothing secret is sent to it.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(address, port, timeout=limit, context=context)


def _body(response: http.client.HTTPResponse, connection: http.client.HTTPConnection, deadline: float) -> bytes:
    data = bytearray()
    while len(data) < BODY:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        if connection.sock is not None:
            connection.sock.settimeout(left)
        try:
            part = response.read1(min(65536, BODY - len(data)))
        except (OSError, http.client.HTTPException):
            break  # What came so far is the answer: its head was whole.
        if not part:
            break
        data += part
    return bytes(data)


def _failure(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, TimeoutError):
        return "no-answer"
    if isinstance(error, OSError) and not isinstance(error, (ConnectionError, ssl.SSLError)):
        return "no-answer"
    return "reset"
