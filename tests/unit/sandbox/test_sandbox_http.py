"""The HTTP layer: what is read does not depend on how the bytes were cut, and what is sent is what was judged."""

from __future__ import annotations

import itertools
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutor.sandbox._framing import Chunks, Counted, FramingError, parse_reply
from tutor.sandbox._head import judge
from tutor.sandbox.policy import Refused, Scope
from tutor.sandbox.proxy import Sandbox
from tutor.sandbox.trace import Trace
from tutor.sandbox.upstream import Upstream


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """The bytes, cut at these places."""
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


@given(st.lists(st.binary(min_size=1, max_size=50)), st.binary(max_size=20), st.lists(st.integers(0, 5000)))
def test_chunks_end_where_they_end(parts: list[bytes], behind: bytes, cuts: list[int]) -> None:
    body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\nA: b\r\n\r\n"
    chunks = Chunks(keep=True)
    used = 0
    kept = b""
    for piece in pieces(body + behind, cuts):
        if chunks.done:
            break
        used += chunks.feed(piece)
        kept += chunks.take()
    assert chunks.done
    assert used == len(body)
    assert kept == b"".join(parts)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_chunks_are_told(data: bytes) -> None:
    chunks = Chunks()
    try:
        used = chunks.feed(data)
    except FramingError:
        return
    assert 0 <= used <= len(data)
    assert chunks.done or used == len(data)


def test_counted_bodies() -> None:
    body = Counted(5)
    assert body.feed(b"abc") == 3
    assert body.feed(b"defg") == 2
    assert body.done
    assert Counted(0).done


