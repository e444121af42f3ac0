"""Whatever the World holds, a picture is drawn, and it stays inside its bounds."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.ui.picture.situations import MACHINE
from tutor.engine.gauge import Usage
from tutor.engine.world import (
    Attachment,
    Container,
    Image,
    MountPoint,
    Network,
    PublishedPort,
    Service,
    Volume,
    World,
    diff,
)
from tutor.sandbox.trace import Call
from tutor.ui.tui.picture import chain_view, layers_view, stack_view, stages, timeline_view, trace_view, world_view
from tutor.ui.tui.picture.history import History
from tutor.ui.tui.picture.kit import Drawing, plain
from tutor.ui.tui.picture.look import Look

_TEXT = st.text(max_size=24)
_NAMES = st.sampled_from(
    ["web", "db", "job", "a-very-long-name-that-nobody-would-give-a-container", "漢字", "e\u0301", ""]
)
_IDS = st.sampled_from(["a" * 64, "b" * 64, "c" * 64, "sha256:" + "d" * 64, "x"])
_TIMES = st.sampled_from(
    ["", "nonsense", *(f"2026-01-01T00:00:{s:02}.5Z" for s in range(0, 60, 7)), "2026-01-02T00:00:00+01:00"]
)
_PORTS = st.builds(
    PublishedPort,
    container=st.sampled_from(["80/tcp", "53/udp", "8080/tcp", ""]),
    host_ip=st.sampled_from(["", "0.0.0.0", "::", "127.0.0.1", "fe80::1234:5678:9abc:def0"]),
    host_port=st.sampled_from(["", "80", "8080", "49153"]),
)
_MOUNTS = st.builds(
    MountPoint,
    type=st.sampled_from(["bind", "volume", "tmpfs", "image"]),
    destination=_TEXT,
    source=_TEXT,
    name=_NAMES,
    anonymous=st.booleans(),
    read_only=st.booleans(),
)
_TIES = st.builds(
    Attachment, network=_NAMES, network_id=_IDS, address=_TEXT, aliases=st.lists(_NAMES, max_size=3).map(tuple)
)
_CONTAINERS = st.builds(
    Container,
    id=_IDS,
    name=_NAMES,
    image=st.one_of(_TEXT, st.just("nginx:1.27")),
    image_id=_IDS,
    state=st.sampled_from(["created", "running", "paused", "restarting", "removing", "exited", "dead", "", "odd"]),
    created=_TIMES,
    started=_TIMES,
    finished=_TIMES,
    exit_code=st.sampled_from([0, 1, 126, 127, 137, 143, 255]),
    oom_killed=st.booleans(),
    error=_TEXT,
    health=st.sampled_from(["none", "starting", "healthy", "unhealthy", ""]),
    process=st.lists(_TEXT, max_size=3).map(tuple),
    published=st.lists(_PORTS, max_size=4).map(tuple),
    exposed=st.lists(st.sampled_from(["80/tcp", "443/tcp"]), max_size=2).map(tuple),
    mounts=st.lists(_MOUNTS, max_size=3).map(tuple),
    attachments=st.lists(_TIES, max_size=5).map(tuple),
    memory=st.sampled_from([0, 1, 16 << 20, 1 << 45]),
    cpus=st.sampled_from([0.0, 0.25, 64.0]),
    pids=st.sampled_from([0, 100]),
    user=_TEXT,
    restart=st.sampled_from(["no", "always", ""]),
    restart_count=st.integers(0, 99),
    network_mode=st.sampled_from(["", "host", "none", "container:abc"]),
    size_rw=st.one_of(st.none(), st.integers(0, 1 << 40)),
)
_IMAGES = st.builds(
    Image,
    id=_IDS,
    tags=st.lists(st.one_of(_TEXT, st.just("shop:1"), st.just("shop:2")), max_size=2).map(tuple),
    created=_TIMES,
    size=st.integers(0, 1 << 40),
    layers=st.lists(st.sampled_from(["sha256:1", "sha256:2", "sha256:3", ""]), max_size=12).map(tuple),
    own=st.booleans(),
)
_NETWORKS = st.builds(
    Network, id=_IDS, name=_NAMES, internal=st.booleans(), subnets=st.lists(_TEXT, max_size=2).map(tuple)
)
_VOLUMES = st.builds(Volume, name=_NAMES, anonymous=st.booleans())
_SERVICES = st.builds(
    Service, id=_IDS, name=_NAMES, image=_TEXT, replicas=st.integers(0, 9), running=st.integers(0, 9), update=_TEXT
)


def _by(key: str, things: list[object]) -> dict[str, object]:
    return {getattr(thing, key): thing for thing in things}


_WORLDS = st.builds(
    World,
    containers=st.lists(_CONTAINERS, max_size=6).map(lambda found: _by("id", found)),  # type: ignore[arg-type]
    images=st.lists(_IMAGES, max_size=5).map(lambda found: _by("id", found)),  # type: ignore[arg-type]
    networks=st.lists(_NETWORKS, max_size=5).map(lambda found: _by("id", found)),  # type: ignore[arg-type]
    volumes=st.lists(_VOLUMES, max_size=4).map(lambda found: _by("name", found)),  # type: ignore[arg-type]
    services=st.lists(_SERVICES, max_size=2).map(lambda found: _by("id", found)),  # type: ignore[arg-type]
)
_LOOKS = st.builds(
    Look,
    where=st.sampled_from(
        ["", "container web", "network x", "image shop:1", "port 80", "service web", "odd", "volume "]
    ),
    closed=st.dictionaries(st.sampled_from(["80", "8080"]), st.just("nobody listens")),
    fresh=st.just(frozenset({("container", "a" * 64), ("image", "x")})),
    usage=st.just({"web": Usage(1 << 30, 3.5, 7), "a" * 64: Usage(0, 0.0)}),
    now=st.sampled_from([0.0, 1767225700.0]),
)
_CALLS = st.builds(
    Call,
    id=st.integers(0, 999),
    at=st.floats(0, 2e9),
    method=st.sampled_from(["GET", "POST", "DELETE", "漢字漢字"]),
    path=_TEXT,
    template=st.one_of(st.just(""), st.sampled_from(sorted(stages._REACHES))),
    words=_TEXT,
    status=st.sampled_from([None, 101, 200, 304, 404, 409, 500]),
    duration_ms=st.one_of(st.none(), st.floats(0, 1e7)),
    command=st.one_of(st.none(), _TEXT, st.just("docker run nginx")),
    program=st.one_of(st.none(), st.sampled_from(["docker", "docker-compose", "curl"]), _TEXT),
    refusal=st.one_of(st.none(), _TEXT),
)
_CELLS, _ROWS = st.integers(0, 130), st.integers(0, 50)


def _inside(drawing: Drawing, cells: int, rows: int) -> None:
    assert len(drawing) <= rows
    for line in drawing:
        assert cell_len(plain(line)) <= cells, plain(line)
        assert "\n" not in plain(line)
        assert "\x1b" not in plain(line)


@given(_WORLDS, _LOOKS, _CELLS, _ROWS)
@settings(max_examples=60)
def test_any_world(world: World, look: Look, cells: int, rows: int) -> None:
    _inside(world_view.draw(world, look, cells, rows), cells, rows)
    assert world_view.words(world, look)


@given(_WORLDS, _LOOKS, _CELLS, _ROWS, st.lists(st.tuples(st.integers(0, 1 << 40), _TEXT), max_size=12))
@settings(max_examples=60)
def test_any_layers(world: World, look: Look, cells: int, rows: int, told: list[tuple[int, str]]) -> None:
    histories = dict.fromkeys(world.images, told)
    _inside(layers_view.draw(world, histories, look, cells, rows), cells, rows)
    assert layers_view.words(world, histories, look)


@given(st.lists(_WORLDS, max_size=4), _LOOKS, _CELLS, _ROWS)
@settings(max_examples=40)
def test_any_lives(worlds: list[World], look: Look, cells: int, rows: int) -> None:
    history, before = History(), World()
    for number, world in enumerate(worlds):
        history = history.fold(1767225600.0 + number, diff(before, world), world)
        before = world
    for lane in history.lanes:
        assert [s.at for s in lane.steps] == sorted(s.at for s in lane.steps)
        assert [s.kind for s in lane.steps].count("create") == 1
        assert sum(s.kind == "rm" for s in lane.steps) <= 1
    _inside(timeline_view.draw(history, look, cells, rows), cells, rows)
    assert timeline_view.words(history, look)


@given(st.lists(_CALLS, max_size=12), _CELLS, _ROWS)
@settings(max_examples=60)
def test_any_calls(calls: list[Call], cells: int, rows: int) -> None:
    _inside(trace_view.draw(calls, cells, rows), cells, rows)
    assert trace_view.words(calls)


@given(_WORLDS, _CELLS)
@settings(max_examples=60)
def test_any_stack_keeps_its_height(world: World, cells: int) -> None:
    empty, full = stack_view.draw(None, World(), cells), stack_view.draw(MACHINE, world, cells)
    _inside(full, cells, len(empty))
    assert len(full) == len(empty)
    assert stack_view.words(MACHINE, world)


@given(st.lists(_CALLS, max_size=12), _CELLS)
@settings(max_examples=60)
def test_any_pipeline_keeps_its_height(calls: list[Call], cells: int) -> None:
    empty, full = chain_view.draw(None, (), cells), chain_view.draw(MACHINE, calls, cells)
    _inside(full, cells, len(empty))
    assert len(full) == len(empty)
    assert chain_view.words(calls)
