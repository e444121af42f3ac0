"""Which doors are told to be closed, from what the kernel says of a container's sockets."""

from __future__ import annotations

from tests.unit.world.worlds import world
from tutor.lab.instruments import closed_doors, running
from tutor.lab.observations import Listener


def test_a_door_is_closed_when_nobody_can_answer_behind_it() -> None:
    (web,) = world("web").containers.values()
    (port,) = web.published
    assert port.container == "80/tcp"
    host = port.host_port
    assert closed_doors(web, [Listener(address="0.0.0.0", port=80)]) == {}
    assert closed_doors(web, [Listener(address="::", port=80), Listener(address="127.0.0.1", port=80)]) == {}
    assert closed_doors(web, [Listener(address="0.0.0.0", port=8080)]) == {host: "nobody listens"}
    assert closed_doors(web, []) == {host: "nobody listens"}
    assert closed_doors(web, [Listener(address="127.0.0.1", port=80)]) == {host: "listens on 127.0.0.1 only"}


def test_only_what_runs_is_measured() -> None:
    assert [c.name for c in running(world("web"))] == ["web"]
    assert running(world("stopped")) == []
