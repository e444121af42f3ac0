"""`workshop plan | prep | host | rooms | board | report | erase`, `join`, `leave`: a class with an instructor."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tutor.problems import Problem

if TYPE_CHECKING:
    from tutor.course.models import Course
    from tutor.workshop.agenda import Plan
    from tutor.workshop.lending import Lender
    from tutor.workshop.rooms import Here, Keys

_READY = ("90-minutes", "half-a-day", "a-day")


_EXTRA = {"redis", "segno", "starlette", "uvicorn", "websockets"}


def with_extra(command: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """A command that needs the packages of the extra `workshop`."""

    def run(arguments: argparse.Namespace) -> int:
        try:
            return command(arguments)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in _EXTRA:
                raise
            step = "Install them: pip install 'docker-tutor[workshop]'"
            raise Problem("Workshops need packages that are not installed.", step, code="no-extra") from error

    return run


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this family's commands."""
    join = commands.add_parser("join", help="take part in a workshop; again: come back to your seat")
    join.add_argument("link", nargs="?", metavar="URL", help="as on the projector: http://192.0.2.7:7000/K7M4QX")
    join.add_argument("--as", dest="name", metavar="NAME", help="the name that the instructor sees")
    join.add_argument("--code", default="", metavar="CODE", help="the join code, where the link has none")
    trusting(join)
    join.add_argument(
        "--engine", action="store_true", help="work on the engine that the workshop's host lends, without one here"
    )
    join.add_argument("--plain", action="store_true", help="in lines of text (always so without a terminal)")
    join.add_argument("--what", action="store_true", help="list what is sent, and do nothing")
    join.set_defaults(command=with_extra(_join))

    leave = commands.add_parser("leave", help="leave the workshop; nothing is sent any more")
    leave.set_defaults(command=with_extra(_leave))

    family = commands.add_parser("workshop", help="a class with an instructor: plan, host, watch, report")
    actions = family.add_subparsers(title="actions", metavar="ACTION", required=True)

    plan = actions.add_parser("plan", help="chapters, timeboxes, images, and what they cost in pulls")
    _planned(plan)
    plan.add_argument("--write", type=Path, metavar="FILE", help="write it into a file, to be changed by hand")
    plan.add_argument("--json", action="store_true", help="as JSON")
    plan.set_defaults(command=with_extra(_plan))

    prep = actions.add_parser("prep", help="get the images ready: a file to hand round, or a mirror for the room")
    _planned(prep)
    prep.add_argument("--pack", type=Path, metavar="FILE", help="all images of the plan in one file")
    prep.add_argument(
        "--mirror",
        nargs="?",
        type=int,
        const=0,
        metavar="PORT",
        help="serve them to this network until ctrl+c (default: port 5000, or one that is free)",
    )
    prep.set_defaults(command=with_extra(_prep))

    host = actions.add_parser("host", help="start the hub: join code, link, QR code")
    _planned(host)
    host.add_argument("--room", default="", metavar="ROOM", help="go on with this room; default: a new one")
    host.add_argument("--bind", default="0.0.0.0", metavar="ADDRESS", help="listen here only")
    host.add_argument("--port", type=int, default=0, metavar="PORT", help="default: 7000, or one that is free")
    host.add_argument("--link", default="", metavar="URL", help="where learners reach it, if not at this address")
    host.add_argument("--tls", nargs=2, type=Path, metavar=("CERT", "KEY"), help="HTTPS with these files")
    host.add_argument("--behind-proxy", action="store_true", help="a reverse proxy stands before it")
    host.add_argument("--mirror", default="", metavar="HOST:PORT", help="tell learners of this mirror (workshop prep)")
    host.add_argument("--redis", default="", metavar="URL", help="keep the log in Redis: several hubs, one room")
    host.add_argument(
        "--secret-file", type=Path, metavar="FILE", help="the instructor's secret; all hubs have the same"
    )
    host.add_argument(
        "--engine",
        nargs="?",
        const="",
        metavar="ADDRESS",
        help="lend an engine to seats, each of which sees what it makes there; default: the one in use",
    )
    host.set_defaults(command=with_extra(_host))

    rooms = actions.add_parser("rooms", help="the rooms that were hosted on this machine")
    rooms.add_argument("--json", action="store_true", help="as JSON")
    rooms.set_defaults(command=with_extra(_rooms))

    board = actions.add_parser("board", help="who is where, who is stuck, and on what")
    _room(board)
    board.add_argument("--keys", type=Path, metavar="FILE", help="the instructor's file, copied from the host")
    board.add_argument("--link", default="", metavar="URL", help="where the hub is, if not on this machine")
    board.add_argument("--secret-file", type=Path, metavar="FILE", help="with --link: the secret that the hubs have")
    trusting(board)
    board.add_argument("--as", dest="name", default="", metavar="NAME", help="who instructs, as learners see it")
    board.add_argument("--plain", action="store_true", help="in lines of text: the board as it is now")
    board.add_argument("--json", action="store_true", help="the board as it is now, as JSON")
    board.set_defaults(command=with_extra(_board))

    report = actions.add_parser("report", help="what the workshop was, as HTML, CSV or JSON")
    _room(report)
    kinds = report.add_mutually_exclusive_group()
    kinds.add_argument(
        "--html", dest="kind", action="store_const", const="html", help="one page with pictures (default)"
    )
    kinds.add_argument("--csv", dest="kind", action="store_const", const="csv", help="a row for each seat and step")
    kinds.add_argument("--json", dest="kind", action="store_const", const="json", help="everything, for programs")
    kinds.add_argument("--certificate", metavar="NAME", help="a page for one learner, to be printed")
    report.add_argument("--redis", default="", metavar="URL", help="the log is in this Redis")
    report.add_argument("-o", "--output", type=Path, metavar="FILE", help="write into a file")
    report.set_defaults(command=with_extra(_report), kind="html")

    erase = actions.add_parser("erase", help="remove a room with everything that was kept of it")
    erase.add_argument("room", metavar="ROOM", help="its id; see: workshop rooms")
    erase.add_argument("--redis", default="", metavar="URL", help="the log is in this Redis")
    erase.set_defaults(command=with_extra(_erase))


