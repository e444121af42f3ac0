"""A small blocking client of the engine, for closing labs: works when no sandbox runs."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from tutor.problems import Problem
from tutor.sandbox.upstream import EngineError, Upstream, segment


def until(done: Callable[[], bool], seconds: float) -> bool:
    """Ask again and again, where the engine has no event that says it; whether it came about in so many seconds."""
    end = time.monotonic() + seconds
    pause = 0.02
    while not done():
        if time.monotonic() >= end:
            return False
        time.sleep(pause)
        pause = min(pause * 2, 0.5)
    return True


class Engine:
    """Asks the engine, one call after the other.

    Args:
        upstream: Where it listens.
        timeout: Seconds that one call may take.
    """

    def __init__(self, upstream: Upstream, timeout: float = 60.0) -> None:
        self._upstream = upstream
        self._timeout = timeout

    def call(self, method: str, *path: str, body: Any = None, **query: str) -> Any:
        """One call; the parsed answer.

        Args:
            method: HTTP method.
            path: Parts of the path, not encoded.
            body: Sent as JSON when not None.
            query: Parameters.

        Raises:
            EngineError: It answered with 400 or more.
            Problem: It is not reachable.
        """
        connection = http.client.HTTPConnection("docker", timeout=self._timeout)
        target = "/" + "/".join(segment(part) for part in path) + (f"?{urlencode(query)}" if query else "")
        try:
            connection.sock = self._upstream.socket(self._timeout)
            headers = {"Content-Type": "application/json"} if body is not None else {}
            data = json.dumps(body).encode() if body is not None else None
            connection.request(method, target, data, headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Problem(
                f"The engine does not answer: {error}.",
                "Start it, then try again; what is left is removed then.",
                code="engine-unreachable",
            ) from None
        finally:
            connection.close()
        try:
            value = json.loads(content) if content.strip() else None
        except ValueError:
            value = None
        if answer.status >= 400:
            message = value.get("message") if isinstance(value, dict) else ""
            raise EngineError(answer.status, str(message or answer.reason))
        return value

    def build_cache(self) -> Sequence[dict[str, Any]]:
        """The records of the build cache. Engines before 23 count one at a time and refuse a second one meanwhile."""
        found: list[dict[str, Any]] = []
        busy: list[EngineError] = []

        def counted() -> bool:
            try:
                found.extend(self.call("GET", "system", "df", type="build-cache").get("BuildCache") or ())
            except EngineError as error:
                if "already running" not in error.message:
                    raise
                busy.append(error)
                return False
            return True

        if not until(counted, self._timeout):
            raise busy[-1]
        return tuple(found)

    def list(self, *path: str, **query: str) -> list[dict[str, Any]]:
        """A list; empty when the engine has none of that kind (no swarm)."""
        try:
            found = self.call("GET", *path, **query)
        except EngineError:
            return []
        if isinstance(found, dict):
            found = found.get("Volumes")
        return list(found or ())
