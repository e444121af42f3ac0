"""A call's entry in the trace while it runs."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import h11
import msgspec

from tutor.sandbox import _peer, _redact
from tutor.sandbox.ask import Ask
from tutor.sandbox.policy import Refused
from tutor.sandbox.trace import Call, Trace
from tutor.sandbox.words import words

if TYPE_CHECKING:
    from tutor.sandbox.proxy import Box

_LASTING = frozenset({"container_attach", "exec_start", "session", "grpc", "exec_use"})
_NO_BODY = frozenset({"pass_secret", "secret_create", "secret_update"})


class Entry:
    """Writes one call's states.

    Attributes:
        status: HTTP status that was sent, 0 before.
        sent, received: Bytes so far.
    """

    __slots__ = ("_ask", "_begun", "_box", "_call", "_changes", "_trace", "received", "sent", "status")

    def __init__(self, box: Box, trace: Trace, call: Call) -> None:
        self._box = box
        self._trace = trace
        self._call = call
        self._begun = time.perf_counter()
        self._changes = False
        self._ask: Ask | None = None
        self.status = 0
        self.sent = 0
        self.received = 0

    @classmethod
    def begin(cls, box: Box, writer: asyncio.StreamWriter, request: h11.Request | None) -> Entry:
        """A request came (None: bytes that are no request)."""
        command, program = box.peer(writer)
        method, path = "?", "?"
        if request is not None:
            method = request.method.decode("latin-1")
            path = request.target.decode("latin-1").partition("?")[0][:1024]
            agent = next((value for name, value in request.headers if name == b"user-agent"), b"")
            program = program or _peer.from_agent(agent.decode("latin-1"))
        call = Call(
            id=box.trace.new_id(), at=time.time(), method=method, path=path, command=command, program=program,
            words=f"{method} {path}",
        )  # fmt: skip
        return cls(box, box.trace, call)

    def route(self, ask: Ask) -> None:
        """It is this endpoint; the rule is asked now."""
        head = ask.head
        self._changes = head.method not in {"GET", "HEAD"} and ask.endpoint.rule not in _LASTING
        if ask.endpoint.path.endswith(("/wait", "/resize")) or ask.endpoint.rule == "pass_secret":
            self._changes = False
        if self._changes:
            self._box.changing += 1
        self._call = msgspec.structs.replace(
            self._call, path=head.path, version=head.version, template=ask.endpoint.template,
            query=_redact.query(head.query),
        )  # fmt: skip

    def know(self, ask: Ask) -> None:
        """The rule has read what it is about."""
        self._ask = ask
        body = None
        if ask.said is not None and ask.endpoint.rule not in _NO_BODY:
            body = _redact.body(ask.said)
        ref = ask.objects.name(ask.ref) if ask.endpoint.path.startswith("/containers/") else ask.ref
        self._call = msgspec.structs.replace(
            self._call, words=ask.says or words(ask.endpoint, ref, self._call.query, body),
            objects=tuple(ask.touched), body=body,
        )  # fmt: skip
        self._trace.put(self._call)

    def refused(self, refused: Refused) -> None:
        """The sandbox answers."""
        refusal = refused.message if refused.rule not in {"not-found", "engine"} else None
        self._call = msgspec.structs.replace(self._call, refusal=refusal)
        if not self._call.template:
            self.end(refused.status)

    def end(self, status: int) -> None:
        """The answer has ended (0: it broke off before it began)."""
        status = status or self.status
        if self._changes:
            self._box.changing -= 1
            self._changes = False
        if self._call.status is not None:
            return
        took = round((time.perf_counter() - self._begun) * 1000, 3)
        ask = self._ask
        self._call = msgspec.structs.replace(
            self._call, status=status, duration_ms=took, sent=self.sent, received=self.received,
            objects=tuple(ask.touched) if ask else (), words=(ask and ask.says) or self._call.words,
        )  # fmt: skip
        self._trace.put(self._call)
