"""A call's entry in the trace while it runs."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tutor.sandbox import _peer, _redact
from tutor.sandbox._request import Request
from tutor.sandbox.ask import Ask
from tutor.sandbox.endpoints import find
from tutor.sandbox.policy import Refused
from tutor.sandbox.trace import Call
from tutor.sandbox.words import words

if TYPE_CHECKING:
    from tutor.sandbox.proxy import Box

_VERSION = re.compile(r"^/v\d+\.\d+(?=/)")
_AT_ONCE = 0.02
_LASTING = frozenset({"container_attach", "exec_start", "session", "grpc", "exec_use", "pass_secret"})
_NO_BODY = frozenset({"pass_secret", "secret_create", "secret_update"})


class Entry:
    """Writes one call's states.

    Attributes:
        status: HTTP status that was sent, 0 before.
        sent, received: Bytes so far.
    """

    __slots__ = (
        "_ask", "_begun", "_box", "_changes", "_fields", "_later", "_over", "_query", "_refusal", "received", "sent",
        "status",
    )  # fmt: skip

    def __init__(self, box: Box, fields: dict[str, Any]) -> None:
        self._box = box
        self._fields = fields
        self._begun = time.perf_counter()
        self._changes = self._over = False
        self._ask: Ask | None = None
        self._query: list[tuple[str, str]] = []
        self._refusal: str | None = None
        self._later = 0
        self.status = 0
        self.sent = 0
        self.received = 0

    @classmethod
    def begin(cls, box: Box, peer: _peer.Peer, request: Request | None) -> Entry:
        """A request came (None: bytes that are no request)."""
        command, program = peer
        method, path = "?", "?"
        if request is not None:
            method = request.method.decode("latin-1")
            path = request.target.decode("latin-1").partition("?")[0][:1024]
            if program is None:
                agent = next((value for name, value in request.headers if name == b"user-agent"), b"")
                program = _peer.from_agent(agent.decode("latin-1"))
        return cls(
            box,
            {"id": box.trace.new_id(), "at": time.time(), "method": method, "path": path, "command": command,
             "program": program, "words": f"{method} {path}" if request else "something that is no request"},
        )  # fmt: skip

    def misread(self, request: Request) -> None:
        """Its head is refused; say what it was about as far as its address tells."""
        path = unquote(request.target.decode("latin-1").partition("?")[0])
        path = _VERSION.sub("", path)
        found = find(request.method.decode("latin-1"), path) if path.startswith("/") else None
        if found is not None:
            endpoint, ref = found
            self._fields.update(path=path[:1024], template=endpoint.template, words=words(endpoint, ref, {}, None))

    def route(self, ask: Ask) -> None:
        """It is this endpoint; the rule is asked now."""
        head, endpoint = ask.head, ask.endpoint
        self._ask = ask
        self._query = list(head.query)  # the client's own, before a rule adds to it
        self._changes = (
            head.method not in {"GET", "HEAD"}
            and endpoint.rule not in _LASTING
            and not endpoint.path.endswith(("/wait", "/resize"))
        )
        if self._changes:
            self._box.changing += 1

    def know(self) -> None:
        """The rule has read what it is about."""
        if self._changes:
            self._show()
        else:
            # Most questions are answered at once and need no line for their beginning.
            self._later = self._box.clock.after(_AT_ONCE, self._show)

    def _show(self, status: int | None = None, took: float | None = None) -> None:
        if self._ask is not None and "template" not in self._fields:
            self._describe(self._ask)
        if self._ask is not None:
            self._fields["objects"] = tuple(self._ask.touched)
            self._fields["words"] = self._ask.says or self._fields["words"]
        self._box.trace.put(
            Call(
                **self._fields, status=status, duration_ms=took, sent=self.sent, received=self.received,
                refusal=self._refusal or (self._ask.refusal if self._ask else None),
            )
        )  # fmt: skip

    def _describe(self, ask: Ask) -> None:
        """Put it into words; done after the answer where that is quick, as it need not wait for them."""
        head, endpoint = ask.head, ask.endpoint
        body = None
        if ask.said is not None and endpoint.rule not in _NO_BODY:
            body = _redact.body(ask.said)
        query = _redact.query(self._query)
        ref = ask.objects.name(ask.ref) if endpoint.path.startswith("/containers/") else ask.ref
        self._fields.update(
            path=head.path, version=head.version, template=endpoint.template, query=query, body=body,
            words=words(endpoint, ref, query, body),
        )  # fmt: skip

    def note(self, refused: Refused) -> None:
        """Part of it was refused; the call goes on or has an answer already."""
        self._refusal = refused.message

    def refused(self, refused: Refused) -> None:
        """The sandbox answers."""
        self._refusal = refused.message if refused.rule not in {"not-found", "engine"} else None
        if self._ask is None:
            self.end(refused.status)

    def end(self, status: int) -> None:
        """The answer has ended (0: it broke off before it began)."""
        if self._changes:
            self._box.changing -= 1
            self._changes = False
        if self._over:
            return
        self._over = True
        self._box.clock.forget(self._later)
        self._show(status or self.status, round((time.perf_counter() - self._begun) * 1000, 3))
