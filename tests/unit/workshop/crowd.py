"""Many seats in one process, each the real client: `python -m tests.unit.workshop.crowd CODE COUNT URL [URL …]`.

Reads commands from standard input, a line each, and answers each with a line of JSON:

- `rate SECONDS EVERY`: every seat tries its step once in EVERY seconds, for so long;
- `rush`: every seat answers the poll that is open, within two seconds.

The answer is the list of `[seat, number or null, time]`: what was done when, by the machine's monotonic clock.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time

from tests.unit.workshop.seats import Sitting, sit
from tests.unit.workshop.waiting import until
from tutor.learner.events import PollAnswered, StepBegun, StepTried
from tutor.workshop.seen import PollView

Done = list[tuple[str, int | None, float]]
_TRIED = StepTried(chapter="docker-run", item="first", findings=1, mistake="no-name")


async def seated(code: str, count: int, urls: list[str]) -> list[Sitting]:
    door = asyncio.Semaphore(16)

    async def one(number: int) -> Sitting:
        async with door:
            return await sit(urls[number % len(urls)], code, f"Learner {number}", look=10.0)

    seats = await asyncio.gather(*(one(number) for number in range(count)))
    for seat in seats:
        seat.do(StepBegun(chapter="docker-run", item="first"), time.time())
    await until(lambda: all(seat.acknowledged for seat in seats), 600)
    return list(seats)


async def rate(seats: list[Sitting], tries: dict[str, int], seconds: float, every: float) -> Done:
    done: Done = []

    async def one(seat: Sitting) -> None:
        end = time.monotonic() + seconds
        await asyncio.sleep(random.uniform(0, every))
        while time.monotonic() < end:
            tries[seat.card.seat] = number = tries.get(seat.card.seat, 0) + 1
            done.append((seat.card.seat, number, time.monotonic()))
            seat.do(_TRIED, time.time())
            await asyncio.sleep(random.uniform(0.5, 1.5) * every)

    await asyncio.gather(*(one(seat) for seat in seats))
    return done


async def rush(seats: list[Sitting]) -> Done:
    done: Done = []

    async def one(seat: Sitting) -> None:
        def asked() -> PollView | None:
            common = seat.link.status.common
            return common.poll if common and common.poll and common.poll.open else None

        await until(asked, 600)
        poll = asked()
        await asyncio.sleep(random.uniform(0, 2))
        assert poll is not None
        event = PollAnswered(chapter="", item=poll.poll, room="r1", round=1, answer=("left",))
        done.append((seat.card.seat, None, time.monotonic()))
        seat.do(event, time.time())

    await asyncio.gather(*(one(seat) for seat in seats))
    return done


async def main(code: str, count: int, urls: list[str]) -> None:
    seats = await seated(code, count, urls)
    tries: dict[str, int] = {}
    answer: object = [count]
    while True:
        print(json.dumps(answer), flush=True)
        match (await asyncio.to_thread(sys.stdin.readline)).split():
            case ["rate", seconds, every]:
                answer = await rate(seats, tries, float(seconds), float(every))
            case ["rush"]:
                answer = await rush(seats)
            case _:
                break
    await asyncio.gather(*(seat.stand_up() for seat in seats))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
