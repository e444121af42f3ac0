"""`images list | pull | build | ready | pack | load | mirror | budget`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tutor.commands.workshop import trust_for, trusting, with_extra


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this family's commands."""
    family = commands.add_parser("images", help="the images of the labs, with and without the Internet")
    actions = family.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name, words, command in (
        ("list", "every image: what it is for, how big, whether it is here", _list),
        ("ready", "make sure that no image is missing: pull, or build where nothing can be pulled", _ready),
    ):
        one = actions.add_parser(name, help=words)
        one.add_argument("--json", action="store_true", help="as JSON")
        one.set_defaults(command=command)

    pull = _with_roles(actions.add_parser("pull", help="pull what is missing"))
    pull.add_argument("--from", dest="workshop", metavar="URL", help="from the mirror of this workshop")
    trusting(pull)
    pull.set_defaults(command=_pull)
    build = _with_roles(actions.add_parser("build", help="build from recipes what is missing or has changed"))
    build.add_argument("--again", action="store_true", help="build also what is there already")
    build.set_defaults(command=_build)
    pack = actions.add_parser("pack", help="put all images into one file, for a machine without a network")
    pack.add_argument("file", type=Path, metavar="FILE")
    _with_roles(pack).set_defaults(command=_pack)
    load = actions.add_parser("load", help="load such a file")
    load.add_argument("file", type=Path, metavar="FILE")
    load.add_argument("--json", action="store_true", help="as JSON")
    load.set_defaults(command=_load)
    mirror = _with_roles(actions.add_parser("mirror", help="put the images into a registry on this machine"))
    mirror.add_argument("--registry", metavar="127.0.0.1:PORT", help="default: the private engine's own")
    mirror.set_defaults(command=_mirror)
    budget = actions.add_parser("budget", help="what a class of N learners costs in pulls")
    budget.add_argument("learners", type=int, metavar="N")
    budget.add_argument("--chapters", type=int, nargs="+", metavar="CHAPTER", help="only these chapters' images")
    budget.add_argument("--json", action="store_true", help="as JSON")
    budget.set_defaults(command=_budget)


def _with_roles(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("roles", nargs="*", metavar="ROLE", help="which; all of them when none is named")
    parser.add_argument("--json", action="store_true", help="as JSON")
    return parser


def _list(arguments: argparse.Namespace) -> int:
    from tutor.engine import private
    from tutor.engine.connect import connect
    from tutor.engine.images import commands as image_commands

    with connect() as engine:
        registry = private.registry_url()
        return image_commands.list_images(engine, sys.stdout, as_json=arguments.json, registry=registry)


def _pull(arguments: argparse.Namespace) -> int:
    if arguments.workshop:
        return with_extra(_pull_from)(arguments)
    from tutor.engine.connect import connect
    from tutor.engine.images import commands as image_commands

    with connect() as engine:
        return image_commands.pull_images(engine, sys.stdout, arguments.roles or None, as_json=arguments.json)


def _pull_from(arguments: argparse.Namespace) -> int:
    from tutor.ui.plain import workshop_images

    trust_for(arguments.workshop, arguments.ca)
    return workshop_images.pull(arguments.workshop, sys.stdout, arguments.roles or None, as_json=arguments.json)


def _build(arguments: argparse.Namespace) -> int:
    from tutor.engine.connect import connect
    from tutor.engine.images import commands as image_commands

    with connect() as engine:
        return image_commands.build_images(
            engine, sys.stdout, arguments.roles or None, again=arguments.again, as_json=arguments.json
        )


def _pack(arguments: argparse.Namespace) -> int:
    from tutor.engine.connect import connect
    from tutor.engine.images import commands as image_commands

    with connect() as engine:
        return image_commands.pack_images(
            engine, sys.stdout, arguments.file, arguments.roles or None, as_json=arguments.json
        )


def _load(arguments: argparse.Namespace) -> int:
    from tutor.engine.connect import connect
    from tutor.engine.images import commands as image_commands

    with connect() as engine:
        return image_commands.load_images(engine, sys.stdout, arguments.file, as_json=arguments.json)


def _mirror(arguments: argparse.Namespace) -> int:
    from tutor.engine import private
    from tutor.engine.connect import connect
    from tutor.engine.images import commands as image_commands
    from tutor.problems import Problem

    registry = arguments.registry or private.registry_url()
    if not registry:
        raise Problem(
            "There is no registry to fill.",
            "Name one (--registry 127.0.0.1:PORT), or start the private engine's: docker tutor engine up",
            code="no-registry",
        )
    with connect() as engine:
        return image_commands.mirror_images(
            engine, sys.stdout, registry, arguments.roles or None, as_json=arguments.json
        )


def _budget(arguments: argparse.Namespace) -> int:
    from tutor.engine.images import commands as image_commands

    return image_commands.budget(sys.stdout, arguments.learners, arguments.chapters, as_json=arguments.json)


def _ready(arguments: argparse.Namespace) -> int:
    from tutor.engine import images, private
    from tutor.engine.connect import connect
    from tutor.engine.images import commands as image_commands
    from tutor.problems import Problem

    with connect() as engine:
        registry = private.registry_url()
        # The private engine's mirror has only what is built here: asking it first would be in vain.
        if registry is None:
            try:
                return image_commands.pull_images(engine, sys.stdout, as_json=arguments.json)
            except Problem as problem:
                if problem.code not in {"no-registry", "not-in-registry", "rate-limited", "pull-failed"}:
                    raise
                print(f"docker-tutor: {problem.sentence} The images are built from their recipes.", file=sys.stderr)
        image_commands.build_images(engine, sys.stdout, as_json=arguments.json)
        if registry:
            image_commands.mirror_images(engine, sys.stdout, registry, as_json=arguments.json)
        return 1 if images.missing(engine) else 0
