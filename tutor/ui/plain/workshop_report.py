"""`workshop report` and `workshop erase`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tutor.problems import Problem
from tutor.workshop import report, report_html, rooms
from tutor.workshop.events import Record
from tutor.workshop.log import LogDown
from tutor.workshop.rooms import Here


def text(room: str, kind: str, certificate: str, *, redis: str = "") -> str:
    """The report of a room.

    Args:
        room: Its id; empty for the one that was hosted last.
        kind: `html`, `csv` or `json`.
        certificate: The name of a learner whose certificate it shall be instead.
        redis: URL of the Redis that has the log; the room's own file otherwise.

    Raises:
        Problem: `no-room`, `no-seat`, `log-down`.
    """
    made = report.of(_records(room, redis))
    if certificate:
        for seat in made.seats:
            if certificate.casefold() in (seat.name.casefold(), seat.seat):
                return report_html.certificate(made, seat)
        known = ", ".join(seat.name for seat in made.seats) or "nobody"
        raise Problem(f"Nobody in the room is called {certificate}.", f"There: {known}.", code="no-seat")
    if kind == "csv":
        return report.as_csv(made)
    return report.as_json(made) + "\n" if kind == "json" else report_html.page(made)


def erase(room: str, *, redis: str = "", first: Callable[[Here], None]) -> None:
    """Remove a room.

    Args:
        room: Its id.
        redis: URL of the Redis that has the log; the room's own file otherwise.
        first: Removes what the room has elsewhere, while no hub can serve it; where that fails, nothing is erased.

    Raises:
        Problem: `no-room`; `room-served` while a hub serves it; `log-down`; those of `first`.
    """
    here = rooms.find(room)
    if redis:
        _with_redis(redis, here.keys.room, erasing=True)
    else:
        from tutor.workshop.log_sqlite import SqliteLog

        log = SqliteLog(here.log)  # held by this process meanwhile: no hub loses its log
        try:
            first(here)
        except BaseException:
            asyncio.run(log.close())
            raise
        asyncio.run(log.erase())
    here.erase()


def _records(room: str, redis: str) -> list[Record]:
    if redis:
        return _with_redis(redis, room or rooms.find().keys.room)
    from tutor.workshop.log_sqlite import read_file

    return read_file(rooms.find(room).log)


def _with_redis(url: str, room: str, *, erasing: bool = False) -> list[Record]:
    from tutor.workshop.log_redis import RedisLog

    async def work() -> list[Record]:
        log = RedisLog(url, room)
        try:
            if erasing:
                await log.erase()
                return []
            records, cursor = await log.read()
            more = records
            while more:
                more, cursor = await log.read(cursor)
                records = [*records, *more]
            return records
        finally:
            await log.close()

    try:
        return asyncio.run(work())
    except LogDown as error:
        raise Problem(str(error), "Look at the URL of --redis.", code="log-down") from error
