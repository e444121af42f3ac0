"""`labs/workshop/compose.yaml` on the engine: two hubs, Redis, nginx; a hub that is killed under load."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.workshop.hubs import ask, free_port
from tests.unit.workshop.seats import Sitting, sit
from tests.unit.workshop.waiting import until
from tutor.course.loader import load_course
from tutor.engine.address import EngineAddress
from tutor.engine.images import recipe_machine
from tutor.learner.events import StepBegun, StepTried
from tutor.workshop import polls
from tutor.workshop.instructor import BoardLink
from tutor.workshop.rooms import keys_of

HERE = Path(__file__).parents[2]
PROJECT = "dt-workshop-test"
PYTHON = "dt-workshop-python:test"


class Composed:
    """The application, up."""

    def __init__(self, env: dict[str, str], files: list[str], secret: Path, port: int) -> None:
        self.env, self.files, self.secret, self.port = env, files, secret, port
        self.link = f"http://127.0.0.1:{port}"

    def compose(self, *arguments: str) -> str:
        command = ["docker", "compose", "--project-name", PROJECT, *self.files, *arguments]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=900, check=False)
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout


def cached(env: dict[str, str]) -> set[str]:
    """Ids of the records in the build cache."""
    command = ["docker", "system", "df", "--verbose", "--format", "{{json .BuildCache}}"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=300)
    return {record["ID"] for record in json.loads(done.stdout) or ()}


def clear(env: dict[str, str], before: set[str]) -> None:
    """Remove the records that our builds have made; those that others rest on come after these."""
    left = cached(env) - before
    while left:
        for record in left:
            command = ["docker", "builder", "prune", "--all", "--force", "--filter", f"id={record}"]
            subprocess.run(command, env=env, capture_output=True, check=False, timeout=300)
        now = cached(env) - before
        if now == left:
            return
        left = now


@pytest.fixture(scope="module")
def composed(engine_host: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    folder = tmp_path_factory.mktemp("workshop")
    env = {**os.environ, **EngineAddress.parse(engine_host).environment()}

    before = cached(env)

    def run(*command: str) -> None:
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=900, check=False)
        assert done.returncode == 0, done.stderr[-4000:]

    # Python as this machine has it, and packages that this machine's pip can get: a build needs no Internet then.
    series = f"{sys.version_info.major}.{sys.version_info.minor}"
    base = {"3.11": "bookworm", "3.13": "trixie"}.get(series)
    if base is None:
        pytest.skip(f"there is no Debian image with Python {series}")
    wheels = folder / "wheels"
    needed = ["async-timeout", "hatchling", "redis", "segno", "starlette", "uvicorn", "websockets"]
    needed += [
        "docker",
        "fsrs",
        "h11",
        "msgspec",
        "platformdirs",
        "PyYAML",
        "rich",
        "textual>=8.2.8,<9",
        "urllib3",
        "wcwidth",
    ]
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", str(wheels), *needed)
    machine = folder / "machine"
    recipe_machine.lend(machine, HERE / "labs" / "images" / "_machine", base)
    (folder / "Dockerfile").write_text(
        "ARG BASE\nFROM ${BASE}\nRUN --mount=from=machine,target=/machine /machine/apt-install python3 python3-venv\n"
    )
    run(
        *("docker", "build", "--builder=default", "--load", "--network=host", "--tag", PYTHON),
        *(f"--build-arg=BASE=debian:{base}-slim", f"--build-context=machine={machine}", str(folder)),
    )
    override = folder / "offline.yaml"
    build = "{build: {additional_contexts: {wheels: %s}, args: {PIP_NO_INDEX: '1'}}}" % wheels  # noqa: UP031
    override.write_text(f"services:\n  hub-1: {build}\n")
    secret = folder / "instructor.secret"
    secret.write_text(secrets.token_urlsafe(24))
    secret.chmod(0o600)
    port = free_port()
    env |= {"BASE": PYTHON, "PORT": str(port), "LINK": f"http://127.0.0.1:{port}", "CHAPTERS": "17 22"}
    env |= {"SECRET_FILE": str(secret)}
    files = ["--file", str(HERE / "labs" / "workshop" / "compose.yaml"), "--file", str(override)]
    app = Composed(env, files, secret, port)
    try:
        app.compose("up", "--build", "--detach", "--wait", "--wait-timeout", "300")
        yield app
    finally:
        down = ["docker", "compose", "--project-name", PROJECT, *files, "down", "--volumes", "--timeout", "5"]
        subprocess.run(down, env=env, capture_output=True, check=False, timeout=300)
        subprocess.run(
            ["docker", "image", "rm", "-f", "docker-tutor-hub", PYTHON], env=env, capture_output=True, check=False
        )
        clear(env, before)
        shutil.rmtree(folder, ignore_errors=True)


async def test_a_class_goes_on_when_a_hub_is_killed(composed: Composed) -> None:
    board = BoardLink(keys_of(composed.link, composed.secret), "Kim")
    watching = asyncio.create_task(board.run())
    await until(lambda: bool(board.status.code), 60)
    wrong = {"content-type": "application/json"}
    for _ in range(30):  # the proxy tells the hubs who asks
        body = b'{"code":"AAAAAA","name":"x","ticket":"%s"}' % secrets.token_hex(16).encode()
        status, _ = await asyncio.to_thread(ask, f"{composed.link}/api/join", body, wrong)
        if status == 429:
            break
    assert status in (403, 429)
    inside = "import urllib.request as r, sys; print(r.urlopen('http://127.0.0.1:7000/api/room').read().decode())"
    assert "17" in await asyncio.to_thread(composed.compose, "exec", "-T", "hub-1", "python3", "-c", inside)
    seats: list[Sitting] = []
    taught = next(c for c in load_course().chapters if c.chapter == 17)
    chapter, first = taught.id, polls.steps(taught)[0].id
    # This address has used up its wrong tries at one hub or both: they come back with time.
    async with asyncio.timeout(120):
        while len(seats) < 8:
            try:
                seats.append(await sit(composed.link, board.status.code, f"Seat {len(seats)}"))
            except AssertionError:
                await asyncio.sleep(1)
    await until(lambda: all(seat.link.status.connected for seat in seats), 60)
    for seat in seats:
        seat.do(StepBegun(chapter=chapter, item=first), time.time())

    async def work(seat: Sitting) -> None:
        while True:
            seat.do(StepTried(chapter=chapter, item=first, findings=1), time.time())
            await asyncio.sleep(0.1)

    working = [asyncio.create_task(work(seat)) for seat in seats]
    try:
        await until(lambda: all(seat.acknowledged >= 5 for seat in seats), 60)
        for hub in ("hub-1", "hub-2"):
            await asyncio.to_thread(composed.compose, "kill", hub)
            before = [seat.acknowledged for seat in seats]
            await until(lambda b=before: all(s.acknowledged > n + 5 for s, n in zip(seats, b, strict=True)), 90)  # type: ignore[misc]
            await asyncio.to_thread(composed.compose, "up", "--detach", "--wait", "--no-recreate", hub)
        await asyncio.to_thread(composed.compose, "restart", "redis")
        before = [seat.acknowledged for seat in seats]
        await until(lambda: all(s.acknowledged > n + 5 for s, n in zip(seats, before, strict=True)), 90)
    finally:
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
    await until(lambda: all(seat.acknowledged >= len(seat.outbox.events) for seat in seats), 90)

    def tries() -> list[int]:
        return [row.tries for row in board.status.board.seats] if board.status.board else []

    wanted = sorted(len(seat.outbox.events) - 1 for seat in seats)
    await until(lambda: sorted(tries()) == wanted, 60)  # nothing lost, nothing doubled
    for seat in seats:
        await seat.stand_up()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    report = await asyncio.to_thread(
        composed.compose,
        *("exec", "-T", "hub-1", "docker-tutor", "workshop", "report", "--csv", "--room", "class"),
        *("--redis", "redis://redis:6379"),
    )
    steps = [step for c in load_course().chapters if c.chapter in (17, 22) for step in polls.steps(c)]
    assert report.count("Seat ") == len(seats) * len(steps)
