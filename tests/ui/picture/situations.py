"""Values that the pictures are tried on: recorded worlds, and some with everything in them."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from tests.unit.world.worlds import world
from tutor.engine.gauge import Usage
from tutor.engine.machine import Machine
from tutor.engine.world import Attachment, Container, MountPoint, Network, PublishedPort, Service, Volume, World, diff
from tutor.sandbox.trace import Call
from tutor.ui.tui.picture.history import History
from tutor.ui.tui.picture.look import Look
from tutor.ui.tui.picture.speech import moment

SIZES = ((40, 12), (60, 20), (100, 40))
WIDTHS = (40, 50, 75)  # of a lesson's text: in a terminal of 100, 120 and 80 columns
BEGIN = moment("2026-01-01T00:00:00Z")
MACHINE = Machine(
    system="Debian GNU/Linux 12 (bookworm)",
    kernel="6.1.0",
    cpus=2,
    memory=4 << 30,
    engine="26.1.5",
    containerd="1.7.24",
    runc="1.1.15",
)
DESKTOP = Machine(system="Docker Desktop", kernel="6.10.14", cpus=8, memory=8 << 30, engine="28.0.1", virtual=True)
USAGE = {"web": Usage(31 << 20, 0.12, 3), "db": Usage(124 << 20, 0.1, 9)}
RUN = "docker run -d --name web -p 8080:80 nginx"


def busy() -> World:
    """Two networks, doors, limits, health, a volume, a service, and a container that was killed for its memory."""
    base = world("on-network")
    web, db = base.container("web"), base.container("db")
    assert web and db
    published = (
        PublishedPort(container="80/tcp", host_ip="0.0.0.0", host_port="8080"),
        PublishedPort(container="8443/tcp", host_ip="127.0.0.1", host_port="8443"),
    )
    back = Attachment(network="back", network_id="n2", address="10.0.0.2", aliases=("store", "db"))
    made = (
        replace(web, published=published, memory=64 << 20, cpus=0.5, health="healthy", size_rw=2048, restart="always"),
        replace(
            db,
            mounts=(MountPoint(type="volume", name="notes", destination="/var/lib/data"),),
            memory=128 << 20,
            attachments=(*db.attachments, back),
        ),
        Container(
            id="c" * 64,
            name="job",
            image="busybox:1.37",
            image_id=db.image_id,
            state="exited",
            exit_code=137,
            oom_killed=True,
            created="2026-11-23T20:33:00Z",
            started="2026-11-23T20:33:01Z",
            finished="2026-11-23T20:33:05Z",
            process=("sh", "-c", "tail /dev/zero"),
            memory=16 << 20,
            attachments=(replace(back, address="", aliases=()),),
        ),
    )
    return replace(
        base,
        containers={c.id: c for c in made},
        volumes={"notes": Volume(name="notes"), "old": Volume(name="old")},
        networks={**base.networks, "n2": Network(id="n2", name="back", internal=True, subnets=("10.0.0.0/24",))},
        services={"s": Service(id="s", name="front", image="nginx:1.26", replicas=3, running=2)},
    )


def ten() -> World:
    """Ten containers that run, without names that somebody gave them."""
    names = "eager_brown silly_mendel quirky_hopper adoring_curie brave_bell calm_noether dreamy_euler fervent_gauss"
    made = [
        Container(id=f"{number}" * 64, name=name, image="busybox:1.37", image_id="x", state="running")
        for number, name in enumerate([*names.split(), "gallant_morse", "happy_tesla"])
    ]
    return World(containers={one.id: one for one in made})


def busy_look() -> Look:
    """A finding about `web`, a port behind which nobody listens, and real usage."""
    return Look(where="container web", closed={"8443": "nobody listens"}, usage=USAGE)


def call(number: int, template: str, words: str, status: int | None, took: float | None, **more: Any) -> Call:
    """A call; the command is a `docker run`."""
    method, path = template.split()
    fields: dict[str, Any] = {"command": RUN, "program": "docker", **more}
    return Call(
        id=number,
        at=1000 + number / 10,
        method=method,
        path=path,
        template=template,
        words=words,
        status=status,
        duration_ms=took,
        **fields,
    )


PING = "is anybody there, and which API do you speak?"
CALLS = (
    call(1, "HEAD /_ping", PING, 200, 0.4),
    call(2, "POST /containers/create", "create container `web` from `nginx`", 404, 3.1),
    call(3, "POST /images/create", "pull image `nginx:latest`", 200, 2310.0),
    call(4, "POST /containers/create", "create container `web` from `nginx`", 201, 14.2),
    call(5, "POST /containers/{id}/start", "start `5f0c11223344`", 204, 171.0),
)
REFUSED = (
    call(6, "HEAD /_ping", PING, 200, 0.4, command="docker run --privileged nginx"),
    call(
        7,
        "POST /containers/create",
        "create container from `nginx`",
        403,
        0.2,
        command="docker run --privileged nginx",
        refusal="`--privileged` gives a container all of the host. Try without it.",
    ),
)


def life() -> tuple[History, float]:
    """A container that was killed, started again and paused, beside one that did its work and was removed."""

    def at(seconds: float) -> str:
        return f"2026-01-01T00:00:{seconds:06.3f}Z"

    web = Container(id="a" * 64, name="web", image="nginx", image_id="x", state="created", created=at(0))
    job = Container(id="b" * 64, name="job", image="busybox", image_id="x", state="created", created=at(5))
    up = replace(web, state="running", started=at(0.3))
    done = replace(job, state="exited", started=at(5.1), finished=at(5.3))
    killed = replace(up, state="exited", exit_code=137, finished=at(12))
    again = replace(killed, state="running", exit_code=0, started=at(20))
    frames: list[tuple[float, list[Container]]] = [
        (0.0, [web]),
        (0.4, [up]),
        (5.0, [up, job]),
        (5.2, [up, replace(job, state="running", started=at(5.1))]),
        (5.4, [up, done]),
        (12.0, [killed, done]),
        (20.0, [again, done]),
        (25.0, [replace(again, state="paused"), done]),
        (27.0, [again, done]),
        (28.0, [again]),
    ]
    history, before = History(), World()
    for seconds, containers in frames:
        after = World(containers={c.id: c for c in containers})
        history = history.fold(BEGIN + seconds, diff(before, after), after)
        before = after
    return history, BEGIN + 32


def builds() -> tuple[World, dict[str, list[tuple[int, str]]]]:
    """Two builds that share a base and a step, one of them running; and how they were made."""
    base = world("two-builds")
    new = base.image("shop:2")
    assert new
    web = Container(id="a" * 64, name="web", image="shop:2", image_id=new.id, state="running", size_rw=2048)
    steps = [
        (0, 'CMD ["sh"]'),
        (100, "COPY . /app # buildkit"),
        (820, "RUN /bin/sh -c apk add python3 # buildkit"),
        (3000000, "/bin/sh -c #(nop) ADD file:abc in / "),
    ]
    return replace(base, containers={web.id: web}), {i.id: steps for i in base.images.values() if i.own}
