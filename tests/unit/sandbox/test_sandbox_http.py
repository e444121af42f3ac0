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
from tutor.sandbox._request import NoRequest, Request, cut
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


# -- heads of requests, held against h11 -------------------------------------------------------------------------------
_PIECES = [
    b"GET", b"POST", b" ", b"  ", b"/_ping", b"/x?a=b", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2", b"\r\n", b"\r\n", b"\n",
    b"\r", b"Host: d", b"host:d", b"Content-Length: 5", b"Content-Length: 0x5", b"Transfer-Encoding: chunked",
    b"Connection: close", b" folded", b"A : b", b": b", b"A:", b"\x00", b"\xe9", b"\t", b"\x0b", b"x" * 200,
]  # fmt: skip


def _whole(data: bytes) -> h11.Request | None:
    wire = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 16)
    try:
        wire.receive_data(data)
        event = wire.next_event()
    except h11.RemoteProtocolError:
        return None
    return event if isinstance(event, h11.Request) else None


@settings(max_examples=500)
@given(st.lists(st.sampled_from(_PIECES), max_size=14).map(b"".join), st.booleans(), st.booleans())
def test_a_head_that_is_read_is_one_that_another_reader_reads_alike(data: bytes, start: bool, end: bool) -> None:
    data = (b"GET /_ping HTTP/1.1\r\nHost: d\r\n" if start else b"") + data + (b"\r\n\r\n" if end else b"")
    try:
        found = cut(data)
        if found is None:
            return
        judge(found[0])
    except (NoRequest, Refused):
        return
    request, rest = found
    other = _whole(data[: len(data) - len(rest)])
    assert other is not None
    assert (other.method, other.target, other.http_version) == (request.method, request.target, request.version)
    assert [(name, value) for name, value in other.headers if name != b"transfer-encoding"] == [
        (name, value) for name, value in request.headers if name != b"transfer-encoding"
    ]


_NAMES, _VALUES = (st.from_regex(text, fullmatch=True) for text in (r"[A-Za-z-]{1,20}", r"[!-~]{0,30}"))


@given(st.lists(st.tuples(_NAMES, _VALUES), min_size=1), st.binary(max_size=30), st.integers(0, 5000))
def test_a_good_head_is_read_when_it_is_whole(headers: list[tuple[str, str]], behind: bytes, at: int) -> None:
    lines = ["GET /_ping HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    head = ("\r\n".join(lines) + "\r\n\r\n").encode()
    assert cut(head[: at % len(head)]) is None
    found = cut(head + behind)
    assert found == (_get("/_ping", *headers), behind)


@pytest.mark.parametrize(
    "data",
    [b"\x16\x03\x01", b"\r\n", b" GET", b"GET / HTTP/1.1\n", b"GET / HTTP/1.1\r\nA: b\n", b"GET /  HTTP/1.1\r\n\r\n",
     b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", b"GET / HTTP/1.1\r\nA : b\r\n\r\n", b"GET / HTTP/1.1\r\nA\r\n\r\n",
     b"GET / HTTP/1.1\r\nA: b\x00\r\n\r\n", b"GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", b"x" * (1 << 16) + b"y"],
)  # fmt: skip
def test_what_is_no_head_is_told_at_once(data: bytes) -> None:
    with pytest.raises(NoRequest):
        cut(data)


@pytest.mark.parametrize(
    "headers",
    [("Content-Length", "x"), ("Content-Length", "+5"), ("Content-Length", "5, 5"), ("Content-Length", "9" * 19),
     ("Transfer-Encoding", "gzip, chunked"), ("Transfer-Encoding", "chunked, chunked"),
     ("Connection", "content-length"), ("Host", "e")],
)  # fmt: skip
def test_heads_that_could_mean_two_things(headers: tuple[str, str]) -> None:
    with pytest.raises(Refused):
        judge(_get("/_ping", ("Host", "d"), headers))


@pytest.mark.parametrize(
    "body",
    [b"5\nhello\r\n", b"+5\r\nhello\r\n", b"0x5\r\nhello\r\n", b"5_0\r\n", b"5\r\nhello!\r\n", b"5\r\nhello\n0\r\n",
     b"-1\r\n", b"\r\n", b"5 5\r\n", b"f" * 16 + b"\r\n", b"0\r\nA: b\n"],
)  # fmt: skip
def test_chunks_that_another_reader_could_read_otherwise(body: bytes) -> None:
    with pytest.raises(FramingError):
        Chunks().feed(body)


def _get(target: str, *headers: tuple[str, str]) -> Request:
    fields = headers or (("Host", "d"),)
    listed = [(name.lower().encode(), value.encode()) for name, value in fields]
    return Request(b"GET", target.encode(), b"1.1", listed)


_LETTERS = st.characters(codec="utf-8", exclude_characters="%\\/.\x7f", exclude_categories=("Cc", "Cs"))
_SAFE = st.text(_LETTERS, min_size=1)


@given(_SAFE, st.lists(st.tuples(_SAFE, st.text(st.characters(codec="utf-8", exclude_categories=("Cs",))))))
def test_what_is_sent_is_what_was_judged(name: str, query: list[tuple[str, str]]) -> None:
    from urllib.parse import quote, urlencode

    target = f"/v1.45/containers/{quote(name, safe='')}/json" + (f"?{urlencode(query)}" if query else "")
    head = judge(_get(target))
    assert head.path == f"/containers/{name}/json"
    assert head.version == "1.45"
    assert head.query == query
    again = judge(_get(head.target(head.path)))
    assert (again.path, again.version, again.query) == (head.path, head.version, head.query)


@given(st.text(st.sampled_from("/.%2eE5cCfF0aA\\#?v1.45containersjson;=&+"), max_size=40))
def test_no_spelling_climbs(text: str) -> None:
    try:
        head = judge(_get("/" + text))
    except Refused:
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


def test_a_client_that_says_no_more_leaves_no_dead_connection_for_the_next() -> None:
    """The engine answers in full after it was told so: that connection can carry no other call."""
    said = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"
    with tempfile.TemporaryDirectory(prefix="dt-", dir="/tmp") as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/engine.sock")
        listener.listen(4)
        kept: list[socket.socket] = []

        def engine() -> None:
            first, _ = listener.accept()
            kept.append(first)  # it stays open on this side
            while first.recv(65536):
                pass
            first.sendall(said)
            second, _ = listener.accept()
            kept.append(second)
            assert second.recv(65536)
            second.sendall(said)

        thread = threading.Thread(target=engine)
        thread.start()
        scope = Scope("22-aaaaaa", "me", frozenset(), folder)
        sandbox = Sandbox(Upstream(unix=f"{folder}/engine.sock"), scope, Path(folder) / "s" / "x.sock", Trace())
        sandbox.start()
        try:
            for _ in range(2):
                with socket.socket(socket.AF_UNIX) as plain:
                    plain.settimeout(20)
                    plain.connect(str(sandbox.socket))
                    plain.sendall(b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n")
                    plain.shutdown(socket.SHUT_WR)
                    answer = b""
                    while part := plain.recv(65536):
                        answer += part
                    assert answer.endswith(b"OK"), answer
        finally:
            sandbox.stop()
            thread.join(20)
            for one in kept:
                one.close()
