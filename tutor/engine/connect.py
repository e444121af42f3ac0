"""Find an engine and hold a connection to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from tutor.engine import _wire, carriers
from tutor.engine._wire import Pong
from tutor.engine.address import EngineAddress
from tutor.engine.find import Candidate, find
from tutor.problems import Problem

if TYPE_CHECKING:
    from docker import APIClient

__all__ = ["Attempt", "Candidate", "Engine", "Pong", "attempts", "choose", "connect", "find", "reachable"]

# When nothing works, the reason to tell first: what is nearest to working.
_TELLING = ("no-permission", "too-old", "too-new", "tls", "bad-address", "bad-config", "no-engine")


@dataclass(frozen=True)
class Attempt:
    """A place that was tried: either somebody answered (`pong`) or not (`problem`)."""

    candidate: Candidate
    pong: Pong | None = None
    problem: Problem | None = None


class Engine:
    """A connection to an engine.

    Attributes:
        api: The docker SDK's low-level client; it may be used by several threads.
        address: Where the engine is.
        version: What the engine said of itself.
    """

    def __init__(self, address: EngineAddress, version: Pong, *, timeout: float = 60.0) -> None:
        self.address = address
        self.version = version
        self._timeout = timeout
        self.api = _client(address, version, timeout)

    def ping(self) -> None:
        """Make sure that the engine still answers.

        Raises:
            Problem: `engine-gone`.
        """
        with self.guard():
            self.api.ping()

    @contextmanager
    def guard(self) -> Iterator[Self]:
        """Turn a lost connection into a Problem `engine-gone`; what the engine itself answers passes through."""
        from requests import exceptions as http

        try:
            yield self
        except http.Timeout as error:
            raise self.gone("gave no answer in time") from error
        # The SDK lets both its HTTP library's and the socket's own errors through.
        except (http.ConnectionError, http.ChunkedEncodingError, ConnectionError) as error:
            raise self.gone() from error

    def gone(self, what: str = "does not answer any more") -> Problem:
        """The words for a lost engine."""
        if self.address.source == "private engine":
            step = "Start it again: docker tutor engine up"
        elif carriers.carries(self.address.scheme):
            step = "It is there again when the workshop is; nothing is lost."
        else:
            step = "Start it again; `docker tutor doctor` says whether it answers."
        return Problem(f"The engine at {self.address.host} {what}.", step, code="engine-gone")

    def fresh(self, *, timeout: float | None = None) -> Engine:
        """A second connection to the same engine, for a stream that is read in a thread of its own."""
        return Engine(self.address, self.version, timeout=timeout or self._timeout)

    def close(self) -> None:
        """Give the connections back."""
        self.api.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def attempts(
    environ: Mapping[str, str] | None = None,
    *,
    ask: Callable[[EngineAddress], Pong] = _wire.ask,
    all_of_them: bool = False,
) -> list[Attempt]:
    """Try the candidates in order until one answers.

    Args:
        environ: Variables to read instead of the process's own.
        ask: How an address is asked.
        all_of_them: Go on after the first that answers.
    """
    tried = []
    for candidate in find(environ):
        if candidate.address is None:
            tried.append(Attempt(candidate, problem=candidate.problem))
            continue
        try:
            tried.append(Attempt(candidate, pong=ask(candidate.address)))
        except Problem as problem:
            tried.append(Attempt(candidate, problem=problem))
        else:
            if not all_of_them:
                break
    return tried


def choose(tried: list[Attempt]) -> tuple[EngineAddress, Pong]:
    """The first place where an engine answered.

    Raises:
        Problem: Nobody answered; the reason that is nearest to working, or `no-engine`.
    """
    for attempt in tried:
        if attempt.pong and attempt.candidate.address:
            return attempt.candidate.address, attempt.pong
    worth = [a for a in tried if a.problem and (a.candidate.final or a.problem.code != "no-engine")]
    if worth:
        first = min(worth, key=lambda a: _TELLING.index(a.problem.code) if a.problem else len(_TELLING))
        assert first.problem is not None
        raise first.problem
    chosen = [a for a in tried if a.candidate.source.startswith("context ") and a.problem]
    if chosen and chosen[0].problem:
        raise Problem(
            chosen[0].problem.sentence,
            "Start it, choose another with `docker context use default`, or see `docker tutor doctor`.",
            code="no-engine",
        )
    raise Problem(
        "No Docker Engine answers on this machine.",
        "Start Docker, or start a private engine: docker tutor engine up (add --install where Docker is missing). "
        "`docker tutor doctor` lists where it was looked for.",
        code="no-engine",
    )


def connect(
    address: EngineAddress | None = None, *, environ: Mapping[str, str] | None = None, timeout: float = 60.0
) -> Engine:
    """Connect to the given engine, or to the one that the docker CLI would use (then to others known, then ours).

    Args:
        address: The engine; None to look for one.
        environ: Variables to read instead of the process's own.
        timeout: Seconds an answer may take.

    Raises:
        Problem: `no-engine`, `no-permission`, `too-old`, `too-new`, `tls`, `bad-address`.
    """
    if address is None:
        return Engine(*choose(attempts(environ)), timeout=timeout)
    return Engine(address, _wire.ask(address), timeout=timeout)


_tunnels: dict[str, EngineAddress] = {}
_tunnels_lock = threading.Lock()


def reachable(address: EngineAddress) -> EngineAddress:
    """An address that this process can open by itself: for ssh a socket whose every connection ssh carries on.

    The socket lives as long as the process; so does a carrier's. Others (unix, tcp) are returned as they are.
    """
    if address.scheme != "ssh":
        return replace(address, host=carriers.near(address.host))
    from tutor.engine._tunnel import open_tunnel

    with _tunnels_lock:
        if address.host not in _tunnels:
            _tunnels[address.host] = replace(address, host=f"unix://{open_tunnel(address)}")
        return _tunnels[address.host]


def _client(address: EngineAddress, version: Pong, timeout: float) -> APIClient:
    """The SDK's client, told everything, so that it neither looks at variables nor asks for the version again."""
    import docker
    from docker.tls import TLSConfig

    near = reachable(address)
    tls: TLSConfig | bool = False
    if near.tls:
        pair = (str(near.tls.cert), str(near.tls.key)) if near.tls.cert and near.tls.key else None
        tls = TLSConfig(
            client_cert=pair, ca_cert=str(near.tls.ca) if near.tls.ca else None, verify=near.tls.verify or False
        )
    client = docker.APIClient(base_url=near.host, version=version.use_api, tls=tls, timeout=int(timeout))
    # REQUESTS_CA_BUNDLE would replace the engine's own authority.
    client.trust_env = False
    return client
