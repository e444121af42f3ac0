"""Which records of the build cache are a lab's, also where the engine does not tell at once."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tutor.sandbox._plain import Engine
from tutor.sandbox.ask import Ask
from tutor.sandbox.rules._buildcache import cache_ids, note_cache
from tutor.sandbox.upstream import EngineError, Upstream

BUSY = EngineError(500, "a disk usage operation is already running")


def test_an_engine_that_counts_already_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Any] = [BUSY, BUSY, {"BuildCache": [{"ID": "a"}]}]

    def call(*_: object, **__: object) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    engine = Engine(cast(Upstream, None))
    monkeypatch.setattr(engine, "call", call)
    assert engine.build_cache() == ({"ID": "a"},)
    answers.append(EngineError(500, "no space left on device"))
    with pytest.raises(EngineError):
        engine.build_cache()


def test_where_the_engine_did_not_tell_nothing_becomes_the_labs() -> None:
    told: list[set[str]] = []
    answers: list[Any] = [BUSY, {"BuildCache": [{"ID": "theirs"}]}, {"BuildCache": [{"ID": "theirs"}, {"ID": "mine"}]}]

    async def get(*_: object, **__: object) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    ask = cast(Ask, SimpleNamespace(api=SimpleNamespace(get=get), record=SimpleNamespace(own_cache=told.append)))

    async def both() -> None:
        await note_cache(ask, await cache_ids(ask))
        await note_cache(ask, {"theirs"})

    asyncio.run(both())
    assert told == [{"mine"}]
