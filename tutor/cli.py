"""The command line: parse, call, exit status. Nothing heavy is imported before a command is chosen."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from tutor import __version__, plugin
from tutor.commands import course, engine, images, learn, plugins, review, sandbox, workshop
from tutor.problems import Problem

Command = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: Arguments without the program's name; default: those of the process.

    Returns:
        The exit status: 0 done, 1 not (yet), 2 wrong usage or cannot be told, 130 interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == [plugin.METADATA_COMMAND]:
        print(plugin.metadata())
        return 0
    words, variables = plugin.arguments(words, os.environ)
    os.environ.update(variables)
    arguments = parser().parse_args(words)
    command: Command = arguments.command
    _carry()
    try:
        return command(arguments)
    except Problem as problem:
        return _tell(problem, as_json=getattr(arguments, "json", False))
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # no complaint at the flush on exit
        return 141


def _carry() -> None:
    """Let the engine of a workshop's host be found and reached; nothing is loaded before it is asked for."""
    from pathlib import Path

    from tutor.engine import carriers

    def chosen() -> str:
        from tutor.lent import way

        return way.chosen()

    def open_(host: str) -> Path:
        from tutor.lent import way

        return way.open_(host)

    carriers.add(carriers.Carrier("workshop", chosen, open_))


def parser() -> argparse.ArgumentParser:
    """The whole command line, with help for every command."""
    top = argparse.ArgumentParser(
        prog="docker-tutor",
        description="Learn Docker's mental model: read, type real commands, watch the engine, be judged on its state.",
        epilog="Without a command the tutor opens; without a terminal it lists the chapters.",
    )
    top.add_argument("--version", action="version", version=f"docker-tutor {__version__}")
    top.set_defaults(command=learn.start)
    commands = top.add_subparsers(title="commands", metavar="COMMAND")
    for family in (learn, review, workshop, engine, images, course, sandbox, plugins):
        family.add_to(commands)
    return top


def _tell(problem: Problem, *, as_json: bool) -> int:
    if as_json:
        import json

        print(json.dumps({"error": problem.code, "message": problem.sentence, "next": problem.next_step}))
    else:
        print(f"docker-tutor: {problem}", file=sys.stderr)
    return problem.status
