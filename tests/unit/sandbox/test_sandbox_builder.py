"""HPACK, Protocol Buffers, HTTP/2: against the examples of their documents, and however the bytes are cut."""

from __future__ import annotations

import asyncio
import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor.sandbox import _protobuf as pb
from tutor.sandbox._hpack import Decoder, HpackError, encode
from tutor.sandbox._http2 import PREFACE, BrokenConnection, Calls
from tutor.sandbox.policy import Refused


def test_hpack_by_the_examples_of_its_rfc() -> None:
    """RFC 7541, appendix C.4: three requests with Huffman coding and a table that grows."""
    decoder = Decoder()
    first = decoder.decode(bytes.fromhex("828684418cf1e3c2e5f23a6ba0ab90f4ff"))
    assert first == [
        (b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/"), (b":authority", b"www.example.com")]  # fmt: skip
    second = decoder.decode(bytes.fromhex("828684be5886a8eb10649cbf"))
    assert second == [*first, (b"cache-control", b"no-cache")]
    third = decoder.decode(bytes.fromhex("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf"))
    assert third == [
        (b":method", b"GET"), (b":scheme", b"https"), (b":path", b"/index.html"), (b":authority", b"www.example.com"),
        (b"custom-key", b"custom-value")]  # fmt: skip


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=300), st.binary(max_size=300)), max_size=10))
def test_hpack_reads_what_it_writes(headers: list[tuple[bytes, bytes]]) -> None:
    assert Decoder().decode(encode(headers)) == headers


@given(st.binary(max_size=100))
def test_hpack_takes_any_bytes(data: bytes) -> None:
    try:
        Decoder().decode(data)
    except HpackError:
        return


@given(st.binary(max_size=100))
def test_protobuf_takes_any_bytes(data: bytes) -> None:
    try:
        fields = pb.parse(data)
    except pb.WireError:
        return
    assert pb.parse(pb.write(fields)) == fields


def test_protobuf_maps() -> None:
    message = pb.write([pb.string(1, "ref"), pb.entry(4, "name", "a:1"), pb.entry(4, "name", "b:1")])
    assert pb.pairs(pb.parse(message), 4) == {"name": "b:1"}


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def _read(data: bytes) -> list[tuple[int, int, int, bytes]]:
    frames = []
    while data:
        size = int.from_bytes(data[:3], "big")
        frames.append((data[3], data[4], int.from_bytes(data[5:9], "big"), data[9 : 9 + size]))
        data = data[9 + size :]
    return frames


def _call(stream: int, path: bytes, message: bytes) -> bytes:
    headers = encode([(b":method", b"POST"), (b":path", path), (b"content-type", b"application/grpc")])
    return _frame(1, 4, stream, headers) + _frame(0, 1, stream, struct.pack(">BI", 0, len(message)) + message)


async def _judge(path: str, headers: dict[str, str], message: bytes) -> bytes:
    if b"bad" in message:
        raise Refused("Not in a lab.")
    return message + b"+label"


async def _ended(path: str) -> None:
    return None


def _calls() -> Calls:
    return Calls({"/judged": True, "/passed": False}.get, _judge, _ended)


def _run(calls: Calls, data: bytes, cuts: list[int]) -> tuple[bytes, bytes]:
    async def run() -> tuple[bytes, bytes]:
        out = back = b""
        places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
        for a, b in itertools.pairwise(places):
            more, behind = await calls.from_client(data[a:b])
            out += more
            back += behind
        return out, back

    return asyncio.run(run())


@given(st.lists(st.integers(0, 2000), max_size=20))
def test_calls_are_changed_refused_and_passed(cuts: list[int]) -> None:
    data = PREFACE + _frame(4, 0, 0, b"") + _call(1, b"/judged", b"good") + _call(3, b"/judged", b"bad")
    data += _call(5, b"/unknown", b"x") + _call(7, b"/passed", b"same")
    out, back = _run(_calls(), data, cuts)
    assert out.startswith(PREFACE)
    frames = _read(out[len(PREFACE) :])
    bodies = {stream: payload for kind, _, stream, payload in frames if kind == 0}
    assert bodies == {1: b"\0" + struct.pack(">I", 10) + b"good+label", 7: b"\0" + struct.pack(">I", 4) + b"same"}
    assert [stream for kind, _, stream, _ in frames if kind == 3] == [3]  # begun, never given its message, cancelled
    assert [stream for kind, _, stream, _ in frames if kind == 1] == [1, 3, 7]
    answers = {}
    for kind, _, stream, payload in _read(back):
        if kind == 1:
            answers[stream] = dict(Decoder().decode(payload))
    assert answers[3][b"grpc-message"] == b"Not in a lab."
    assert answers[3][b"grpc-status"] == b"7"
    assert set(answers) == {3, 5}


def test_what_is_added_is_taken_from_the_clients_window() -> None:
    calls = _calls()
    _run(calls, PREFACE + _call(1, b"/judged", b"good"), [])

    async def windows() -> list[int]:
        seen = []
        for more in (4, 100):
            out, _ = await calls.from_engine(_frame(8, 0, 0, struct.pack(">I", more)))
            seen += [int.from_bytes(payload, "big") for _, _, _, payload in _read(out)]
        return seen

    assert asyncio.run(windows()) == [98]  # six bytes were added: four and two of the engine's credit pay for them


def test_data_beyond_the_engines_window_waits() -> None:
    calls = _calls()
    big = b"x" * 16000
    headers = encode([(b":path", b"/passed")])
    data = PREFACE + _frame(1, 4, 1, headers) + b"".join(_frame(0, 0, 1, big) for _ in range(5))
    out, _ = _run(calls, data, [])
    assert sum(kind == 0 for kind, _, _, _ in _read(out[len(PREFACE) :])) == 4

    async def credit() -> bytes:
        return (await calls.from_engine(_frame(8, 0, 0, struct.pack(">I", 16000))))[1]

    assert [kind for kind, _, _, _ in _read(asyncio.run(credit()))] == [0]


@given(st.binary(max_size=200))
def test_any_bytes_end_in_a_broken_connection_or_pass(data: bytes) -> None:
    try:
        _run(_calls(), PREFACE + data, [])
    except BrokenConnection:
        return


def test_a_client_that_is_no_http2_client() -> None:
    with pytest.raises(BrokenConnection):
        _run(_calls(), b"GET / HTTP/1.1\r\n\r\nmore than enough", [])
