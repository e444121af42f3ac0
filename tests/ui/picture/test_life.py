"""The lives of containers, folded from what was seen of them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.ui.picture.situations import BEGIN, life
from tests.unit.world.worlds import world
from tutor.engine.world import Container, World
from tutor.ui.tui.picture.history import History
from tutor.ui.tui.picture.speech import moment
from tutor.ui.tui.picture.timeline_view import summary


def _only(held: World, at: float = 2e9) -> tuple[str, ...]:
    (lane,) = History().fold(at, (), held).lanes
    return tuple(step.kind for step in lane.steps)


def test_a_life_has_all_its_steps_in_order() -> None:
    history, now = life()
    web, job = history.lane("a" * 64), history.lane("b" * 64)
    assert web and job
    assert [s.kind for s in web.steps] == ["create", "start", "exit", "start", "pause", "unpause"]
    assert [s.code for s in web.steps if s.kind == "exit"] == [137]
    assert [s.kind for s in job.steps] == ["create", "start", "exit", "rm"]
    assert job.removed
    assert (web.place, job.place) == ("running", "removed")
    assert summary(web, now) == "running 12 s · same writable layer, new process, start 2"


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("created", ("create",)),
        ("web", ("create", "start")),
        ("stopped", ("create", "start", "exit")),
        ("started-again", ("create", "exit", "start")),
        ("paused", ("create", "start", "pause")),
        ("no-program", ("create",)),
        ("falls-over", ("create", "start", "exit")),
    ],
)
def test_a_container_met_late_tells_what_the_engine_still_knows(name: str, steps: tuple[str, ...]) -> None:
    assert _only(world(name)) == steps


def test_a_restart_between_two_looks_is_an_exit_and_a_start() -> None:
    up = Container(
        id="a", name="web", image="x", image_id="x", state="running", created="2026-01-01T00:00:00Z",
        started="2026-01-01T00:00:01Z",
    )  # fmt: skip
    again = replace(up, started="2026-01-01T00:00:09Z", finished="2026-01-01T00:00:08Z")
    history = History().fold(BEGIN, (), World(containers={"a": up})).fold(BEGIN + 9, (), World(containers={"a": again}))
    assert [(s.kind, s.at - BEGIN, s.code) for s in history.lanes[0].steps] == [
        ("create", 0, None),
        ("start", 1, None),
        ("exit", 8, None),
        ("start", 9, None),
    ]


def test_one_removed_while_it_ran_has_no_exit_code_that_nobody_saw() -> None:
    history = History().fold(BEGIN, (), world("web")).fold(moment("2026-11-23T20:40:00Z"), (), World())
    (lane,) = history.lanes
    assert [(s.kind, s.code) for s in lane.steps][-2:] == [("exit", None), ("rm", None)]
    assert "exited" not in summary(lane, 0)


def test_one_that_is_there_again_was_not_removed() -> None:
    before = History().fold(BEGIN, (), world("web"))
    assert before.fold(2e9, (), World()).fold(2e9 + 1, (), world("web")) == before


def test_nothing_new_changes_nothing() -> None:
    history, _ = life()
    held = World(containers={"a" * 64: history.lanes[0].last})
    assert history.fold(BEGIN + 99, (), held) == history
