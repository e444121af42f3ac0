"""`course lint | schema | new | prove`: for authors."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this family's commands."""
    family = commands.add_parser("course", help="write a course: lint, prove, schema, new")
    actions = family.add_subparsers(title="actions", metavar="ACTION", required=True)

    lint = actions.add_parser("lint", help="name every error of a course or a chapter, with its place")
    lint.add_argument("path", nargs="?", type=Path, metavar="PATH", help="a file or folder; default: this course")
    lint.add_argument("--json", action="store_true", help="as JSON")
    lint.set_defaults(command=_lint)

    schema = actions.add_parser("schema", help="print the JSON Schema of a chapter, for editors")
    schema.add_argument("what", nargs="?", choices=("chapter", "mistakes"), default="chapter")
    schema.set_defaults(command=_schema)

    new = actions.add_parser("new", help="begin a chapter")
    new.add_argument("number", type=int, metavar="NUMBER")
    new.add_argument("slug", metavar="SLUG", help="its id: lower-case words joined by hyphens")
    new.add_argument("--into", type=Path, default=Path("lessons"), metavar="FOLDER", help="default: lessons")
    new.set_defaults(command=_new)

    prove = actions.add_parser("prove", help="run every solution and every mistake against the engine")
    prove.add_argument("what", nargs="*", metavar="PATH|CHAPTER", help="a course's folder or file, or chapter numbers")
    prove.add_argument(
        "--jobs", type=int, default=0, metavar="N", help="labs at a time; default: two for each processor, 8 at most"
    )
    prove.add_argument("--junit", type=Path, metavar="FILE", help="write a JUnit XML report, too")
    prove.add_argument("--json", action="store_true", help="as JSON")
    prove.set_defaults(command=_prove)


def _lint(arguments: argparse.Namespace) -> int:
    from tutor.course import commands

    return commands.lint(arguments.path, as_json=arguments.json, write=sys.stdout.write)


def _schema(arguments: argparse.Namespace) -> int:
    from tutor.course import commands

    return commands.schema(arguments.what, write=sys.stdout.write)


def _new(arguments: argparse.Namespace) -> int:
    from tutor.course import commands

    return commands.new(arguments.number, arguments.slug, into=arguments.into, write=sys.stdout.write)


def _prove(arguments: argparse.Namespace) -> int:
    from tutor.engine.connect import connect
    from tutor.lab.prove.command import prove

    with connect() as engine:
        return prove(
            arguments.what,
            engine=engine,
            jobs=arguments.jobs,
            junit=arguments.junit,
            as_json=arguments.json,
            write=sys.stdout.write,
            tell=sys.stderr.write,
        )
