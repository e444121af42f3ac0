"""`doctor` and `engine up | down | status | run`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tutor.commands.workshop import trust_for, trusting


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this family's commands."""
    doctor = commands.add_parser("doctor", help="say what works, what is missing and what to do")
    doctor.add_argument("--json", action="store_true", help="as JSON")
    doctor.add_argument("--workshop", metavar="URL", help="look also whether you can take part in this workshop")
    trusting(doctor)
    doctor.set_defaults(command=_doctor)

    family = commands.add_parser("engine", help="a private Docker Engine, where none answers or beside another")
    actions = family.add_subparsers(title="actions", metavar="ACTION", required=True)

    up = actions.add_parser("up", help="make sure that an engine answers; start a private one if none does")
    _starting(up)
    up.add_argument("--data-root", type=Path, metavar="FOLDER", help="where the private engine keeps its layers")
    up.add_argument("--beside", action="store_true", help="start a private engine even where another answers")
    up.add_argument("--json", action="store_true", help="as JSON")
    up.add_argument("--host", action="store_true", help="print the engine's address only, in the form of DOCKER_HOST")
    up.set_defaults(command=_up)

    down = actions.add_parser("down", help="end the private engine; its images are kept")
    down.add_argument("--json", action="store_true", help="as JSON")
    down.set_defaults(command=_down)

    status = actions.add_parser("status", help="say which engine the tutor uses, and about the private one")
    status.add_argument("--json", action="store_true", help="as JSON; `host` is the address in the form of DOCKER_HOST")
    status.add_argument("--host", action="store_true", help="print the engine's address only")
    status.set_defaults(command=_status)

    run = actions.add_parser("run", help="run a command with DOCKER_HOST set to an engine that answers")
    _starting(run)
    run.add_argument("--keep", action="store_true", help="leave a private engine that was started for it running")
    run.add_argument("words", nargs="+", metavar="COMMAND", help="after --: the command and its arguments")
    run.set_defaults(command=_run)


def _starting(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--install", action="store_true", help="install Docker with apt where it is missing (as root)")
    parser.add_argument("--no-registry", action="store_true", help="start no registry beside it")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _doctor(arguments: argparse.Namespace) -> int:
    from tutor.engine import commands

    if not arguments.workshop:
        return commands.doctor(print, as_json=arguments.json)
    from tutor.ui.plain import workshop_doctor

    trust_for(arguments.workshop, arguments.ca)
    return commands.doctor(print, as_json=arguments.json, more=lambda: workshop_doctor.checks(arguments.workshop))


def _up(arguments: argparse.Namespace) -> int:
    from tutor.engine import commands

    return commands.engine_up(
        print,
        _say,
        install=arguments.install,
        registry=not arguments.no_registry,
        data_root=arguments.data_root,
        beside=arguments.beside,
        as_json=arguments.json,
        host_only=arguments.host,
    )


def _down(arguments: argparse.Namespace) -> int:
    from tutor.engine import commands

    return commands.engine_down(print, _say, as_json=arguments.json)


def _status(arguments: argparse.Namespace) -> int:
    from tutor.engine import commands

    return commands.engine_status(print, as_json=arguments.json, host_only=arguments.host)


def _run(arguments: argparse.Namespace) -> int:
    from tutor.engine import commands

    return commands.engine_run(
        arguments.words, _say, install=arguments.install, registry=not arguments.no_registry, keep=arguments.keep
    )
