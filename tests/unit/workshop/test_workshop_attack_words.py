"""A hostile room: answers that are peeped at, names and messages that are more than words."""

from __future__ import annotations

import asyncio
import json
import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.workshop.hostile import besieged, join_from
from tests.unit.workshop.hubs import SECRET, Running, instruct, open_socket, push, wait_for
from tests.unit.workshop.rooms import QUESTION
from tests.unit.workshop.waiting import until
from tutor.workshop import names
from tutor.workshop.events import PollOpened, Said


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Running]:
    async with besieged(tmp_path) as running:
        yield running


# -- polls ------------------------------------------------------------------------------------------------------------
async def test_answers_cannot_be_read_before_the_poll_closes(hub: Running) -> None:
    ada, eve = await hub.join("Ada"), await hub.join("Eve")
    board = await open_socket(hub.ws, "instructor", "Kim", SECRET)
    await instruct(board, PollOpened(poll="p1", round=1, question=QUESTION))
    honest = await open_socket(hub.ws, "seat", ada.seat, ada.key)
    answer = {"kind": "poll-answered", "chapter": "", "item": "p1", "room": "r1", "round": 1, "answer": ["left"]}
    await honest.send(push((1, answer)))
    await wait_for(honest, "ack")
    socket = await open_socket(hub.ws, "seat", eve.seat, eve.key)
    heard = [await wait_for(socket, "welcome")]
    wrong: list[tuple[int, dict[str, Any]]] = []
    for number, chosen in enumerate((["left", "right"], [], ["nothing"], ["left", "left"]), 1):
        wrong.append((number, answer | {"answer": chosen}))
    wrong.append((9, answer | {"round": 2}))
    await socket.send(push(*wrong))
    await wait_for(socket, "ack")
    await socket.send(push((10, answer)))
    heard.append(await wait_for(socket, "news"))
    poll = heard[0]["common"]["poll"]
    assert poll["rounds"][0]["counts"] == {} and all(o["right"] is None for o in poll["question"]["options"])
    assert '"counts":{"' not in json.dumps(heard).replace(" ", "")
    await until(lambda: len(hub.hub.room.polls["p1"].rounds[1].answers) == 2)
    assert len(hub.hub.room.polls["p1"].rounds[1].answers[eve.seat]) == 1
    for one in (honest, socket, board):
        await one.close()


# -- words ------------------------------------------------------------------------------------------------------------
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\x1b[2J\x1b[31mred\x07",
    "\u202egnirts desrever",
    "a\u200b\u200c\u200d\ufeffb",
    "line\nbreak\r\nand\ttab",
    "Z" + "\u0335" * 400 + "algo",
    "x" * 100_000,
    "[bold red]markup[/]",
    "${name.web} %s {0} `id` $(id) ; rm -rf /",
    "\ud7ff\ue000private",
    " \u00a0\u2003 ",
    "名前 👩‍🚀 Ünïcødé",
]


@pytest.mark.parametrize("name", HOSTILE)
async def test_names_are_one_line_of_visible_text(hub: Running, name: str) -> None:
    status, answer = await asyncio.to_thread(join_from, hub, "127.0.0.3", hub.hub.door.code, name[:190])
    assert status == 200
    assert 1 <= len(answer["name"]) <= names.NAME_LENGTH
    assert not [c for c in answer["name"] if unicodedata.category(c)[0] == "C" or c in "\n\r\u2028\u2029"]


def test_cleaning_any_text_gives_one_line_of_visible_text() -> None:
    from hypothesis import given
    from hypothesis import strategies as st

    @given(st.text(), st.integers(1, 40))
    def check(text: str, limit: int) -> None:
        cleaned = names.clean(text, limit)
        assert len(cleaned) <= limit
        assert not [c for c in cleaned if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")]
        assert names.clean(cleaned, limit) == cleaned

    check()


async def test_messages_are_cleaned_too(hub: Running) -> None:
    board = await open_socket(hub.ws, "instructor", "K\x1b[31mim\u202e", SECRET)
    await instruct(board, Said(text="\x1b]0;title\x07Look\u202e here"))
    await until(lambda: bool(hub.hub.room.messages))
    message = next(iter(hub.hub.room.messages.values()))
    assert (message.text, message.by) == ("]0;titleLook here", "K[31mim")
    await board.close()
