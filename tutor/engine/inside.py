"""Looking into a container: a command in it, its logs, its writable layer. Each with a limit of time and of bytes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tutor.problems import Problem

if TYPE_CHECKING:
    from tutor.engine.connect import Engine

OUTPUT = 256 << 10
"""Bytes of a command's output that are read."""

LOGS = 1 << 20
"""Bytes of a container's logs that are read: its last lines."""

_LINES = 5000
_HEADER = 8


def run(engine: Engine, container: str, command: tuple[str, ...], limit: float = 2.0) -> tuple[int, str]:
    """Run a command in a running container, with no input and no terminal.

    A command that is not done in time goes on in its container: the engine has no call to end it.

    Args:
        engine: The container's engine.
        container: Its id.
        command: The words of the command.
        limit: Seconds.

    Returns:
        Exit code and output (stdout and stderr in the order they came).

    Raises:
        Problem: `engine-gone`; `engine-refused` when the container does not run; `too-slow`.
    """
    api: Any = engine.api
    deadline = time.monotonic() + limit
    with _asking(engine):
        made = api.exec_create(container, list(command), stdout=True, stderr=True, stdin=False, tty=False)
        # Without an upgrade the answer is a plain body up to its end, of which no byte gets lost on the way.
        answer = api._post_json(
            api._url("/exec/{0}/start", made["Id"]), data={"Detach": False, "Tty": False}, stream=True, timeout=limit
        )
        data = _read(api, answer, OUTPUT, deadline)
        if data is None:
            raise Problem("it took too long", code="too-slow")
        code = api.exec_inspect(made["Id"]).get("ExitCode")
        while code is None and time.monotonic() < deadline:
            # The output can end a moment before the engine has noted the exit code.
            code = api.exec_inspect(made["Id"]).get("ExitCode")
    if code is None:
        raise Problem("it took too long", code="too-slow")
    return int(code), demultiplex(data).decode("utf-8", "replace")


def logs(engine: Engine, container: str, *, tty: bool = False, limit: float = 2.0) -> str:
    """The last lines that a container has written.

    Args:
        engine: The container's engine.
        container: Its id.
        tty: Whether it has a terminal: then its output comes as it is, else in frames.
        limit: Seconds.

    Raises:
        Problem: `engine-gone`, `engine-refused`.
    """
    api: Any = engine.api
    with _asking(engine):
        answer = api._get(
            api._url("/containers/{0}/logs", container),
            params={"stdout": 1, "stderr": 1, "tail": _LINES},
            stream=True,
            timeout=limit,
        )
        data = _read(api, answer, LOGS, time.monotonic() + limit)
    if data is None:
        raise Problem("they took too long", code="too-slow")
    return (data if tty else demultiplex(data)).decode("utf-8", "replace")


def changes(engine: Engine, container: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The paths that were added, changed and deleted in a container's writable layer.

    Raises:
        Problem: `engine-gone`, `engine-refused`.
    """
    api: Any = engine.api
    with _asking(engine):
        entries = api.diff(container) or []
    # Kinds: https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Container/operation/ContainerChanges
    kinds: dict[int, list[str]] = {0: [], 1: [], 2: []}
    for entry in entries:
        kinds.setdefault(int(entry.get("Kind", 0)), []).append(str(entry.get("Path", "")))
    return tuple(kinds[1]), tuple(kinds[0]), tuple(kinds[2])


def demultiplex(data: bytes) -> bytes:
    """The payload of a stream in frames (stream, three zeros, length of four bytes, payload)."""
    payload = bytearray()
    at = 0
    while at + _HEADER <= len(data):
        length = int.from_bytes(data[at + 4 : at + _HEADER], "big")
        payload += data[at + _HEADER : at + _HEADER + length]
        at += _HEADER + length
    return bytes(payload)


def _read(api: Any, answer: Any, most: int, deadline: float) -> bytes | None:
    """The body up to its end or so many bytes; None when it has not ended in time."""
    data = bytearray()
    try:
        api._raise_for_status(answer)
        while len(data) < most:
            if time.monotonic() > deadline:
                return None
            part = answer.raw.read1(min(65536, most - len(data)))
            if not part:
                break
            data += part
    finally:
        answer.close()
    return bytes(data)


@contextmanager
def _asking(engine: Engine) -> Iterator[None]:
    from docker.errors import APIError
    from urllib3.exceptions import ReadTimeoutError

    try:
        with engine.guard():
            yield
    except ReadTimeoutError as error:
        raise Problem("it took too long", code="too-slow") from error
    except APIError as error:
        raise Problem(str(error.explanation or error), code="engine-refused") from error
