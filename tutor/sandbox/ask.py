"""One request on its way: what came, what a rule decides about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol

from tutor.sandbox import _strict
from tutor.sandbox._head import Head
from tutor.sandbox.endpoints import Endpoint
from tutor.sandbox.objects import Objects
from tutor.sandbox.policy import Scope
from tutor.sandbox.references import Record
from tutor.sandbox.upstream import Api, segment


class Tunnel(Protocol):
    """Looks into an upgraded connection; may change what passes."""

    async def from_client(self, data: bytes) -> tuple[bytes, bytes]:
        """Bytes for the engine, and bytes for the client."""
        ...

    async def from_engine(self, data: bytes) -> tuple[bytes, bytes]:
        """Bytes for the client, and bytes for the engine."""
        ...


@dataclass(slots=True)
class Plan:
    """What to do with a request.

    Attributes:
        path: Decoded path to send; None sends the client's.
        body: Bytes to send instead of the client's body; None streams the client's body through.
        spool: Sent instead of the client's body, with `body` None; closed afterwards.
        reply: Answer without the engine: status and a JSON value (bytes are sent as they are, None is no body).
        answer: Changes the parsed JSON of a good answer.
        fits: Whether the bytes of a good answer need no change; asked before they are parsed.
        retell: Changes the headers of the answer.
        failed: Changes the message of an answer of 400 and more.
        line: For streams of JSON lines: whether the client may see this one.
        rewrite: Changes each line of a good answer (an empty one at its end: what is left to say); `Refused` ends the
            answer, as an error in its stream.
        watch: Sees the bytes of a streamed answer as they pass; with `rewrite`, what the engine says after a refusal.
        done: Called when the answer has ended, with its status (0: it broke off).
        stream: The connection may be taken over (attach, exec, BuildKit).
        tunnel: Looks into the connection that was taken over.
    """

    path: str | None = None
    body: bytes | None = b""
    spool: BinaryIO | None = None
    reply: tuple[int, Any] | None = None
    answer: Callable[[Any], Awaitable[Any]] | None = None
    fits: Callable[[bytes], bool] | None = None
    retell: Callable[[list[tuple[bytes, bytes]]], list[tuple[bytes, bytes]]] | None = None
    failed: Callable[[int, str], Awaitable[str]] | None = None
    line: Callable[[dict[str, Any]], Awaitable[bool]] | None = None
    rewrite: Callable[[bytes], bytes] | None = None
    watch: Callable[[bytes], None] | None = None
    done: Callable[[int], Awaitable[None]] | None = None
    stream: bool = False
    tunnel: Tunnel | None = None

    async def finish(self, status: int) -> None:
        """Let the rule do what follows the answer, once; where it can be, before the answer's last byte is sent."""
        done, self.done = self.done, None
        if done is not None:
            await done(status)


@dataclass(slots=True)
class Ask:
    """A request and what is needed to judge it.

    Attributes:
        head: The judged head; rules change its parameters in place.
        endpoint: What it asks for.
        ref: The id or name in the path; empty when there is none.
        objects: Looks up objects of the lab.
        scope: The lab, as it was when the request came.
        socket: Path of the sandbox's own socket.
        read: Reads the whole body, at most so many bytes.
        chunk: Reads the next part of a body of any size; None at its end.
        touched: Ids and names of the objects it is about, for the trace.
        said: The parsed body, for the trace.
        refusal: What was refused inside of it, in words.
        says: What it asks for, where the rule knows better than the endpoint's words.
    """

    head: Head
    endpoint: Endpoint
    ref: str
    objects: Objects
    scope: Scope
    socket: str
    read: Callable[[], Awaitable[bytes]]
    chunk: Callable[[], Awaitable[bytes | None]]
    touched: list[str] = field(default_factory=list)
    said: Any = None
    refusal: str | None = None
    says: str = ""

    @property
    def api(self) -> Api:
        """The engine."""
        return self.objects.api

    @property
    def record(self) -> Record:
        """What the lab knows of images."""
        return self.objects.record

    async def json(self) -> Any:
        """The body, read strictly; None when there is none."""
        data = await self.read()
        if not data.strip():
            return None
        self.said = _strict.loads(data)
        return self.said

    def path(self, ref: str) -> str:
        """The endpoint's path with this object in it."""
        return self.endpoint.path.replace("{id}", ref).replace("{name}", ref)


def quoted(*parts: str) -> str:
    """A path for the sandbox's own questions."""
    return "/" + "/".join(segment(part) for part in parts)