@pytest.mark.parametrize(
    "head",
    [b"HTTP/2 200 OK", b"HTTP/1.1 20 OK", b"HTTP/1.1 200 OK\r\nA b", b"HTTP/1.1 200 OK\r\nContent-Length: x",
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip", b"nonsense", b"HTTP/1.1 200 OK\r\n A: b"],
)  # fmt: skip
def test_answers_that_are_no_answers(head: bytes) -> None:
    with pytest.raises(FramingError):
        parse_reply(head + b"\r\n\r\n", len(head) + 4)


_LETTERS = st.characters(codec="utf-8", exclude_characters="%\\/.\x7f", exclude_categories=("Cc", "Cs"))
_SAFE = st.text(_LETTERS, min_size=1)


@given(_SAFE, st.lists(st.tuples(_SAFE, st.text(st.characters(codec="utf-8", exclude_categories=("Cs",))))))
def test_what_is_sent_is_what_was_judged(name: str, query: list[tuple[str, str]]) -> None:
    from urllib.parse import quote, urlencode

    target = f"/v1.45/containers/{quote(name, safe='')}/json" + (f"?{urlencode(query)}" if query else "")
    head = judge(h11.Request(method="GET", target=target, headers=[("Host", "d")]))
    assert head.path == f"/containers/{name}/json"
    assert head.version == "1.45"
    assert head.query == query
    again = judge(h11.Request(method="GET", target=head.target(head.path), headers=[("Host", "d")]))
    assert (again.path, again.version, again.query) == (head.path, head.version, head.query)


@given(st.text(st.sampled_from("/.%2eE5cCfF0aA\\#?v1.45containersjson;=&+"), max_size=40))
def test_no_spelling_climbs(text: str) -> None:
    try:
        head = judge(h11.Request(method="GET", target="/" + text, headers=[("Host", "d")]))
    except (Refused, h11.LocalProtocolError):
        return
    parts = head.path.split("/")[1:]
    assert not {"", ".", ".."} & set(parts)
    assert "%" not in head.path
    sent = head.target(head.path)
    assert "//" not in sent.partition("?")[0]
    assert "%2e" not in sent.lower()


# -- through a sandbox, to a server that tells what it got -------------------------------------------------------------
class _Echo:
    """Answers each request with its target and its body, by turns with a length and chunked."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "echo.sock"
        self.seen: list[bytes] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen(64)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(plain,), daemon=True).start()

    def _one(self, plain: socket.socket) -> None:
        with plain:
            wire = h11.Connection(h11.SERVER)
            target, body, turn = b"", b"", 0
            while True:
                event = wire.next_event()
                if event is h11.NEED_DATA:
                    data = plain.recv(65536)
                    wire.receive_data(data)
                elif isinstance(event, h11.Request):
                    target = event.method + b" " + event.target
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    turn += 1
                    self.seen.append(target)
                    text = target + b"|" + body
                    if turn % 2:
                        plain.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
                    else:
                        chunks = b"".join(b"1\r\n%s\r\n" % text[i : i + 1] for i in range(len(text)))
                        plain.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
                    body = b""
                    rest = wire.trailing_data[0]
                    wire = h11.Connection(h11.SERVER)
                    wire.receive_data(rest or plain.recv(65536))
                else:
                    return

    def close(self) -> None:
        self._listener.close()


@pytest.fixture(scope="module")
def echo() -> Iterator[tuple[_Echo, Path]]:
    with tempfile.TemporaryDirectory(prefix="dt-", dir="/tmp") as folder:
        server = _Echo(Path(folder))
        scope = Scope("22-aaaaaa", "me", frozenset(), folder)
        sandbox = Sandbox(Upstream(unix=str(server.path)), scope, Path(folder) / "s" / "x.sock", Trace())
        sandbox.start()
        yield server, sandbox.socket
        sandbox.stop()
        server.close()


_REQUESTS = st.sampled_from(
    [
        (b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n", b"GET /_ping|"),
        (b"GET /v1.44/version?a=b%20c HTTP/1.1\r\nHost: d\r\nX-Y: z\r\n\r\n", b"GET /v1.44/version?a=b+c|"),
        (b"POST /auth HTTP/1.1\r\nHost: d\r\nContent-Length: 5\r\n\r\nhello", b"POST /auth|hello"),
        (b"POST /auth HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
         b"POST /auth|hello"),
        (b"GET /images/search?term=x HTTP/1.1\r\nHost: d\r\n\r\n", b"GET /images/search?term=x|"),
        (b"GET /nosuch HTTP/1.1\r\nHost: d\r\n\r\n", None),
    ]
)  # fmt: skip


@settings(max_examples=60)
@given(st.lists(_REQUESTS, min_size=1, max_size=8), st.lists(st.integers(0, 3000), max_size=12))
def test_any_cut_of_any_pipeline_is_the_same(
    echo: tuple[_Echo, Path], requests: list[tuple[bytes, bytes | None]], cuts: list[int]
) -> None:
    _, path = echo
    data = b"".join(request for request, _ in requests)
    with socket.socket(socket.AF_UNIX) as plain:
        plain.settimeout(20)
        plain.connect(str(path))
        for piece in pieces(data, cuts):
            plain.sendall(piece)
        plain.shutdown(socket.SHUT_WR)
        answer = b""
        while part := plain.recv(65536):
            answer += part
    wire = h11.Connection(h11.CLIENT)
    wire.receive_data(answer)
    wire.receive_data(b"")
    seen: list[bytes | None] = []
    for request, _ in requests:
        wire.send(h11.Request(method=request.split(b" ")[0], target="/", headers=[("Host", "d")]))
        wire.send(h11.EndOfMessage())
        event = wire.next_event()
        assert isinstance(event, h11.Response)
        body = b""
        while isinstance(part_event := wire.next_event(), h11.Data):
            body += bytes(part_event.data)
        seen.append(body if event.status_code == 200 else None)
        if event.status_code != 200:
            assert event.status_code == 403
            break  # an endpoint that is not known ends the connection
        if wire.their_state is h11.DONE:
            wire.start_next_cycle()
    expected = [text for _, text in requests]
    assert seen == expected[: expected.index(None) + 1] if None in expected else seen == expected


@settings(max_examples=60)
@given(st.binary(max_size=300))
def test_any_bytes_are_answered_or_closed(echo: tuple[_Echo, Path], data: bytes) -> None:
    server, path = echo
    before = len(server.seen)
    with socket.socket(socket.AF_UNIX) as plain:
        plain.settimeout(20)
        plain.connect(str(path))
        try:
            plain.sendall(data)
            plain.shutdown(socket.SHUT_WR)
            answer = b""
            while part := plain.recv(65536):
                answer += part
        except (BrokenPipeError, ConnectionResetError):
            return
    assert not answer or answer.startswith(b"HTTP/1.1 ")
    assert len(server.seen) == before
