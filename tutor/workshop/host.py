"""Hosting: a room, its log, a hub that serves it until it is told to end."""

from __future__ import annotations

import asyncio
import io
import logging
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import segno

from tutor.course.models import Course
from tutor.problems import Problem
from tutor.workshop import rooms, syllabus, trust
from tutor.workshop.agenda import Plan
from tutor.workshop.hub import Hub
from tutor.workshop.lending import Lender, Lending
from tutor.workshop.limits import Gate
from tutor.workshop.links import join_link
from tutor.workshop.log import Log, LogDown
from tutor.workshop.names import shown_code
from tutor.workshop.protocol import Offer
from tutor.workshop.rooms import Here
from tutor.workshop.server import App
from tutor.workshop.serving import Server, listen, server

PORT = 7000
"""The port that is tried first."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a hub serves.

    Attributes:
        bind: Address to listen on.
        port: Port; 0 takes the room's last one, else 7000, else any that is free.
        link: What learners are told; made from this machine's address when empty.
        tls: Files of a certificate and its key.
        behind_proxy: Whether a reverse proxy stands before it.
        redis: URL of a Redis that keeps the log; a file of the room otherwise.
        offer: A mirror that has the room's images.
    """

    bind: str = "0.0.0.0"
    port: int = 0
    link: str = ""
    tls: tuple[Path, Path] | None = None
    behind_proxy: bool = False
    redis: str = ""
    offer: Offer | None = None


def run(
    course: Course,
    plan: Plan,
    here: Here,
    options: Options,
    say: Callable[[str], None],
    lender: Lender | None = None,
) -> int:
    """Serve a room until ctrl+c or SIGTERM.

    Args:
        course: What is taught.
        plan: The room's plan; a room that was opened before keeps the one it was opened with.
        here: The room.
        options: How to serve.
        say: Takes lines for the instructor.
        lender: Lends an engine to seats.

    Returns:
        The exit status.

    Raises:
        Problem: `port-taken`, `no-certificate`, `log-down`, and those of the log.
    """
    keys = here.keys
    listening = _listen(options, keys.port)
    port = listening.getsockname()[1]
    scheme = "https" if options.tls else "http"
    link = options.link.rstrip("/") or f"{scheme}://{_named(options.bind)}:{port}"
    here.keep(msgspec.structs.replace(keys, link=link, port=port))
    if options.tls:
        trust.remember(link, options.tls[0])  # the board on this machine
    try:
        return asyncio.run(_Hosting(course, plan, here, options, link, say, lender).serve(listening))
    except LogDown as error:
        raise Problem(f"The room's log cannot be used: {error}", code="log-down") from error
    finally:
        listening.close()


@dataclass(frozen=True)
class _Hosting:
    course: Course
    plan: Plan
    here: Here
    options: Options
    link: str
    say: Callable[[str], None]
    lender: Lender | None

    async def serve(self, listening: socket.socket) -> int:
        """Serve until the server is told to end."""
        log = _log(self.here, self.options)
        hub = self._hub(log)
        complaints = _Complaints()
        logger = logging.getLogger("uvicorn.error")
        logger.addHandler(complaints)
        logger.propagate = False
        tls = self.options.tls
        try:
            await hub.start()
            lending = Lending(hub, self.lender) if self.lender else None
            app = App(hub, behind_proxy=self.options.behind_proxy, offer=self.options.offer, lending=lending)
            running = server(app, tls=(str(tls[0]), str(tls[1])) if tls else None)
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, _end, running)
            serving = asyncio.create_task(running.serve(sockets=[listening]))
            while not running.started and not serving.done():  # noqa: ASYNC110 - uvicorn tells nobody
                await asyncio.sleep(0.02)
            if running.started:
                for line in _announcement(hub, self.here, self.link, self.options.offer):
                    self.say(line)
            await serving
        except LogDown:
            await log.close()
            raise
        except OSError as error:
            await hub.stop()
            what = "The certificate or its key cannot be used" if tls else "The hub cannot serve"
            raise Problem(f"{what} ({error}).", code="not-served") from error
        finally:
            logger.removeHandler(complaints)
        if not running.started:
            raise Problem(f"The hub did not start: {complaints.last or 'nobody says why'}.", code="not-served")
        self.say(f"The workshop's hub has ended. Go on with it: docker tutor workshop host --room {hub.info[0]}")
        return 0

    def _hub(self, log: Log) -> Hub:
        keys = self.here.keys
        return Hub(
            log,
            room=keys.room,
            title=self.plan.title,
            syllabus=syllabus.of(self.course, self.plan.chapters),
            agenda=self.plan.agenda,
            secret=keys.secret,
            link=self.link,
            # Behind a proxy all come from one address; the proxy is to limit them.
            gate=Gate(strangers=5000) if self.options.behind_proxy else Gate(),
        )


def _end(running: Server) -> None:
    """End in peace; asked a second time, at once."""
    running.force_exit = running.should_exit
    running.should_exit = True


def _log(here: Here, options: Options) -> Log:
    # Imported here: each wants packages that the other does not.
    if options.redis:
        from tutor.workshop.log_redis import RedisLog

        return RedisLog(options.redis, here.keys.room)
    from tutor.workshop.log_sqlite import SqliteLog

    return SqliteLog(here.log)


class _Complaints(logging.Handler):
    """Keeps the last line of what the server says when something is wrong."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        lines = [line for line in record.getMessage().strip().splitlines() if line.strip()]
        self.last = lines[-1].strip() if lines else ""


def _announcement(hub: Hub, here: Here, link: str, offer: Offer | None) -> list[str]:
    joining = join_link(link, hub.door.code)
    lines = [f"{hub.info[1]}", "", qr_text(joining), ""]
    lines += [f"Learners:   docker tutor join {joining} --as NAME", f"Join code:  {shown_code(hub.door.code)}"]
    lines += [
        f"Projector:  {link}/screen#{hub.door.screen_key}",
        f"Board:      docker tutor workshop board --room {hub.info[0]}",
    ]
    if offer:
        lines += [f"Images:     docker tutor images pull --from {link} (the mirror at {offer.mirror})"]
    lines += [f"Another instructor needs a copy of {here.keys_file} (keep it to yourselves)."]
    if link.startswith("http://"):
        lines += ["Plain HTTP: others in this network could read along. With a certificate: --tls CERT KEY."]
    return [*lines, "ctrl+c ends the hub; everything is kept."]


def qr_text(link: str) -> str:
    """A QR code for a terminal."""
    out = io.StringIO()
    segno.make(link, micro=False).terminal(out, compact=True, border=2)
    return out.getvalue().rstrip("\n")


def _listen(options: Options, last: int) -> socket.socket:
    wanted = [options.port] if options.port else [port for port in (last, PORT) if port] + [0]
    why = ""
    for port in wanted:
        try:
            return listen(options.bind, port)
        except OSError as error:
            why = error.strerror or str(error)
    raise Problem(
        f"The hub cannot listen on {options.bind}:{options.port or 'any port'} ({why}).",
        "Choose another port or address, or leave --port away.",
        code="port-taken",
    )


def _named(bind: str) -> str:
    if bind in ("0.0.0.0", "::", ""):
        return rooms.address()
    return f"[{bind}]" if ":" in bind else bind
