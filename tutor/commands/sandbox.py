"""`trace` and `context`: what the lab's commands asked for, and the lab from any terminal."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this family's commands."""
    trace = commands.add_parser("trace", help="what the lab's commands really asked the engine for")
    trace.add_argument("chapter", nargs="?", type=int, metavar="CHAPTER", help="default: the lab opened last")
    trace.add_argument("--follow", "-f", action="store_true", help="go on with what comes")
    trace.add_argument("--json", action="store_true", help="one JSON object a line")
    trace.set_defaults(command=_trace)

    family = commands.add_parser("context", help="the Docker context `docker-tutor`: the open lab from any terminal")
    actions = family.add_subparsers(title="actions", metavar="ACTION", required=True)
    create = actions.add_parser("create", help="point it to the open lab")
    create.add_argument("chapter", nargs="?", type=int, metavar="CHAPTER", help="default: the lab opened last")
    create.set_defaults(command=_create)
    actions.add_parser("remove", help="take it away").set_defaults(command=_remove)


def _trace(arguments: argparse.Namespace) -> int:
    from tutor.lab import open_labs
    from tutor.sandbox import commands

    path: Path = open_labs.folder(open_labs.latest(arguments.chapter).lab) / "trace.jsonl"
    commands.show_trace(path, lambda line: print(line, flush=True), following=arguments.follow, as_json=arguments.json)
    return 0


def _create(arguments: argparse.Namespace) -> int:
    from tutor.lab import open_labs
    from tutor.lab.session import setup as session_setup
    from tutor.problems import Problem
    from tutor.sandbox import commands

    lab = open_labs.latest(arguments.chapter).lab
    if not open_labs.is_served(lab):
        raise Problem(
            f"Lab {lab} is open, and no tutor serves it now.",
            "Keep it open in another terminal: docker-tutor learn, or docker-tutor shell.",
            code="lab-not-served",
            status=2,
        )
    print(commands.make_context(session_setup.socket(lab)))
    return 0


def _remove(_: argparse.Namespace) -> int:
    from tutor.sandbox import commands

    print(commands.remove_context())
    return 0
