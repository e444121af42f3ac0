"""What the pictures say, piece by piece."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.ui.picture import situations
from tests.ui.picture.situations import CALLS, REFUSED, call
from tests.unit.world.worlds import world
from tutor.engine.gauge import Usage
from tutor.sandbox.words import _WORDS
from tutor.ui.tui.picture import kit, layers, speech, stages, trace_view, world_parts, world_view
from tutor.ui.tui.picture.kit import plain, say
from tutor.ui.tui.picture.look import Look


def _text(drawing: kit.Drawing) -> str:
    return "\n".join(map(plain, drawing))


def test_every_listed_call_is_one_that_the_sandbox_knows() -> None:
    assert set(stages._REACHES) <= set(_WORDS)
    assert set(stages.BACKGROUND) <= set(_WORDS)


@pytest.mark.parametrize(
    ("template", "reached"),
    [
        ("POST /containers/create", {"dockerd"}),
        ("POST /containers/{id}/start", {"dockerd", "containerd", "runc", "kernel"}),
        ("POST /exec/{id}/start", {"dockerd", "containerd", "runc", "kernel"}),
        ("GET /containers/json", {"dockerd"}),
        ("POST /networks/create", {"dockerd", "kernel"}),
        ("GET /something/new", {"dockerd"}),
    ],
)
def test_a_call_lights_the_stages_it_passes(template: str, reached: set[str]) -> None:
    assert stages.lit(template) == reached
    drawn = plain(trace_view.pipeline(call(1, template, "", 200, 1.0), 100)[0])
    assert drawn.count("═▶") == max(stages.PIPELINE.index(stage) for stage in reached) + 1


def test_a_pull_also_asks_the_registry() -> None:
    assert "registry" in _text(trace_view.pipeline(CALLS[2], 60))
    assert "registry" not in _text(trace_view.pipeline(CALLS[3], 60))


def test_a_refused_call_reaches_nobody() -> None:
    drawn = _text(trace_view.draw(CALLS + REFUSED, 100, 40))
    assert "═✗" in drawn
    assert "⊘ refused" in drawn
    assert "--privileged gives a container all of the host." in drawn


def test_calls_are_under_their_commands_and_the_same_command_typed_again_is_new() -> None:
    again = tuple(replace(c, id=c.id + 20, at=c.at + 60) for c in CALLS)
    assert [len(group.calls) for group in trace_view.groups(CALLS + REFUSED + again)] == [5, 2, 5]


def test_an_id_becomes_a_name() -> None:
    assert "start web" in _text(trace_view.draw(CALLS, 100, 40, {"5f0c11223344": "web"}))


def test_waiting_and_attaching_do_not_hide_what_a_command_is_about() -> None:
    waits = call(6, "POST /containers/{id}/wait", "wait until `web` exits", None, None)
    assert trace_view.current((*CALLS, waits)) == CALLS[-1]


def test_a_door_is_open_shut_or_broken() -> None:
    def states(name: str, look: Look) -> list[str]:
        held = world(name)
        (c,) = held.containers.values()
        return [door.state for door in world_parts.doors(c, held, look)]

    assert states("web", Look()) == ["open"]
    assert states("stopped", Look()) == ["shut"]
    assert states("unpublished", Look()) == ["none"]
    assert states("swapped", Look()) == ["open", "none"]
    assert states("swapped", Look(closed={"80": "nobody listens"})) == ["broken", "none"]
    assert states("swapped", Look(where="port 80")) == ["broken", "none"]


@pytest.mark.parametrize(("cells", "rows"), [(40, 12), (60, 20), (100, 40), (40, 3)])
def test_what_a_finding_is_about_is_marked_with_a_sign_and_a_word(cells: int, rows: int) -> None:
    held = situations.busy()
    assert "look here" in _text(world_view.draw(held, Look(where="container job"), cells, rows))


def test_a_marked_object_that_is_not_there_is_said_to_be_missing() -> None:
    for where in ("container ghost", "network ghost", "volume ghost", "image ghost", "service ghost"):
        drawn = _text(world_view.draw(world("web"), Look(where=where), 100, 40))
        assert f"{where} is not there" in drawn
    assert "is not there" not in _text(world_view.draw(world("web"), Look(where="container web"), 100, 40))


def test_memory_is_a_bar_of_what_is_really_used() -> None:
    held = situations.busy()
    web = held.container("web")
    assert web
    assert plain(world_parts.limits(web, Look(), 60)[0]) == "memory at most 64 MiB"
    used = plain(world_parts.limits(web, Look(usage={"web": Usage(32 << 20, 0.0)}), 60)[0])
    assert used == "memory ▰▰▰▰▰▰▱▱▱▱▱▱ 32 of 64 MiB"


def test_layers_have_sizes_only_where_the_history_leaves_no_doubt() -> None:
    held, made = situations.builds()
    image = held.image("shop:2")
    assert image
    assert [layer.size for layer in layers.layers(image, made)] == [3000000, 820, 100]
    assert [layer.made_by for layer in layers.layers(image, made)][1:] == ["RUN apk add python3", "COPY . /app"]
    doubtful = {image.id: [(5, "COPY a"), (5, "COPY b")]}
    assert [layer.size for layer in layers.layers(image, doubtful)] == [None, None, None]


def test_a_build_tells_what_it_could_reuse() -> None:
    held, made = situations.builds()
    assert (
        "`shop:2` has 2 of its 3 layers from `shop:1`: the build could reuse them; new from layer 3 on: COPY . /app."
        in layers.stories(layers.told(held)[0], made)
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("oom", "it needed more memory than it may have, and was killed"),
        ("no-program", "there is no program `servr` in its image"),
        ("port-taken", "host port 8080 is taken"),
        ("web", ""),
    ],
)
def test_an_end_is_explained(name: str, said: str) -> None:
    c = world(name).container("web")
    assert c
    assert speech.why(c) == said


def test_lists_end_in_how_many_more() -> None:
    line = kit.joined([say(word) for word in ("alpha", "beta", "gamma")], 14, "  ")
    assert plain(line) == "alpha  +2 more"
    assert kit.more(1, "images") == "+1 more image"


def test_nothing_that_a_name_holds_reaches_the_terminal_as_a_command() -> None:
    assert kit.clean("a\x1b[31m\u202eb\n") == "a·[31mb·"