def trusting(parser: argparse.ArgumentParser) -> None:
    """Add `--ca FILE`."""
    parser.add_argument("--ca", type=Path, metavar="FILE", help="trust this certificate for the hub, now and later")


def trust_for(link: str | None, ca: Path | None) -> None:
    """What `--ca FILE` asks for.

    Raises:
        Problem: `no-certificate`; `no-link` where no hub is named.
    """
    if ca is None:
        return
    from tutor.workshop import trust
    from tutor.workshop.links import read_link

    trust.remember(read_link(link or "")[0], ca)


def _planned(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--plan", type=Path, metavar="FILE", help="a plan that `plan --write` made")
    what.add_argument("--chapters", type=int, nargs="+", metavar="CHAPTER", help="these chapters, in this order")
    what.add_argument("--ready", choices=_READY, help="a ready agenda (default: 90-minutes)")
    parser.add_argument("--title", default="", metavar="TITLE", help="what the projector shows")
    parser.add_argument("--seats", type=int, default=0, metavar="N", help="learners (default: 30)")


def _room(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--room", default="", metavar="ROOM", help="default: the one that was hosted last")


# -- before -----------------------------------------------------------------------------------------------------------
def _plan_of(arguments: argparse.Namespace) -> tuple[Course, Plan]:
    import msgspec

    from tutor.course.loader import load_course
    from tutor.workshop import agenda

    course = load_course()
    title, seats = arguments.title, arguments.seats or 30
    if arguments.plan:
        plan = agenda.load(arguments.plan, course)
        if title:
            plan = msgspec.structs.replace(plan, title=title)
        if arguments.seats:
            plan = msgspec.structs.replace(plan, seats=arguments.seats)
    elif arguments.chapters:
        plan = agenda.of_chapters(course, arguments.chapters, title=title, seats=seats)
    else:
        plan = agenda.ready(course, arguments.ready or _READY[0], title=title, seats=seats)
    return course, plan


def _plan(arguments: argparse.Namespace) -> int:
    from tutor.ui.plain import workshop_plan
    from tutor.workshop import agenda

    course, plan = _plan_of(arguments)
    if arguments.write:
        arguments.write.write_text(agenda.written(plan, course), encoding="utf-8")
        print(f"Written to {arguments.write}. Host it: docker tutor workshop host --plan {arguments.write}")
        return 0
    workshop_plan.show(course, plan, sys.stdout, as_json=arguments.json)
    return 0


def _prep(arguments: argparse.Namespace) -> int:
    from tutor.ui.plain import workshop_images

    _, plan = _plan_of(arguments)
    return workshop_images.prepare(plan, sys.stdout, pack=arguments.pack, mirror=arguments.mirror)


# -- hosting ----------------------------------------------------------------------------------------------------------
def _host(arguments: argparse.Namespace) -> int:
    from tutor.ui.plain import workshop_images
    from tutor.workshop import rooms
    from tutor.workshop.host import Options, run

    course, plan = _plan_of(arguments)
    offer = workshop_images.offer(plan, arguments.mirror) if arguments.mirror else None
    if arguments.secret_file:
        here = rooms.with_secret(arguments.room, plan.title, arguments.secret_file)
    elif arguments.room and not arguments.redis:
        here = rooms.find(arguments.room)
    else:
        here = rooms.new(plan.title, arguments.room)
    options = Options(
        bind=arguments.bind,
        port=arguments.port,
        link=arguments.link,
        tls=tuple(arguments.tls) if arguments.tls else None,
        behind_proxy=arguments.behind_proxy,
        redis=arguments.redis,
        offer=offer,
    )
    return run(course, plan, here, options, _say, _lender(arguments, plan, here))


def _say(line: str) -> None:
    print(line, flush=True)


def _lender(arguments: argparse.Namespace, plan: Plan, here: Here) -> Lender | None:
    if arguments.engine is None:
        return None
    if arguments.redis:
        step = "Leave out --redis or --engine."
        raise Problem("An engine is lent by the only hub of a room.", step, code="bad-usage", status=2)
    from tutor.lent.boxes import lend
    from tutor.ui.plain.workshop_images import images_of

    roles = [image.role for image in images_of(plan) if not image.mirror_only]
    return lend(arguments.engine, here, roles, plan.seats, _say)


def _rooms(arguments: argparse.Namespace) -> int:
    from tutor.workshop import rooms

    found = [here.keys for here in rooms.every()]
    if arguments.json:
        print(json.dumps([{"room": k.room, "title": k.title, "link": k.link} for k in found], indent=2))
    elif not found:
        print("No workshop was hosted on this machine. Start one: docker tutor workshop host")
    for keys in found if not arguments.json else ():
        print(f"{keys.room}  {keys.title}  {keys.link}".rstrip())
    return 0


def _keys(arguments: argparse.Namespace) -> Keys:
    import msgspec

    from tutor.workshop import rooms

    if arguments.secret_file:
        return rooms.keys_of(arguments.link, arguments.secret_file)
    keys = rooms.read_keys(arguments.keys) if arguments.keys else rooms.find(arguments.room).keys
    return msgspec.structs.replace(keys, link=arguments.link) if arguments.link else keys


def _board(arguments: argparse.Namespace) -> int:
    from tutor.ui.plain import workshop_board

    keys = _keys(arguments)
    trust_for(keys.link, arguments.ca)
    if not arguments.plain and not arguments.json and _full_screen():
        from tutor.course.loader import load_course
        from tutor.ui.tui.workshop.board import run

        return run(keys, arguments.name or os.environ.get("USER") or "Instructor", load_course())
    return workshop_board.show(keys, sys.stdout, as_json=arguments.json)


# -- after ------------------------------------------------------------------------------------------------------------
def _report(arguments: argparse.Namespace) -> int:
    from tutor.ui.plain import workshop_report

    text = workshop_report.text(arguments.room, arguments.kind, arguments.certificate or "", redis=arguments.redis)
    if arguments.output:
        arguments.output.write_text(text, encoding="utf-8", newline="")
        print(f"Written to {arguments.output}.")
    else:
        sys.stdout.write(text)
    return 0


def _erase(arguments: argparse.Namespace) -> int:
    from tutor.lent.boxes import take_back
    from tutor.ui.plain import workshop_report

    def first(here: Here) -> None:
        if removed := sum(len(names) for receipt in take_back(here) for names in receipt.removed.values()):
            print(f"Removed from the engine that was lent: {removed} objects of the seats.")

    workshop_report.erase(arguments.room, redis=arguments.redis, first=first)
    print(f"The room {arguments.room} is erased: its log, its seats' keys and the instructor's secret.")
    return 0


# -- learners ---------------------------------------------------------------------------------------------------------
def _join(arguments: argparse.Namespace) -> int:
    from tutor.ui.plain import workshop_seat

    if arguments.what:
        workshop_seat.what(sys.stdout)
        return 0
    if arguments.engine and not arguments.link:
        raise Problem("--engine needs the link.", "docker tutor join URL --engine", code="bad-usage", status=2)
    name = arguments.name or os.environ.get("USER") or "Somebody"
    trust_for(arguments.link, arguments.ca)
    if not arguments.plain and _full_screen():
        from tutor.ui.tui.run import run

        workshop_seat.take(arguments.link, name, arguments.code, engine=arguments.engine)
        return run()
    return workshop_seat.run(arguments.link, name, arguments.code, sys.stdout, engine=arguments.engine)


def _full_screen() -> bool:
    """Whether there is a terminal to draw on."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def _leave(_: argparse.Namespace) -> int:
    from tutor.ui.plain import workshop_seat

    return workshop_seat.leave(sys.stdout)
